import { SaxesParser } from 'saxes';
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

interface Building {
  name: string;
  prefix: string;
  attributes: Map<string, string>;
  children: Building[];
  text: string;
}

export const LARGEST_XML = 16 * 1024 * 1024;
const DEEPEST = 64;
const MOST_ELEMENTS = 200_000;
const MOST_ATTRIBUTES = 256;
/** The parser makes a string of each. No exporter writes more than a few. */
const MOST_REFERENCES = 100_000;

/**
 * Parses XML within limits. A document type is refused, for it can name entities that grow beyond all memory, or
 * files of this machine.
 *
 * @throws BadOva
 */
export function parseXml(content: string): XmlElement {
  if (content.length > LARGEST_XML) throw bad(`it has more than ${LARGEST_XML} characters`);
  if (referencesIn(content) > MOST_REFERENCES)
    throw bad(`it has more than ${MOST_REFERENCES} character references`);
  const parser = new SaxesParser({ xmlns: false, position: true });
  const open: Building[] = [];
  let root: Building | undefined;
  let elements = 0;
  parser.on('error', (error) => {
    throw bad(error.message);
  });
  parser.on('doctype', () => {
    throw bad('it has a document type, which is not allowed');
  });
  parser.on('opentag', ({ name, attributes }) => {
    elements += 1;
    if (elements > MOST_ELEMENTS) throw bad(`it has more than ${MOST_ELEMENTS} elements`);
    if (open.length >= DEEPEST) throw bad(`it is nested deeper than ${DEEPEST} elements`);
    const pairs = Object.entries(attributes);
    if (pairs.length > MOST_ATTRIBUTES) throw bad(`<${name}> has more than ${MOST_ATTRIBUTES} attributes`);
    const element: Building = {
      name: localName(name),
      prefix: name.includes(':') ? name.slice(0, name.indexOf(':')) : '',
      attributes: new Map(
        pairs.map(([key, value]) => [key.startsWith('xmlns') ? key : localName(key), String(value)]),
      ),
      children: [],
      text: '',
    };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const addText = (text: string): void => {
    const last = open.at(-1);
    if (last !== undefined) last.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(content).close();
  if (root === undefined) throw bad('it holds no element');
  return root;
}

/** Stops counting one beyond the limit. */
function referencesIn(content: string): number {
  let count = 0;
  for (let at = content.indexOf('&'); at >= 0 && count <= MOST_REFERENCES; at = content.indexOf('&', at + 1))
    count += 1;
  return count;
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);
const bad = (reason: string): BadOva =>
  new BadOva('badXml', `the OVF is not XML that can be read: ${reason}`, 'Envelope');

export const childrenOf = (element: XmlElement | undefined, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];
export const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name);
export const textOf = (element: XmlElement | undefined, name: string): string =>
  childOf(element, name)?.text.trim() ?? '';
