import { describe, expect, it } from '@jest/globals';
import { ExtensionNotLoaded, TargetRecord } from '@ledgerlift/contracts';
import { targetOf, whereOf } from './registry.js';

const recorded = (over: object): TargetRecord =>
  TargetRecord.parse({ providerId: 'p1', name: 'box', type: 'x-gone', settings: {}, ...over });

describe('a recorded target whose extension is no longer loaded', () => {
  it('is shown at its recorded location', () => {
    expect(whereOf(recorded({ where: '/srv/box' }))).toBe('/srv/box');
  });

  it('is shown by its name where the record is older than that', () => {
    expect(whereOf(recorded({}))).toBe('box');
    expect(() => targetOf('x-gone')).toThrow(ExtensionNotLoaded);
  });
});

describe('a recorded target that is built in', () => {
  it('is shown by its settings if the record has no location', () => {
    const directory = { type: 'directory', settings: { path: '/srv/out' } };
    expect(whereOf(recorded(directory))).toBe('/srv/out');
    const settings = { access: { kind: 'token', url: 'https://api.example.com:6443' }, namespaces: ['vms'] };
    expect(whereOf(recorded({ type: 'kubevirt', settings }))).toBe('https://api.example.com:6443');
  });
});
