import { XmlReader, type XmlTree, localName } from '@ledgerlift/xml';

/** A managed object of the server, such as `{ type: 'VirtualMachine', id: 'vm-62' }`. */
export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

/** One value of an answer: its text, or its parts by their names. Paths such as `config.hardware` lead into it. */
export class VimNode {
  text = '';
  /** Its type, where the server says one (xsi:type), such as `VirtualDisk`. */
  kind = '';
  /** The type of the object it refers to, where it is a reference. */
  refersTo = '';
  readonly #parts = new Map<string, VimNode[]>();

  constructor(readonly name: string) {}

  add(part: VimNode): void {
    const named = this.#parts.get(part.name);
    if (named === undefined) this.#parts.set(part.name, [part]);
    else named.push(part);
  }

  /** All parts of a name, in their order. */
  list(path: string): readonly VimNode[] {
    const dot = path.lastIndexOf('.');
    const owner = dot === -1 ? this : this.at(path.slice(0, dot));
    return owner?.partsNamed(path.slice(dot + 1)) ?? [];
  }

  at(path: string): VimNode | undefined {
    let node: VimNode | undefined = this;
    for (const name of path.split('.')) node = node?.partsNamed(name)[0];
    return node;
  }

  textAt(path: string): string | undefined {
    return this.at(path)?.text;
  }

  /** @returns undefined where there is none, or no number */
  numberAt(path: string): number | undefined {
    const text = this.textAt(path)?.trim();
    if (text === undefined || text === '') return undefined;
    const number = Number(text);
    return Number.isFinite(number) ? number : undefined;
  }

  /** @returns undefined where the server does not say */
  flagAt(path: string): boolean | undefined {
    const text = this.textAt(path)?.trim();
    if (text === undefined) return undefined;
    return text === 'true' || text === '1';
  }

  refAt(path: string): ObjectRef | undefined {
    return this.at(path)?.ref;
  }

  get ref(): ObjectRef | undefined {
    return this.refersTo === '' ? undefined : { type: this.refersTo, id: this.text };
  }

  /** Every part, whatever its name: an `ArrayOf…` names its own after what they are. */
  get parts(): readonly VimNode[] {
    return [...this.#parts.values()].flat();
  }

  partsNamed(name: string): readonly VimNode[] {
    return this.#parts.get(name) ?? [];
  }
}

const LIMITS = { depth: 200 };

const tree: XmlTree<VimNode> = {
  element(name, attributes, parent) {
    const node = new VimNode(localName(name));
    for (const [attribute, value] of Object.entries(attributes)) {
      const isOfSchema = attribute.includes(':');
      if (localName(attribute) !== 'type') continue;
      if (isOfSchema) node.kind = localName(value);
      else node.refersTo = value;
    }
    parent?.add(node);
    return node;
  },
  text(node, text) {
    node.text += text;
  },
};

/** Reads an answer as it comes. */
export const vimReader = (): XmlReader<VimNode> => new XmlReader(tree, LIMITS);
