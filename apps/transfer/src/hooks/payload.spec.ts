import { describe, expect, it } from '@jest/globals';
import { printable } from './payload.js';

describe('the output of a hook', () => {
  it('loses control characters and terminal sequences, and keeps lines', () => {
    expect(printable(Buffer.from('\u001b[31mred\u001b[0m\r\n\tok\u0000\u0007 é\u202e'))).toBe('red\n\tok é');
  });

  it('is well formed even if cut within a character', () => {
    expect(printable(Buffer.from('né').subarray(0, 2)).isWellFormed()).toBe(true);
  });
});
