import { expect, it } from '@jest/globals';
import { quantity } from './quantity.js';

it.each([
  ['0', 0],
  ['8', 8],
  ['500m', 0.5],
  ['1.5', 1.5],
  ['64Mi', 64 * 2 ** 20],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['2k', 2000],
  ['3E', 3e18],
  ['1e3', 1000],
  ['12E2', 1200],
  ['', undefined],
  ['Gi', undefined],
  ['5 Gi', undefined],
  ['5gi', undefined],
])('the quantity %j is %p', (text, value) => {
  expect(quantity(text)).toBe(value);
});
