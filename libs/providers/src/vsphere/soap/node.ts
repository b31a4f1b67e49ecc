import { SaxesParser } from 'saxes';

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

const DEEPEST = 200;

/**
 * Reads an answer as it comes, so that a large one is never held twice.
 *
 * Names are taken without their prefix: servers differ in them, and some forget to declare one.
 */
export class VimReader {
  readonly #parser = new SaxesParser({ xmlns: false, position: false });
  readonly #open: VimNode[] = [];
  #root: VimNode | undefined;

  constructor() {
    this.#parser.on('error', (error) => {
      throw error;
    });
    this.#parser.on('doctype', () => {
      throw new Error('it has a document type');
    });
    this.#parser.on('opentag', ({ name, attributes }) => {
      if (this.#open.length >= DEEPEST) throw new Error('it is nested too deeply');
      const node = new VimNode(localName(name));
      for (const [attribute, value] of Object.entries(attributes)) {
        const isOfSchema = attribute.includes(':');
        if (localName(attribute) !== 'type') continue;
        if (isOfSchema) node.kind = localName(value);
        else node.refersTo = value;
      }
      this.#open.at(-1)?.add(node);
      this.#root ??= node;
      this.#open.push(node);
    });
    const addText = (text: string): void => {
      const last = this.#open.at(-1);
      if (last !== undefined) last.text += text;
    };
    this.#parser.on('text', addText);
    this.#parser.on('cdata', addText);
    this.#parser.on('closetag', () => {
      this.#open.pop();
    });
  }

  /** @throws Error where it is not XML */
  take(text: string): void {
    this.#parser.write(text);
  }

  /** @throws Error where it ends too early */
  end(): VimNode {
    this.#parser.close();
    if (this.#root === undefined) throw new Error('it holds no element');
    return this.#root;
  }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);
