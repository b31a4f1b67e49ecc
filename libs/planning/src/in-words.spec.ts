import { expect, it } from '@jest/globals';
import { kindOfProvider } from './in-words.js';

it('a kind of provider gets its article, and the type of an extension is quoted', () => {
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
