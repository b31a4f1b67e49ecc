import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { XmlReader, element, toCompactXml, toXml } from './index.js';

interface Read {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Read[];
  text: string;
}
function read(xml: string): Read {
  const reader = new XmlReader<Read>(
    {
      element: (name, attributes, parent) => {
        const node = { name, attributes: { ...attributes }, children: [], text: '' };
        parent?.children.push(node);
        return node;
      },
      text: (node, text) => {
        node.text += text;
      },
    },
    { depth: 10 },
  );
  reader.take(xml);
  return reader.end();
}

describe('a document', () => {
  const domain = element('domain', { type: 'kvm' }, [
    element('name', {}, 'web'),
    element('on_reboot'),
    element('devices', {}, [element('disk', { type: 'file' })]),
  ]);

  it('has an element a line for people', () => {
    expect(toXml(domain)).toBe(
      [
        '<domain type="kvm">',
        '  <name>web</name>',
        '  <on_reboot/>',
        '  <devices>',
        '    <disk type="file"/>',
        '  </devices>',
        '</domain>',
        '',
      ].join('\n'),
    );
  });

  it('has a declaration and no white space for machines', () => {
    expect(toCompactXml(domain)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><domain type="kvm"><name>web</name><on_reboot/>' +
        '<devices><disk type="file"/></devices></domain>',
    );
  });

  it.each([
    ['people', toXml],
    ['machines', toCompactXml],
  ])('is read as it was written, whatever its values hold, for %s', (_whom, written) => {
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(']]>', '<!--', '&amp;', ' x ', '\r\n', '\t', '\'"', '<a/>', '__proto__'),
    );
    const known = (text: string): string =>
      text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd').toWellFormed();
    fc.assert(
      fc.property(value, value, (inAttribute, inText) => {
        const root = read(written(element('a', { b: inAttribute }, [element('c', {}, inText)])));
        expect(root.attributes).toEqual({ b: known(inAttribute) });
        expect(root.children.map(({ text }) => text)).toEqual([known(inText)]);
      }),
    );
  });
});
