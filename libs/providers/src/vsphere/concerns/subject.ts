import type { Concern, SourceVm } from '@ledgerlift/contracts';
import type { ObjectRef, VimNode } from '../soap/xml.js';

/** Properties of a VirtualMachine that the rules need in addition to the SourceVm. */
export const CONCERN_PATHS = [
  'config.changeTrackingEnabled',
  'config.extraConfig',
  'config.hardware.device',
  'config.keyId',
  'config.memoryAffinity',
  'guest.disk',
  'guest.ipAddress',
  'guest.net',
  'runtime.connectionState',
  'runtime.consolidationNeeded',
  'runtime.faultToleranceState',
  'runtime.host',
] as const;
export type ConcernPath = (typeof CONCERN_PATHS)[number];

/** Properties of the VM's host. */
export const HOST_PATHS = ['runtime.connectionState', 'runtime.inMaintenanceMode'] as const;
/** Properties of the VM's cluster. */
export const CLUSTER_PATHS = ['configurationEx'] as const;

type Properties = ReadonlyMap<string, VimNode>;

/** A VM as read from vSphere. */
export interface RawVm {
  readonly ref: ObjectRef;
  readonly properties: Properties;
}
export type JudgedVm = Omit<SourceVm, 'concerns'>;

/** Properties of the VM's host and, if it is in one, of its cluster. */
export interface Place {
  readonly host?: Properties | undefined;
  readonly cluster?: Properties | undefined;
}

/** The VM that a rule checks, with its surroundings. */
export class Subject {
  readonly #settings: ReadonlyMap<string, string>;

  constructor(
    readonly raw: RawVm,
    readonly vm: JudgedVm,
    readonly place: Place,
  ) {
    const settings = this.at('config.extraConfig')?.parts ?? [];
    this.#settings = new Map(
      settings.map((each) => [(each.textAt('key') ?? '').toLowerCase(), each.textAt('value') ?? '']),
    );
  }

  at(path: ConcernPath): VimNode | undefined {
    return this.raw.properties.get(path);
  }

  text(path: ConcernPath): string | undefined {
    return this.at(path)?.text;
  }

  flag(path: ConcernPath): boolean {
    return this.text(path) === 'true';
  }

  get devices(): readonly VimNode[] {
    return this.at('config.hardware.device')?.parts ?? [];
  }

  has(kind: RegExp): boolean {
    return this.devices.some((device) => kind.test(device.kind));
  }

  /** Returns one of the VM's advanced settings. The case of its name does not matter. */
  setting(name: string): string | undefined {
    return this.#settings.get(name.toLowerCase());
  }

  get settingNames(): readonly string[] {
    return [...this.#settings.keys()];
  }

  get cluster(): VimNode | undefined {
    return this.place.cluster?.get('configurationEx');
  }
}

export type Rule = (subject: Subject) => readonly Concern[];

/** Makes a rule that raises one concern or none. */
export const rule =
  (
    id: string,
    category: Concern['category'],
    applies: (subject: Subject) => boolean,
    label: string,
    assessment: string,
  ): Rule =>
  (subject) =>
    applies(subject) ? [{ id, category, label, assessment }] : [];

/** Makes a rule that raises one concern for each item. */
export const ruleOfEach =
  <T>(
    id: string,
    category: Concern['category'],
    items: (subject: Subject) => readonly T[],
    label: (item: T) => string,
    assessment: string,
  ): Rule =>
  (subject) =>
    items(subject).map((item) => ({ id, category, label: label(item), assessment }));
