import type { Resource, Release } from '@ledgerlift/contracts';
import type { NbdEndpoint } from '@ledgerlift/disk-transfer';
import type { TargetVm } from './vm-model/index.js';

/** For whom a workplace works, and until when. */
export interface Guard {
  /** Number of the attempt, which grows with each: whoever has an older one is late. */
  readonly generation: number;
  /** Aborts when the work must stop. */
  readonly signal: AbortSignal;
  /**
   * Called by the workplace right before each effect that cannot be undone.
   * @throws the signal's reason, once the attempt is over
   */
  stillOurs(): Promise<void>;
}

/**
 * Where a worker works for one VM at the target. It may be a folder that this process reaches, or a process beside the disks
 * elsewhere: that is ended by disposing of it.
 */
export interface Workplace extends AsyncDisposable {
  /** Makes the VM's place, or finds that of an earlier attempt. @throws NotOurs, where it is somebody else's */
  open(): Promise<void>;
  room(): Promise<Room>;
  readonly disks: DisksAtWork;
  readonly vm: VmAtWork;
  conversion(purpose: Purpose): ConversionAtWork;
  /** Sees that the VM's place is there. @throws NotOurs, TargetUnusable */
  seeOurs(): Promise<void>;
  /** A log that is kept with the VM. */
  log(kind: LogKind): WorkLog;
  /** Takes one resource away, and drafts of it. Whoever wrote it must have ended. @throws NotOurs, FolderNotEmpty */
  release(resource: Resource): Promise<Release['how']>;
  /** The VM is its user's from now on: all is done that needed its parts apart. May be called again. */
  handOver?(): Promise<void>;
  /**
   * Takes away what a crash left and no ledger has: found again by the VM's mark, such as a draft's name beside what is kept,
   * or a label. Whoever made it must have ended.
   */
  sweep(kept: readonly Resource[]): Promise<void>;
}

export interface Room {
  /** The place that is meant, for messages. */
  readonly where: string;
  readonly freeBytes: number;
  /** Bytes that each disk of the record takes already, in its order. */
  readonly written: readonly number[];
}

/** The disks of the record, while they are made and copied. */
export interface DisksAtWork {
  /** Makes a disk that reads as zeros, or finds it. @throws WrongDisk */
  allocate(diskId: string, size: number): Promise<'created' | 'found'>;
  /** Looks once more at a disk that another tool brought. @returns what speaks against it; undefined: nothing */
  objectionTo(diskId: string, size: number): Promise<Objection | undefined>;
  /** Opens a disk for its one writer, once every earlier one is seen gone; it grows where it is smaller. */
  openForWriting(diskId: string, size: number): Promise<DiskWriter>;
  /** Opens a disk to be read back as the storage holds it. */
  openForVerification(diskId: string): Promise<DiskReader>;
  /** Path of the file of this machine that holds the hashes of what was copied. */
  chunkManifest(diskId: string): Promise<string>;
  /** Where a source's disk that has no random access is unpacked: claimed before it is made. */
  unpacked(diskId: string): Promise<{ readonly resource: Resource; readonly path: string }>;
  /** Sees every writer of these disks gone, of whichever attempt. @throws WriterUnknown */
  endWriters(): Promise<void>;
  /** As files of this machine, in the record's order. */
  files(): Promise<readonly ImageFile[]>;
  /** The same, as the test conversion left them: overlays over `files`. */
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
  /** Of the disk, as the record has it. */
  readonly name: string;
  readonly endpoint: NbdEndpoint;
  readonly size: 'grown' | 'large-enough';
  /** Before anything is written: a file of ours reads as zeros, a block device may hold anything. */
  readonly content: 'zeros' | 'anything';
  /** What was told to be flushed is durable. @param patienceMs after which the server is killed */
  release(patienceMs?: number): Promise<void>;
}

export interface DiskReader {
  readonly endpoint: NbdEndpoint;
  /** What is read, for messages. */
  readonly where: string;
  /** Whether what is read may come from memory. */
  readonly cache: 'bypassed' | 'used';
  close(): Promise<void>;
}

export type LogKind = 'conversion' | 'bootProof' | 'testConversion' | 'testBoot' | 'preflightInspection';

export interface WorkLog {
  /** As it is claimed. */
  readonly name: string;
  /** Of a file of this machine, absolute; its folder is made. @throws NotOurs, TargetUnusable */
  path(): Promise<string>;
}

/** What makes the disks a VM. */
export interface VmAtWork {
  /** Makes the VM, unable to start; done again it gives the same. @returns names of what was made */
  create(vm: TargetVm): Promise<readonly string[]>;
  /** Whether there is something that could start the VM. */
  isCreated(): Promise<boolean>;
  /** Lets the VM start, or halts it, as its `runStrategy` says. @returns how it is now, in words */
  setRunStrategy(vm: TargetVm): Promise<string>;
  /** Waits a moment for whoever has just ended. @returns who holds a disk of the VM; undefined: nobody */
  holder(): Promise<{ readonly path: string; readonly who: string } | undefined>;
}

/** A conversion that will be committed, one that is only booted, and thrown away, or one that is only tried. */
export type Purpose = 'migration' | 'test' | 'inspection';

/** A disk and what a conversion writes over it, as qcow2: files of this machine, absolute. */
export interface Overlay {
  /** As it is claimed. */
  readonly name: string;
  readonly path: string;
  /** The disk: whoever opens the overlay must be able to read it. */
  readonly base: string;
}

/** How one overlay is written into its disk. */
export interface OverlayCommit {
  /** The command, in a sandbox that shows it nothing but the two: to be run as a process that is seen to end. It may be repeated. */
  readonly argv: readonly [string, ...string[]];
  /** The error for a command that did not succeed. @param said what it wrote to its standard error */
  failed(said: string): Error;
  /** Makes what it wrote durable. */
  flush(): Promise<void>;
}

/** The disks of the record while their guest is converted. */
export interface ConversionAtWork {
  /** Before anything is made: what the step makes, and the record of who works. */
  readonly claims: readonly Resource[];
  readonly log: WorkLog;
  /** Over all disks, in the record's order. */
  overlays(): Promise<readonly Overlay[]>;
  /**
   * Makes sure that nobody has a disk or an overlay open, and that no disk leads to another file. Waits a moment for whoever
   * has just ended. @throws DisksHeld, ForeignImageRefused, ToolFailed
   */
  assertFree(): Promise<void>;
  /** Replaces what earlier attempts left with empty overlays, durably. @throws NoRoomForOverlays, DisksHeld, ImageToolFailed */
  make(): Promise<void>;
  /** Makes overlays and their names durable; after a release, that they are gone. */
  flush(): Promise<void>;
  /** Looks whether each overlay is sound in itself. @throws OverlayDamaged, DisksHeld */
  check(): Promise<void>;
  /** The path of the base that an overlay names itself. @throws ImageToolFailed */
  baseOf(overlay: Overlay): Promise<string | undefined>;
  /** Prepares the commit of one overlay; nothing is written yet. @throws SandboxMissing, SandboxUnproven */
  commit(overlay: Overlay): Promise<OverlayCommit>;
  /** The record of who works on the disks now; beside them, so that another machine finds it. */
  holder(): Promise<{ readonly resource: Resource; readonly path: string }>;
  /**
   * Which of the VM's conversions, from 1, is marked as committed; undefined where nothing that can be understood says so.
   * That of an earlier one, before the source ran again, is as good as none.
   */
  committed(): Promise<number | undefined>;
  /** Durable when it returns. */
  markCommitted(conversion: number): Promise<void>;
  forgetCommit(): Promise<void>;
}
