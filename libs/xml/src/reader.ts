import { SaxesParser } from 'saxes';

/** Limits beyond which reading fails. An absent limit does not bind. */
export interface XmlLimits {
  /** Depth of nested elements. */
  readonly depth: number;
  readonly characters?: number;
  readonly elements?: number;
  /** Attributes of one element. */
  readonly attributes?: number;
  /** Character references: the parser makes a string of each. */
  readonly references?: number;
}

/** Builds the result from a document. Names are as written, with their prefix: see `localName`. */
export interface XmlTree<Node> {
  element(name: string, attributes: Readonly<Record<string, string>>, parent: Node | undefined): Node;
  /** Called several times for one node if its text comes in parts. */
  text(node: Node, text: string): void;
}

/** The text is not XML, or exceeds a limit. The reason is in words that follow a colon. */
export class BadXml extends Error {}

/**
 * Reads XML as a stream, within limits, so that a large document is never in memory twice. Namespaces are not resolved, because
 * tools differ in their prefixes, and some forget to declare them.
 *
 * Document types are refused, because they can define entities that exhaust memory, or name files of this machine.
 */
export class XmlReader<Node> {
  readonly #parser;
  readonly #open: Node[] = [];
  readonly #limits: XmlLimits;
  #root: Node | undefined;
  #characters = 0;
  #references = 0;
  #elements = 0;

  /** @param positions `told`: messages contain the line and column, at a small cost */
  constructor(tree: XmlTree<Node>, limits: XmlLimits, positions: 'told' | 'left-out' = 'left-out') {
    this.#limits = limits;
    this.#parser = new SaxesParser({ xmlns: false, position: positions === 'told' });
    this.#parser.on('error', ({ message }) => {
      throw new BadXml(message);
    });
    this.#parser.on('doctype', () => {
      throw new BadXml('it has a document type, which is not allowed');
    });
    this.#parser.on('opentag', ({ name, attributes }) => {
      this.#elements += 1;
      within(this.#elements, limits.elements, (most) => `it has more than ${most} elements`);
      within(this.#open.length + 1, limits.depth, (most) => `it is nested deeper than ${most} elements`);
      const count = limits.attributes === undefined ? 0 : Object.keys(attributes).length;
      within(count, limits.attributes, (most) => `<${name}> has more than ${most} attributes`);
      const node = tree.element(name, attributes, this.#open.at(-1));
      this.#root ??= node;
      this.#open.push(node);
    });
    const addText = (text: string): void => {
      const last = this.#open.at(-1);
      if (last !== undefined) tree.text(last, text);
    };
    this.#parser.on('text', addText);
    this.#parser.on('cdata', addText);
    this.#parser.on('closetag', () => {
      this.#open.pop();
    });
  }

  /** @throws BadXml */
  take(text: string): void {
    const { characters, references } = this.#limits;
    this.#characters += text.length;
    within(this.#characters, characters, (most) => `it has more than ${most} characters`);
    if (references !== undefined) this.#references += referencesIn(text, references);
    within(this.#references, references, (most) => `it has more than ${most} character references`);
    this.#parser.write(text);
  }

  /** @returns the root @throws BadXml, also if the document ends too early */
  end(): Node {
    this.#parser.close();
    if (this.#root === undefined) throw new BadXml('it holds no element');
    return this.#root;
  }
}

export const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

function within(count: number, most: number | undefined, says: (most: number) => string): void {
  if (most !== undefined && count > most) throw new BadXml(says(most));
}

/** Counts to at most one beyond the limit. */
function referencesIn(content: string, most: number): number {
  let count = 0;
  for (let at = content.indexOf('&'); at >= 0 && count <= most; at = content.indexOf('&', at + 1)) count += 1;
  return count;
}
