import { describe, expect, it } from '@jest/globals';
import { isOfMacOs, namesOf } from './references.js';

describe('an href', () => {
  it.each([
    ['disk.vmdk', ['disk.vmdk']],
    ['./disk.vmdk', ['disk.vmdk']],
    ['My%20VM.vmdk', ['My VM.vmdk', 'My%20VM.vmdk']],
    ['My VM.vmdk', ['My VM.vmdk']],
    ['b%C3%BCro.vmdk', ['büro.vmdk', 'b%C3%BCro.vmdk']],
    // Decoded once: this is the URI of a file whose name holds `%20`.
    ['a%2520b.vmdk', ['a%20b.vmdk', 'a%2520b.vmdk']],
    ['50%.vmdk', ['50%.vmdk']],
  ])('%s means %j', (href, names) => expect(namesOf(href, 'href')).toEqual(names));

  it.each([
    '../disk.vmdk',
    '%2e%2e/disk.vmdk',
    'a/%2E%2E/%2e%2e/disk.vmdk',
    '..%5cdisk.vmdk',
    '%2fetc%2fpasswd',
    '/etc/passwd',
    'disk%00.vmdk',
  ])('%s leads out of the package', (href) =>
    expect(() => namesOf(href, 'href')).toThrow(expect.objectContaining({ code: 'LL-OVA-006' })),
  );
});

it.each([
  ['._web.ovf', true],
  ['folder/._web.ovf', true],
  ['__MACOSX/web.ovf', true],
  ['web._.ovf', false],
])('%s is a file of macOS: %s', (name, is) => expect(isOfMacOs(name)).toBe(is));
