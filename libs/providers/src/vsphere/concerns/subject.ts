import type { Concern, SourceVm } from '@ledgerlift/contracts';
import type { ObjectRef, VimNode } from '../soap/node.js';
import type { ConcernPath } from './paths.js';

type Properties = ReadonlyMap<string, VimNode>;

/** A VM as vSphere tells it. */
export interface RawVm {
  readonly ref: ObjectRef;
  readonly properties: Properties;
}
export type JudgedVm = Omit<SourceVm, 'concerns'>;

/** Where it runs: properties of its host, and of its cluster where it is in one. */
export interface Place {
  readonly host?: Properties | undefined;
  readonly cluster?: Properties | undefined;
}

/** What a rule looks at. */
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

  /** Of the VM's advanced settings, whatever the case of its name. */
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

/** A rule that raises one concern or none. */
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

/** A rule that raises one for each item. */
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
