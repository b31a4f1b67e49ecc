import type { ObjectRef } from '../soap/node.js';
import type { VimObject } from '../soap/properties.js';

/** What stands around VMs, by managed object id: folders, hosts, clusters, networks, datastores. */
export class Surroundings {
  readonly #objects: ReadonlyMap<string, VimObject>;
  readonly #portgroups = new Map<string, ObjectRef>();
  readonly #opaque = new Map<string, ObjectRef>();

  constructor(
    objects: readonly VimObject[],
    /** Names of custom attributes by their keys. */
    readonly attributes: ReadonlyMap<number, string> = new Map(),
    /** Of the server. */
    readonly version = '',
  ) {
    this.#objects = new Map(objects.map((object) => [object.ref.id, object]));
    for (const { ref, properties } of objects) {
      const key = properties.get('key')?.text;
      if (key !== undefined) this.#portgroups.set(key, ref);
      const opaque = properties.get('summary')?.textAt('opaqueNetworkId');
      if (opaque !== undefined) this.#opaque.set(opaque, ref);
    }
  }

  get objects(): readonly VimObject[] {
    return [...this.#objects.values()];
  }

  ofType(...types: readonly string[]): readonly VimObject[] {
    return this.objects.filter(({ ref }) => types.includes(ref.type));
  }

  propertiesOf(ref: ObjectRef | undefined): VimObject['properties'] | undefined {
    return ref === undefined ? undefined : this.#objects.get(ref.id)?.properties;
  }

  nameOf(ref: ObjectRef | undefined): string | undefined {
    const name = ref === undefined ? undefined : this.#objects.get(ref.id)?.properties.get('name')?.text;
    return name === undefined ? undefined : unescaped(name);
  }

  portgroup(key: string): ObjectRef | undefined {
    return this.#portgroups.get(key);
  }

  opaqueNetwork(id: string): ObjectRef | undefined {
    return this.#opaque.get(id);
  }

  /** The object of that type which the one given lies in; undefined where there is none. */
  above(ref: ObjectRef | undefined, type: string): ObjectRef | undefined {
    for (const each of this.#upwards(ref)) if (each.type === type) return each;
    return undefined;
  }

  /** From below the root on, such as `/DC0/network/lan`: it tells apart two objects of one name. */
  pathOf(ref: ObjectRef): string {
    const names = [...this.#upwards(ref)].map((each) => this.nameOf(each) ?? each.id).toReversed();
    return `/${names.slice(1).join('/')}`;
  }

  /** Ids of the folders that something lies in, from its own upwards to the one that holds all VMs of a datacenter. */
  folderIds(parent: ObjectRef | undefined): readonly string[] {
    return [...this.#foldersFrom(parent)].map(({ id }) => id);
  }

  /** Such as `/prod/web` for what lies in that folder of a datacenter; `/` for what lies in none. */
  folderPath(parent: ObjectRef | undefined): string {
    const folders = [...this.#foldersFrom(parent)];
    // The folder right below a datacenter is the one that holds all VMs, and no user's.
    if (this.above(parent, 'Datacenter') !== undefined) folders.pop();
    const names = folders.map((each) => this.nameOf(each) ?? each.id);
    return `/${names.toReversed().join('/')}`;
  }

  *#foldersFrom(parent: ObjectRef | undefined): Generator<ObjectRef> {
    for (const each of this.#upwards(parent)) {
      if (each.type === 'Datacenter') return;
      yield each;
    }
  }

  *#upwards(from: ObjectRef | undefined): Generator<ObjectRef> {
    const seen = new Set<string>();
    for (let at = from; at !== undefined && !seen.has(at.id);) {
      seen.add(at.id);
      yield at;
      const properties = this.#objects.get(at.id)?.properties;
      at = properties?.get('parent')?.ref ?? properties?.get('parentFolder')?.ref;
    }
  }
}

/**
 * vSphere writes these three of a name in percent (vim.ManagedEntity.name). Names are for people, and are unescaped once,
 * where they are read.
 */
export const unescaped = (name: string): string =>
  name.replace(/%(25|2f|5c)/gi, (written) => decodeURIComponent(written));

/** A name as vSphere wants it to be given (vim.ManagedEntity.Rename). */
export const escaped = (name: string): string => name.replace(/[%/\\]/g, (each) => encodeURIComponent(each));
