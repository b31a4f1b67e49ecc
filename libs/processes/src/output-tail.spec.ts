import { expect, it } from '@jest/globals';
import { OutputTail } from './output-tail.js';

it('keeps the last bytes of an output, however they came', () => {
  const tail = new OutputTail(8);
  for (const chunk of ['abc', 'defghijklmnop', 'q', 'rs']) tail.push(Buffer.from(chunk));
  expect(tail.text).toBe('lmnopqrs');
});
