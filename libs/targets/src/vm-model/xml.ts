/** An element whose children are elements, or whose content is text. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: readonly Element[] | string;
}

export const element = (
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  content: readonly Element[] | string = [],
): Element => ({ name, attributes, content });

/** The document as text. Whatever the names hold, the result is well-formed XML 1.0. */
export function toXml(root: Element): string {
  return `${lines(root, '').join('\n')}\n`;
}

function lines(node: Element, indent: string): string[] {
  const attributes = Object.entries(node.attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const open = `${indent}<${node.name}${attributes.join('')}`;
  if (typeof node.content === 'string') return [`${open}>${escaped(node.content)}</${node.name}>`];
  if (node.content.length === 0) return [`${open}/>`];
  return [
    `${open}>`,
    ...node.content.flatMap((child) => lines(child, `${indent}  `)),
    `${indent}</${node.name}>`,
  ];
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
