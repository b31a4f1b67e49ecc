import { BadXml, localName, XmlReader, type XmlTree } from '@ledgerlift/xml';
import { BadOva } from './errors.js';

const boms: readonly (readonly [bytes: readonly number[], label: string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
  // `<?` without a byte order mark (XML 1.0, appendix F).
  [[0x3c, 0x00, 0x3f, 0x00], 'utf-16le'],
  [[0x00, 0x3c, 0x00, 0x3f], 'utf-16be'],
];
const DECLARATION_LENGTH = 256;

/**
 * Decodes an XML document in the encoding that its first bytes show, or that it declares (XML 1.0, 4.3.3).
 *
 * @throws BadOva for an unknown encoding, and for bytes that are invalid in it, so that a name is never misread
 */
export function xmlText(content: Buffer): string {
  const shown = boms.find(([bytes]) => bytes.every((byte, index) => content[index] === byte))?.[1];
  const label = shown ?? declared(content) ?? 'utf-8';
  const decoder = decoderOf(label);
  if (decoder === undefined) throw unreadable(`the encoding '${label.slice(0, 50)}' is unknown`);
  try {
    return decoder.decode(content);
  } catch {
    throw unreadable(`its bytes are not all of the encoding '${label}'`);
  }
}

function decoderOf(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    return undefined;
  }
}

const unreadable = (why: string): BadOva =>
  new BadOva(
    'badXml',
    `the OVF cannot be read: ${why}; export the VM again, or write the OVF as UTF-8`,
    'Envelope',
  );

function declared(content: Buffer): string | undefined {
  const start = content.toString('latin1', 0, DECLARATION_LENGTH);
  const label = /^<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1];
  // Without a byte order mark, and with bytes that read as ASCII, it cannot be UTF-16 even if it says so.
  return label !== undefined && /^utf-?16/i.test(label) ? undefined : label;
}

/** Decodes a name in a tar or a manifest: as UTF-8 or else as ISO-8859-1, where every byte is valid. */
export function nameText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/** An element with local names, because tools differ in their prefixes, and some forget to declare them. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
  /** Prefix of the element, as written. */
  readonly prefix: string;
}

interface Building extends XmlElement {
  readonly children: Building[];
  text: string;
}

export const LARGEST_XML = 16 * 1024 * 1024;
/** These limits are far above what any known exporter writes. */
const LIMITS = {
  characters: LARGEST_XML,
  depth: 64,
  elements: 200_000,
  attributes: 256,
  references: 100_000,
};

const tree: XmlTree<Building> = {
  element(name, attributes, parent) {
    const element = {
      name: localName(name),
      prefix: name.includes(':') ? name.slice(0, name.indexOf(':')) : '',
      attributes: new Map(
        Object.entries(attributes).map(([key, value]) => [
          key.startsWith('xmlns') ? key : localName(key),
          value,
        ]),
      ),
      children: [],
      text: '',
    };
    parent?.children.push(element);
    return element;
  },
  text(element, text) {
    element.text += text;
  },
};

/**
 * Parses XML within limits.
 * @throws BadOva
 */
export function parseXml(content: string): XmlElement {
  const reader = new XmlReader(tree, LIMITS, 'told');
  try {
    reader.take(content);
    return reader.end();
  } catch (error) {
    if (!(error instanceof BadXml)) throw error;
    throw new BadOva('badXml', `the OVF is not XML that can be read: ${error.message}`, 'Envelope');
  }
}

export const childrenOf = (element: XmlElement | undefined, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];
export const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name);
export const textOf = (element: XmlElement | undefined, name: string): string =>
  childOf(element, name)?.text.trim() ?? '';
