import { z } from 'zod';
import { RestRefused, VsphereRest } from '../rest.js';
import type { VsphereSession } from '../session.js';
import { VsphereTagDenied, VsphereTagMissing, VsphereTagRefused, VsphereTagsNotOffered } from './errors.js';

/** Default category of tags; created if it is missing. */
const OURS = 'ledgerlift';
const TAGGING = '/rest/com/vmware/cis/tagging';
const ASSOCIATION = `${TAGGING}/tag-association`;

const Ids = z.array(z.string()).nullish();
const Named = z.object({ name: z.string() });

/**
 * Attaches a tag to a VM: `name` in our own category, creating both if needed, or `category:name`, which must exist. Accepts a tag
 * that somebody else has just created.
 *
 * @param beforeAttach awaited before attaching it
 * @returns false if the VM already had it
 * @throws VsphereTagsNotOffered, VsphereTagMissing, VsphereTagDenied, VsphereTagRefused; errors of a connection
 */
export async function bearsTag(
  session: VsphereSession,
  vmId: string,
  tag: string,
  signal: AbortSignal,
  beforeAttach?: () => Promise<void>,
): Promise<boolean> {
  return tagging(session, tag, signal, (asked) => asked.attachTo(vmId, beforeAttach));
}

/**
 * Detaches a tag from a VM. Keeps the tag itself and its category.
 *
 * @returns false if the VM did not have it
 * @throws VsphereTagsNotOffered, VsphereTagDenied, VsphereTagRefused; errors of a connection
 */
export async function losesTag(
  session: VsphereSession,
  vmId: string,
  tag: string,
  signal: AbortSignal,
): Promise<boolean> {
  return tagging(session, tag, signal, (asked) => asked.detachFrom(vmId));
}

/** Asks the server about a tag, if it has tags. @throws VsphereTagsNotOffered, VsphereTagRefused, and errors of `ask` */
async function tagging(
  session: VsphereSession,
  tag: string,
  signal: AbortSignal,
  ask: (asked: Tagging) => Promise<boolean>,
): Promise<boolean> {
  const { apiType } = await session.content(signal);
  // Do not ask a host: it has no tags, and the request would send it the password.
  if (apiType !== 'VirtualCenter') throw new VsphereTagsNotOffered(session.connection.server, tag);
  try {
    return await VsphereRest.within(session, signal, (rest) => ask(new Tagging(rest, tag)));
  } catch (error) {
    if (!(error instanceof RestRefused)) throw error;
    // The tagging service itself is missing; otherwise the answer would name the object.
    if ([404, 405].includes(error.status)) throw new VsphereTagsNotOffered(session.connection.server, tag);
    throw new VsphereTagRefused(tag, 'be asked about tags', error.message);
  }
}

class Tagging {
  constructor(
    private readonly rest: VsphereRest,
    private readonly tag: string,
  ) {}

  async attachTo(vmId: string, beforeAttach?: () => Promise<void>): Promise<boolean> {
    const tagId = await this.#idOfTag();
    const body = { object_id: { id: vmId, type: 'VirtualMachine' } };
    const attached = await this.rest.ask('POST', `${ASSOCIATION}?~action=list-attached-tags`, body);
    if (Ids.parse(attached)?.includes(tagId) === true) return false;
    await beforeAttach?.();
    await this.#change(
      'attach the tag to it',
      ['InventoryService.Tagging.AttachTag', 'InventoryService.Tagging.ObjectAttachable'],
      `${ASSOCIATION}/id:${encodeURIComponent(tagId)}?~action=attach`,
      body,
    );
    return true;
  }

  async detachFrom(vmId: string): Promise<boolean> {
    const colon = this.tag.indexOf(':');
    const [category, name] =
      colon === -1 ? [OURS, this.tag] : [this.tag.slice(0, colon), this.tag.slice(colon + 1)];
    const categoryId = await this.#category(category);
    const tagId = categoryId === undefined ? undefined : await this.#tagIn(categoryId, name);
    const body = { object_id: { id: vmId, type: 'VirtualMachine' } };
    const attached = await this.rest.ask('POST', `${ASSOCIATION}?~action=list-attached-tags`, body);
    if (tagId === undefined || Ids.parse(attached)?.includes(tagId) !== true) return false;
    await this.#change(
      'take the tag from it',
      ['InventoryService.Tagging.AttachTag', 'InventoryService.Tagging.ObjectAttachable'],
      `${ASSOCIATION}/id:${encodeURIComponent(tagId)}?~action=detach`,
      body,
    );
    return true;
  }

  async #idOfTag(): Promise<string> {
    const colon = this.tag.indexOf(':');
    if (colon !== -1) return this.#idOfGiven(this.tag.slice(0, colon), this.tag.slice(colon + 1));
    const category = await this.#foundOrMade(
      () => this.#category(OURS),
      'make the category of the tag',
      'InventoryService.Tagging.CreateCategory',
      'category',
      {
        ...{ name: OURS, description: 'How Ledgerlift marks VMs that have moved.' },
        ...{ cardinality: 'MULTIPLE', associable_types: ['VirtualMachine'] },
      },
    );
    return this.#foundOrMade(
      () => this.#tagIn(category, this.tag),
      'make the tag',
      'InventoryService.Tagging.CreateTag',
      'tag',
      { name: this.tag, description: 'Made by Ledgerlift.', category_id: category },
    );
  }

  async #idOfGiven(category: string, name: string): Promise<string> {
    const categoryId = await this.#category(category);
    if (categoryId === undefined)
      throw new VsphereTagMissing(this.tag, `there is no category '${category}'`, OURS);
    const tagId = await this.#tagIn(categoryId, name);
    if (tagId !== undefined) return tagId;
    throw new VsphereTagMissing(this.tag, `the category '${category}' has no tag '${name}'`, OURS);
  }

  async #category(name: string): Promise<string | undefined> {
    return this.#named('category', name, await this.rest.ask('GET', `${TAGGING}/category`));
  }

  async #tagIn(categoryId: string, name: string): Promise<string | undefined> {
    const path = `${TAGGING}/tag/id:${encodeURIComponent(categoryId)}?~action=list-tags-for-category`;
    return this.#named('tag', name, await this.rest.ask('POST', path));
  }

  /** Lists contain only ids, so this asks for each name. */
  async #named(kind: 'category' | 'tag', name: string, ids: unknown): Promise<string | undefined> {
    for (const id of Ids.parse(ids) ?? []) {
      const path = `${TAGGING}/${kind}/id:${encodeURIComponent(id)}`;
      const found = await this.rest.ask('GET', path).catch((error: unknown) => {
        // It was removed since it was listed, or is hidden from us.
        if (error instanceof RestRefused && [403, 404].includes(error.status)) return undefined;
        throw error;
      });
      if (found !== undefined && Named.parse(found).name === name) return id;
    }
    return undefined;
  }

  async #foundOrMade(
    find: () => Promise<string | undefined>,
    to: string,
    privilege: string,
    kind: 'category' | 'tag',
    spec: object,
  ): Promise<string> {
    const found = await find();
    if (found !== undefined) return found;
    try {
      return z
        .string()
        .parse(await this.#change(to, [privilege], `${TAGGING}/${kind}`, { create_spec: spec }));
    } catch (error) {
      // Another worker may have created it first.
      const made = error instanceof VsphereTagRefused ? await find() : undefined;
      if (made === undefined) throw error;
      return made;
    }
  }

  /** @throws VsphereTagDenied, VsphereTagRefused */
  async #change(to: string, privileges: readonly string[], path: string, body: object): Promise<unknown> {
    try {
      return await this.rest.ask('POST', path, body);
    } catch (error) {
      if (!(error instanceof RestRefused)) throw error;
      if ([401, 403].includes(error.status))
        throw new VsphereTagDenied(this.tag, privileges, to, error.message);
      throw new VsphereTagRefused(this.tag, to, error.message);
    }
  }
}
