import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dns1123Label, suffixedLabel } from './names.js';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

describe('a name for Kubernetes', () => {
  it.each([
    ['Web Server 01', 'web-server-01'],
    ['db_prod.example.com', 'db-prod-example-com'],
    ['Müller & Söhne', 'muller-sohne'],
    ['--a--b--', 'a--b'],
    ['already-fine', 'already-fine'],
  ])('%s becomes %s', (name, label) => expect(dns1123Label(name)).toBe(label));

  it('is valid whatever the name, stays as it is when it is valid, and is always the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
        const label = dns1123Label(name);
        expect(label).toMatch(LABEL);
        expect(dns1123Label(label)).toBe(label);
        expect(dns1123Label(name)).toBe(label);
      }),
    );
  });

  it('tells long names apart that begin alike', () => {
    const [a, b] = ['a', 'b'].map((end) => dns1123Label('x'.repeat(80) + end));
    expect(a).not.toBe(b);
  });

  it('keeps its suffix', () => {
    expect(suffixedLabel('web', 'disk-0')).toBe('web-disk-0');
    expect(suffixedLabel('x'.repeat(63), 'disk-10')).toMatch(/^x+-[0-9a-f]{8}-disk-10$/);
    expect(suffixedLabel('x'.repeat(63), 'disk-10')).toMatch(LABEL);
  });
});
