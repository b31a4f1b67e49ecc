import { describe, expect, it } from '@jest/globals';
import { BadXml, XmlReader } from './index.js';

const LIMITS = { depth: 3, characters: 200, elements: 5, attributes: 2, references: 4 };
/** @returns the names in their order */
function names(...parts: readonly string[]): readonly string[] {
  const found: string[] = [];
  const reader = new XmlReader<string>(
    { element: (name) => (found.push(name), name), text: () => undefined },
    LIMITS,
  );
  for (const part of parts) reader.take(part);
  reader.end();
  return found;
}

describe('XML that is read in parts', () => {
  it('is what it is in one', () => expect(names('<a', '><b:c/><', '/a>')).toEqual(['a', 'b:c']));

  it.each([
    ['nested too deeply', ['<a><b><c>', '<d/>'], 'deeper than 3 elements'],
    ['of too many elements', ['<a><b/><b/>', '<b/><b/><b/></a>'], 'more than 5 elements'],
    ['with too many attributes', ['<a x="1" y="2" ', 'z="3"/>'], '<a> has more than 2 attributes'],
    ['of too many characters', ['<a>', ' '.repeat(197), '</a>'], 'more than 200 characters'],
    ['of too many references', ['<a>&lt;&lt;', '&lt;&lt;', '&lt;</a>'], 'more than 4 character references'],
    ['with a document type', ['<!DOCTYPE a [<!ENTITY b "c">]>', '<a/>'], 'document type'],
    ['that ends too early', ['<a>'], 'unclosed tag'],
    ['that is empty', [''], 'document must contain a root element'],
    ['that is none', ['{"a": 1}'], ''],
  ])('is refused %s', (_what, parts, reason) => {
    expect(() => names(...parts)).toThrow(BadXml);
    expect(() => names(...parts)).toThrow(reason);
  });

  it('is read up to each limit', () => {
    expect(names('<a><b><c/></b><d x="1" y="2"/><e>&lt;&lt;&lt;&lt;</e></a>')).toHaveLength(5);
  });
});
