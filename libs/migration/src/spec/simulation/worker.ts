import type { DiskCheckpoint, Job, StepOutcome, StepResult } from '@ledgerlift/contracts';
import { completedBy, noRoot, sourceRan, stoppedAsTold } from '../fixtures.js';
import { DISK, type World, manifestOf, outstanding } from './world.js';

/** The result of one stroke of work. */
export interface Stroke {
  readonly checkpoint?: DiskCheckpoint;
  readonly outcome?: StepOutcome;
}

/** A simulated worker: does an attempt in strokes, each of which changes the world a little. */
export class SimulatedWorker {
  #todo: number[] | undefined;
  #done = new Set<number>();

  constructor(
    readonly job: Job,
    private readonly world: World,
  ) {}

  stroke(): Stroke {
    const { world, job } = this;
    switch (job.step) {
      case 'DiskTransfer':
        return this.#copy();
      case 'SourcePowerOff':
        if (job.powerOff === 'only-if-off' && world.power === 'on') return { outcome: stoppedAsTold };
        world.power = 'off';
        return done({ step: 'SourcePowerOff', momentId: world.moment ?? '', how: 'shut-down' });
      case 'SourcePowerOn':
        world.powerOn();
        break;
      case 'SnapshotCreation': {
        const claimed = job.ledger.findLast(
          ({ kind, name }) => kind === 'snapshot' && name.endsWith(`-${job.pass?.round ?? 0}`),
        );
        return done({ step: 'SnapshotCreation', snapshot: world.snapshot(claimed?.name ?? 'unclaimed') });
      }
      case 'ImageConversion':
        world.overlays.add('conversion');
        break;
      case 'ImageCommit':
        if (world.overlays.delete('conversion')) {
          world.target = world.target.map((chunk) => ({ ...chunk, converted: chunk.converted + 1 }));
        }
        break;
      case 'TestConversion':
        world.overlays.add('test');
        break;
      case 'VirtualMachineCreation':
        world.targetExists = true;
        break;
      case 'FinalPowerActions':
        if (world.moment !== this.#powerOffMoment) return { outcome: sourceRan };
        world.letTargetGo();
        if (this.#isTargetToRun) world.startTarget();
        break;
      case 'TargetPowerOff':
        world.targetRuns = false;
        break;
      default:
        break;
    }
    if (job.step === 'Initialize') {
      world.wasOn = world.power === 'on';
      return done({ step: 'Initialize', powerState: world.power, fingerprint: 'f1' });
    }
    return { outcome: completedBy(job.step) };
  }

  /** Removes a resource that the attempt releases. */
  release(name: string, kind: string): void {
    if (kind === 'disk') this.world.targetDisk = 'deleted';
    if (kind === 'snapshot') this.world.snapshots.delete(name);
    if (kind === 'overlay') this.world.overlays.delete(name.includes('.test.') ? 'test' : 'conversion');
  }

  get #isTargetToRun(): boolean {
    const first = this.job.results.find((result) => result.step === 'Initialize');
    return this.job.record.powerState === 'auto'
      ? first?.powerState === 'on'
      : this.job.record.powerState === 'on';
  }

  get #powerOffMoment(): string | undefined {
    const off = this.job.results.findLast((result) => result.step === 'SourcePowerOff');
    return off?.step === 'SourcePowerOff' ? off.momentId : undefined;
  }

  /** Copies one chunk a stroke; the checkpoint that claims it comes afterwards. */
  #copy(): Stroke {
    const { world, job } = this;
    const pass = job.pass ?? { kind: 'cold', round: 0 };
    const isOff = pass.kind === 'cold' || pass.kind === 'final';
    if (isOff && world.moment !== this.#powerOffMoment) return { outcome: sourceRan };
    const read = world.read(pass.snapshot);
    const momentId = pass.snapshot?.momentId ?? this.#powerOffMoment;
    if (read === undefined && pass.snapshot !== undefined) return { outcome: lost };
    if (read === undefined || momentId === undefined) return { outcome: gone };
    const checkpoint = job.checkpoints.find(({ diskId }) => diskId === DISK);
    if (this.#todo === undefined) {
      this.#todo = [...outstanding(read, momentId, checkpoint)];
      this.#done = new Set(
        read.map((_, index) => index).filter((index) => this.#todo?.includes(index) !== true),
      );
    }
    const next = this.#todo.shift();
    if (next !== undefined) {
      world.target[next] = { write: read[next] ?? 0, converted: 0 };
      this.#done.add(next);
    }
    const reached: DiskCheckpoint = {
      diskId: DISK,
      momentId,
      ...changeIdOf(pass.snapshot?.disks[0]?.changeId),
      bytesDone: this.#done.size,
      bytesTotal: world.size,
      manifestDigest: manifestOf(momentId, this.#done),
    };
    if (this.#todo.length > 0) return { checkpoint: reached };
    const disk = {
      diskId: DISK,
      name: 'disk',
      size: world.size,
      digest: '',
      bytesRead: 1,
      bytesWritten: 1,
      bytesZeroed: 0,
      resumed: '',
      verified: 'none' as const,
    };
    return {
      checkpoint: reached,
      ...done({ step: 'DiskTransfer', disks: [disk], pass: { kind: pass.kind, round: pass.round } }),
    };
  }
}

const done = (result: StepResult): Stroke => ({ outcome: { kind: 'completed', result } });
const changeIdOf = (changeId: string | undefined): { changeId?: string } =>
  changeId === undefined ? {} : { changeId };
const lost: StepOutcome = { kind: 'snapshot-lost', reason: 'its host failed' };
const gone: StepOutcome = {
  kind: 'failed',
  error: { ...noRoot, message: 'what is to be read is not there' },
};
