import { type Progress, ScheduleLimits, type VmRecord } from '@ledgerlift/contracts';
import { type EventLog, type StoredEvent, domainEvent } from '@ledgerlift/event-log';
import {
  CommandRefused,
  type VmState,
  decideVm,
  evolveVm,
  isTerminal,
  progressOf,
} from '@ledgerlift/migration';
import type { ResolvedPlan } from '@ledgerlift/planning';
import { type VmAsNeeded, vmInPhase } from '@ledgerlift/planning/spec';
import { targetOf } from '@ledgerlift/targets';
import { v7 as uuidv7 } from 'uuid';
import type { CommandContext, EventWriter } from '../../log/event-writer.js';
import type { MigrationRun, OperatorCommand, RunService, VmRun } from '../../runs/run-service.js';
import { runStream, vmStream } from '../../runs/stream-names.js';
import { noVms } from '../../runs/vm-index.js';

type FakeRun = Omit<MigrationRun, 'phases' | 'percent' | 'underWay' | 'vms' | 'vm'>;

/**
 * Not the planner's engine: starts runs in the real log with the real deciders, but nothing schedules or works them.
 * Specs say with `change` how far a VM has come.
 */
export class FakeRunService implements RunService {
  readonly calls: string[] = [];
  readonly scheduled = [];
  readonly #runs = new Map<string, { run: FakeRun; vms: VmRun[] }>();

  constructor(
    private readonly log: EventLog,
    private readonly writer: EventWriter,
  ) {}

  async start(plan: ResolvedPlan, context: CommandContext): Promise<string> {
    const migrationId = uuidv7();
    this.calls.push(`start ${plan.spec.name}`);
    const vms: VmRun[] = [];
    for (const [index, vm] of plan.vms.entries()) {
      const record: VmRecord = { ...vm, migrationId, index };
      const stream = vmStream(migrationId, index);
      const events = decideVm(
        { kind: 'plan', record, itinerary: targetOf(record.target.type).itineraryFor(record) },
        undefined,
      );
      const stored = await this.writer.append(stream, 'no-stream', events, context);
      const state = stored.reduce<VmState>(
        (folded, event) => evolveVm(folded, domainEvent(event)),
        undefined,
      );
      vms.push({ stream, state, progress: undefined });
    }
    const { planId, spec, networkMapping, storageMapping, conditions } = plan;
    const data = {
      migrationId,
      planId,
      spec,
      networkMapping,
      storageMapping,
      conditions: [...conditions],
      vmCount: vms.length,
    };
    const [started] = await this.writer.append(
      runStream(migrationId),
      'no-stream',
      [{ type: 'MigrationStarted', data }],
      context,
    );
    const run = {
      migrationId,
      planId,
      startedAt: started?.time ?? '',
      completedAt: undefined,
      cancelRequested: false,
      pauseRequested: false,
      awaitsApproval: false,
      wave: 1,
      waves: [1],
      planName: spec.name,
      hooks: [],
    };
    this.#runs.set(migrationId, { run, vms });
    return migrationId;
  }

  cancelMigration(migrationId: string, reason: string, _context: CommandContext): Promise<void> {
    this.calls.push(`cancel ${migrationId}: ${reason}`);
    const entry = this.#entry(migrationId);
    if (entry.run.completedAt !== undefined) throw new CommandRefused('cancel', 'the migration is completed');
    entry.run = { ...entry.run, cancelRequested: true };
    return Promise.resolve();
  }

  readonly limits = ScheduleLimits.parse({});

  setLimits(): Promise<void> {
    return Promise.resolve();
  }

  pauseMigration(migrationId: string, reason: string): Promise<void> {
    this.calls.push(`pause ${migrationId}: ${reason}`);
    return Promise.resolve();
  }

  resumeMigration(migrationId: string, reason: string): Promise<void> {
    this.calls.push(`resume ${migrationId}: ${reason}`);
    return Promise.resolve();
  }

  approveMigration(migrationId: string, reason: string): Promise<void> {
    this.calls.push(`approve ${migrationId}: ${reason}`);
    return Promise.resolve();
  }

  startNextWave(migrationId: string, reason: string): Promise<void> {
    this.calls.push(`next wave of ${migrationId}: ${reason}`);
    return Promise.resolve();
  }

  askVm(migrationId: string, vm: number, command: OperatorCommand): Promise<void> {
    const reason = 'reason' in command ? `: ${command.reason}` : '';
    this.calls.push(`${command.kind} ${vmStream(migrationId, vm)}${reason}`);
    if (command.kind === 'abandon')
      this.change(migrationId, vm, { afterwards: [{ type: 'VmMigrationAbandoned', data: { reason: '' } }] });
    return Promise.resolve();
  }

  askVms(migrationId: string, { kind }: OperatorCommand): Promise<number> {
    this.calls.push(`${kind} all of ${migrationId}`);
    return Promise.resolve(this.#entry(migrationId).vms.length);
  }

  retryVm(
    migrationId: string,
    vm: number,
    reason: string,
    record: VmRecord,
    _context: CommandContext,
  ): Promise<void> {
    this.calls.push(`retry ${vmStream(migrationId, vm)}: ${reason}`);
    this.change(migrationId, vm, { phase: 'planned', record });
    return Promise.resolve();
  }

  migrations(): readonly MigrationRun[] {
    return [...this.#runs.keys()].map((id) => this.#view(id));
  }

  migration(migrationId: string): MigrationRun | undefined {
    return this.#runs.has(migrationId) ? this.#view(migrationId) : undefined;
  }

  history(stream: string, from = 0): AsyncIterable<StoredEvent> {
    return this.log.readStream(stream, { from });
  }

  /** Brings a VM to where the spec needs it. */
  change(migrationId: string, vm: number, change: VmAsNeeded, progress?: Progress): void {
    const { vms } = this.#entry(migrationId);
    const was = vms[vm];
    if (was?.state === undefined) throw new Error(`the fake has no VM ${vm}`);
    vms[vm] = { ...was, state: vmInPhase(was.state, change), progress };
  }

  #entry(migrationId: string): { run: FakeRun; vms: VmRun[] } {
    const entry = this.#runs.get(migrationId);
    if (entry === undefined) throw new CommandRefused('any command', 'there is no such migration');
    return entry;
  }

  #view(migrationId: string): MigrationRun {
    const { run, vms } = this.#entry(migrationId);
    const isOver = vms.every(({ state }) => state !== undefined && isTerminal(state));
    const phases = noVms();
    for (const { state } of vms) phases[state?.phase ?? 'planned'] += 1;
    return {
      ...run,
      completedAt: isOver ? '2026-11-23T12:00:00.000Z' : undefined,
      phases,
      percent: vms.reduce((sum, { state }) => sum + (state === undefined ? 0 : progressOf(state)), 0),
      underWay: vms,
      vms,
      vm: (index) => vms[index],
    };
  }
}
