import { describe, expect, it } from '@jest/globals';
import { LedgerliftError } from '@ledgerlift/contracts';
import { toStepError } from './attempt.js';

class TooEarly extends LedgerliftError {
  readonly code = 'LL-TEST-001';
  override readonly effect = 'none';
}
class Halfway extends LedgerliftError {
  readonly code = 'LL-TEST-002';
}

describe('an error that ends a step', () => {
  it('claims to have had no effect only if that is known', () => {
    expect(toStepError(new TooEarly('the source is silent'))).toMatchObject({ effect: 'none' });
    expect(toStepError(new Halfway('the disk is full'))).not.toHaveProperty('effect');
    expect(toStepError(new Error('unexpected'))).not.toHaveProperty('effect');
  });
});
