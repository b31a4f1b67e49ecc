import { expect, it } from '@jest/globals';
import { kindOfProvider } from './kind-of-provider.js';

it('a kind of provider has its article, and the type of an extension stands as its name', () => {
  expect([
    kindOfProvider('ova', 'source'),
    kindOfProvider('vsphere', 'source'),
    kindOfProvider('directory', 'target'),
    kindOfProvider('x-ovirt', 'source'),
    kindOfProvider('x-attic', 'target'),
  ]).toEqual([
    'an ova source',
    'a vsphere source',
    'a directory target',
    "a source of type 'x-ovirt'",
    "a target of type 'x-attic'",
  ]);
});
