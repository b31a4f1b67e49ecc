import Builder from 'fast-xml-builder';

/** An element whose children are elements, or whose content is text. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: readonly XmlElement[] | string;
}

export const element = (
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  content: readonly XmlElement[] | string = [],
): XmlElement => ({ name, attributes, content });

const settings = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  suppressEmptyNode: true,
  // Escaped here, because the builder leaves white space in attributes, which readers turn into spaces.
  processEntities: false,
  tagValueProcessor: (_name: string, value: unknown) => escaped(String(value)),
  attributeValueProcessor: (_name: string, value: unknown) => escaped(String(value)),
};
const pretty = new Builder({ ...settings, format: true, indentBy: '  ' });
const compact = new Builder(settings);

/** The document as text, one element a line. The result is well-formed XML 1.0, whatever the names contain. */
export const toXml = (root: XmlElement): string => `${pretty.build([ordered(root)]).trimStart()}\n`;

/** The same for machines: with a declaration, and nothing between the elements. */
export const toCompactXml = (root: XmlElement): string => compact.build([DECLARATION, ordered(root)]);

const DECLARATION = { '?xml': [], ':@': { version: '1.0', encoding: 'UTF-8' } };

/** As the builder wants it. */
function ordered({ name, attributes, content }: XmlElement): object {
  const children = typeof content === 'string' ? [{ '#text': content }] : content.map(ordered);
  return { [name]: children, ':@': attributes };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Characters that XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets) become U+FFFD. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replace(/[&<>"'\t\n\r]/g, (character) => entities[character] ?? character);
}
