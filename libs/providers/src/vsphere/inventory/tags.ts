import { type InventoryProblem, LedgerliftError } from '@ledgerlift/contracts';
import { z } from 'zod';
import { VsphereAnswerMalformed } from '../errors.js';
import { RestRefused, VsphereRest } from '../rest.js';
import type { VsphereSession } from '../session.js';

/** Id of a VM → its tags, each as `name` and as `category/name`, because several categories may have the same name. */
export type Tags = ReadonlyMap<string, readonly string[]>;

const ASSOCIATION = '/rest/com/vmware/cis/tagging/tag-association';
const VMS_AT_ONCE = 1000;
/** Statuses of objects that do not exist or are hidden from this user. */
const HIDDEN = [401, 403, 404, 405];

const Attached = z.array(
  z.object({ object_id: z.object({ id: z.string() }), tag_ids: z.array(z.string()).nullish() }),
);
const Tag = z.object({ name: z.string(), category_id: z.string() });
const Category = z.object({ name: z.string() });

/**
 * Reads the tags of VMs. A failure becomes a problem and does not hide any VM.
 *
 * @returns neither tags nor problem if the server shows no tags: an ESXi host, or a user who may not see them
 * @throws the signal's reason if aborted
 */
export async function readTags(
  session: VsphereSession,
  vmIds: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly tags?: Tags; readonly problem?: InventoryProblem }> {
  try {
    return { tags: await VsphereRest.within(session, signal, (rest) => tagsOf(rest, vmIds)) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RestRefused && HIDDEN.includes(error.status)) return {};
    const { code, message } =
      error instanceof LedgerliftError
        ? error
        : new VsphereAnswerMalformed(session.connection.server, 'the reading of tags', String(error));
    return { problem: { item: 'tags', code, message } };
  }
}

async function tagsOf(rest: VsphereRest, vmIds: readonly string[]): Promise<Tags> {
  const attached: z.infer<typeof Attached> = [];
  for (let at = 0; at < vmIds.length; at += VMS_AT_ONCE) {
    const ids = vmIds.slice(at, at + VMS_AT_ONCE).map((id) => ({ id, type: 'VirtualMachine' }));
    const query = `${ASSOCIATION}?~action=list-attached-tags-on-objects`;
    attached.push(...Attached.parse((await rest.ask('POST', query, { object_ids: ids })) ?? []));
  }
  const names = new NamesOfTags(rest);
  const found = new Map<string, readonly string[]>();
  for (const { object_id, tag_ids } of attached) {
    const each: string[] = [];
    for (const id of tag_ids ?? []) each.push(...(await names.of(id)));
    found.set(object_id.id, each);
  }
  return found;
}

/** Caches tag names, because there are few tags and many VMs. */
class NamesOfTags {
  readonly #tags = new Map<string, readonly string[]>();
  readonly #categories = new Map<string, string>();

  constructor(private readonly rest: VsphereRest) {}

  async of(tagId: string): Promise<readonly string[]> {
    const known = this.#tags.get(tagId);
    if (known !== undefined) return known;
    const { name, category_id } = Tag.parse(await this.#ask('tag', tagId));
    const category =
      this.#categories.get(category_id) ?? Category.parse(await this.#ask('category', category_id)).name;
    this.#categories.set(category_id, category);
    const names = [name, `${category}/${name}`];
    this.#tags.set(tagId, names);
    return names;
  }

  #ask(what: 'tag' | 'category', id: string): Promise<unknown> {
    return this.rest.ask('GET', `/rest/com/vmware/cis/tagging/${what}/id:${encodeURIComponent(id)}`);
  }
}
