import { BadXml, XmlReader, type XmlTree, localName } from '@ledgerlift/xml';
import { BadOva } from './errors.js';

/** An element by its local names: tools differ in their prefixes, and some forget to declare them. */
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
/** No exporter comes near. */
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
