import { describe, expect, it } from '@jest/globals';
import { vddkMisfit } from './vddk.js';

describe('a version of VDDK', () => {
  it.each([
    ['8', '8.0.2'],
    ['8.0.3', '7.0.3.0'],
    // Two releases back: 7.0, 6.7.
    ['8.0.1', '6.7.0'],
    ['9', '7.0.3'],
    ['7.0.3', '6.5.0'],
    ['6', '6.7.3'],
    ['6.5.4', '6.5.0'],
    ['', '8.0.2'],
    ['8', 'unknown'],
  ])('%s goes with vSphere %s', (vddk, source) => expect(vddkMisfit(vddk, source)).toBeUndefined());

  it.each([
    ['7', '8.0.2', 'OlderThanSource', 'without its new features'],
    ['8.0.3', '9.0.0', 'OlderThanSource', 'without its new features'],
    ['6.5.4', '6.7.0', 'OlderThanSource', 'without its new features'],
    ['6.7.1', '8.0.0', 'OlderThanSource', 'no more than the next release'],
    ['7.0.3', '9.0.0', 'OlderThanSource', 'no more than the next release'],
    ['8', '6.5.0', 'NewerThanSource', 'the two releases before it'],
    ['9.0', '6.7.0', 'NewerThanSource', 'the two releases before it'],
  ])('%s does not go with vSphere %s', (vddk, source, reason, says) => {
    const found = vddkMisfit(vddk, source);
    expect(found?.reason).toBe(reason);
    expect(found?.message).toContain(says);
    expect(found?.message).toContain(`vSphere ${source}`);
  });
});
