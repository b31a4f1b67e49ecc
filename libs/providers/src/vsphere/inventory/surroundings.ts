import type { ObjectRef } from '../soap/xml.js';
import type { VimObject } from '../soap/properties.js';

/** The objects around VMs by managed object id: folders, hosts, clusters, networks, datastores. */
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

  /** Finds the closest ancestor of that type; undefined if there is none. */
  above(ref: ObjectRef | undefined, type: string): ObjectRef | undefined {
    for (const each of this.#upwards(ref)) if (each.type === type) return each;
    return undefined;
  }

  /** Returns the path below the root, such as `/DC0/network/lan`, which distinguishes objects of the same name. */
  pathOf(ref: ObjectRef): string {
    const names = [...this.#upwards(ref)].map((each) => this.nameOf(each) ?? each.id).toReversed();
    return `/${names.slice(1).join('/')}`;
  }

  /** Lists the ids of an object's folders, from its own upwards to the one that holds all VMs of a datacenter. */
  folderIds(parent: ObjectRef | undefined): readonly string[] {
    return [...this.#foldersFrom(parent)].map(({ id }) => id);
  }

  /** Returns the folder path within a datacenter, such as `/prod/web`; `/` outside any folder. */
  folderPath(parent: ObjectRef | undefined): string {
    const folders = [...this.#foldersFrom(parent)];
    // The folder right below a datacenter is the built-in one that holds all VMs.
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
 * Unescapes a name. vSphere percent-encodes three characters (vim.ManagedEntity.name). Names are unescaped once, when read.
 */
export const unescaped = (name: string): string =>
  name.replace(/%(25|2f|5c)/gi, (written) => decodeURIComponent(written));

/** Escapes a name as vSphere expects it (vim.ManagedEntity.Rename). */
export const escaped = (name: string): string => name.replace(/[%/\\]/g, (each) => encodeURIComponent(each));
