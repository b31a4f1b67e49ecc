import { setImmediate } from 'node:timers/promises';
import type { Release, Resource } from '@ledgerlift/contracts';
import type { NbdEndpoint } from '@ledgerlift/disk-transfer';
import type { TargetVm } from './vm-model/index.js';

/** Ties a workplace to one attempt, so that it stops when the attempt ends. */
export interface Guard {
  /** Attempt number. It increases with each attempt, so a lower number means a stale worker. */
  readonly generation: number;
  /** Aborts when the work must stop. */
  readonly signal: AbortSignal;
  /**
   * The workplace calls this right before each effect that cannot be undone.
   * @throws the signal's reason if the attempt is over
   */
  stillOurs(): Promise<void>;
}

/**
 * A worker's access to one VM at the target: a local folder, or a remote process beside the disks. Disposing of it ends
 * that process.
 */
export interface Workplace extends AsyncDisposable {
  /** Creates the VM's folder or its equivalent, or finds the one of an earlier attempt. @throws NotOurs if it has another owner */
  open(): Promise<void>;
  room(): Promise<Room>;
  readonly disks: DisksAtWork;
  readonly vm: VmAtWork;
  conversion(purpose: Purpose): ConversionAtWork;
  /** Checks that what `open` created exists and is ours. @throws NotOurs, TargetUnusable */
  seeOurs(): Promise<void>;
  /** Returns a log that is kept with the VM. */
  log(kind: LogKind): WorkLog;
  /** Deletes a resource and drafts of it. Its writer must have ended. @throws NotOurs, FolderNotEmpty */
  release(resource: Resource): Promise<Release['how']>;
  /** Hands the VM to its user, once no step needs its parts separately. Idempotent. */
  handOver?(): Promise<void>;
  /**
   * Deletes leftovers of a crash that no ledger lists. It finds them by the VM's mark: a label, or a draft's name beside a
   * kept resource. Their writer must have ended.
   */
  sweep(kept: readonly Resource[]): Promise<void>;
}

export interface Room {
  /** The file system or storage that was measured, for messages. */
  readonly where: string;
  readonly freeBytes: number;
  /** Bytes that each disk already occupies, in the record's order. */
  readonly written: readonly number[];
}

/** Access to the record's disks while they are created and copied. */
export interface DisksAtWork {
  /** Creates a disk that reads as zeros, or finds it. `size` in bytes. @throws WrongDisk */
  allocate(diskId: string, size: number): Promise<'created' | 'found'>;
  /** Checks again a disk that another tool brought. @returns why it cannot be used; undefined if it can */
  objectionTo(diskId: string, size: number): Promise<Objection | undefined>;
  /** Opens a disk for its only writer after every earlier writer has ended, and grows it to `size` bytes if it is smaller. */
  openForWriting(diskId: string, size: number): Promise<DiskWriter>;
  /** Opens a disk to read back what the storage really holds. */
  openForVerification(diskId: string): Promise<DiskReader>;
  /** Returns the path of the local file that holds the hashes of copied chunks. */
  chunkManifest(diskId: string): Promise<string>;
  /** Returns where to unpack a source disk without random access. Claim `resource` before creating the file. */
  unpacked(diskId: string): Promise<{ readonly resource: Resource; readonly path: string }>;
  /** Ends every writer of these disks, whatever its attempt. @throws WriterUnknown */
  endWriters(): Promise<void>;
  /** Lists the disks as local files, in the record's order. */
  files(): Promise<readonly ImageFile[]>;
  /** Lists the overlays over `files` that the test conversion left. */
  testOverlays(): Promise<readonly ImageFile[]>;
}

export interface ImageFile {
  /** Absolute. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

export interface Objection {
  /** Without a full stop. */
  readonly why: string;
  readonly cause?: unknown;
}

export interface DiskWriter {
  /** The disk's name in the record. */
  readonly name: string;
  readonly endpoint: NbdEndpoint;
  readonly size: 'grown' | 'large-enough';
  /** The content before the first write: a new file reads as zeros, a block device may hold anything. */
  readonly content: 'zeros' | 'anything';
  /** Closes the disk. Flushed data is durable. @param patienceMs how long to wait before killing the server */
  release(patienceMs?: number): Promise<void>;
}

export interface DiskReader {
  readonly endpoint: NbdEndpoint;
  /** The disk's location, for messages. */
  readonly where: string;
  /** Whether reads may be served from the page cache. */
  readonly cache: 'bypassed' | 'used';
  close(): Promise<void>;
}

export type LogKind = 'conversion' | 'bootProof' | 'testConversion' | 'testBoot' | 'preflightInspection';

export interface WorkLog {
  /** The name under which it is claimed. */
  readonly name: string;
  /** Returns its absolute local path, and creates its folder. @throws NotOurs, TargetUnusable */
  path(): Promise<string>;
}

/** Creates the VM from its disks, and starts and stops it. */
export interface VmAtWork {
  /** Creates the VM so that it cannot start yet. Idempotent. @returns names of the created objects */
  create(vm: TargetVm): Promise<readonly string[]>;
  /** Whether anything exists that could start the VM. */
  isCreated(): Promise<boolean>;
  /** Starts or halts the VM as its `runStrategy` says. @returns its new state, for messages */
  setRunStrategy(vm: TargetVm): Promise<string>;
  /** Finds the holder of one of the VM's disks, after a short wait for holders that are just ending. @returns undefined if there is none */
  holder(): Promise<{ readonly path: string; readonly who: string } | undefined>;
}

/** What a conversion is for: to be committed, to be booted and thrown away, or only to see whether it succeeds. */
export type Purpose = 'migration' | 'test' | 'inspection';

/** A qcow2 overlay that takes a conversion's writes to one disk. Paths are local and absolute. */
export interface Overlay {
  /** The name under which it is claimed. */
  readonly name: string;
  readonly path: string;
  /** Path of the disk. A process that opens the overlay must be able to read it. */
  readonly base: string;
}

/** How to write one overlay into its disk. */
export interface OverlayCommit {
  /** Command that runs in a sandbox where only the overlay and its disk are visible. It may be repeated; run it as a supervised process. */
  readonly argv: readonly [string, ...string[]];
  /** Makes the error for a failed command. @param said its standard error */
  failed(said: string): Error;
  /** Makes the command's writes durable. */
  flush(): Promise<void>;
}

/** Access to the record's disks while their guest is converted. */
export interface ConversionAtWork {
  /** What the step will create, including the holder record. Claim these before creating anything. */
  readonly claims: readonly Resource[];
  readonly log: WorkLog;
  /** Lists the overlays of all disks, in the record's order. */
  overlays(): Promise<readonly Overlay[]>;
  /**
   * Makes sure that no process has a disk or an overlay open, after a short wait for those that are just ending, and that no
   * disk refers to another file. @throws DisksHeld, ForeignImageRefused, ToolFailed
   */
  assertFree(): Promise<void>;
  /** Replaces overlays of earlier attempts with empty ones, durably. @throws NoRoomForOverlays, DisksHeld, ImageToolFailed */
  make(): Promise<void>;
  /** Makes overlays and their names durable or, after a release, their removal. */
  flush(): Promise<void>;
  /** Checks that each overlay is internally consistent. @throws OverlayDamaged, DisksHeld */
  check(): Promise<void>;
  /** Reads the path of the base from an overlay's header. @throws ImageToolFailed */
  baseOf(overlay: Overlay): Promise<string | undefined>;
  /** Prepares the commit of one overlay without writing yet. @throws SandboxMissing, SandboxUnproven */
  commit(overlay: Overlay): Promise<OverlayCommit>;
  /** Returns the record of the process that works on the disks. It lies beside them, so that other machines find it. */
  holder(): Promise<{ readonly resource: Resource; readonly path: string }>;
  /**
   * Returns the number of the conversion, from 1, that is marked as committed; undefined without a readable mark. Treat the
   * mark of an earlier conversion, from before the source ran again, as none.
   */
  committed(): Promise<number | undefined>;
  /** Marks a conversion as committed. The mark is durable when this returns. */
  markCommitted(conversion: number): Promise<void>;
  forgetCommit(): Promise<void>;
}

/**
 * Makes the guard of an attempt from its signal. `stillOurs` lets due timers run first, so that a process that was suspended
 * notices that its lease has ended.
 */
export const guardOf = ({
  ref,
  signal,
}: {
  readonly ref: { readonly attempt: number };
  readonly signal: AbortSignal;
}): Guard => ({
  generation: ref.attempt,
  signal,
  stillOurs: async () => {
    await setImmediate();
    signal.throwIfAborted();
  },
});

/**
 * Sorts resources for release: worker pods, then their credentials, which a cluster would otherwise delete together with the
 * scratch claim; then everything else in its order; folders after their content, inner before outer.
 */
export function inReleaseOrder(resources: readonly Resource[]): Resource[] {
  const rank = ({ kind, name }: Resource): number => {
    if (kind === 'worker-pod') return -2;
    if (kind === 'credential') return -1;
    return kind === 'folder' ? 1 / name.split('/').length : 0;
  };
  return resources.toSorted((a, b) => rank(a) - rank(b));
}
