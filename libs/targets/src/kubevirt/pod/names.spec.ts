import { describe, expect, it } from '@jest/globals';
import { PodSite, siteOfPod } from '@ledgerlift/contracts';
import { podName, podSite, scratchName } from './names.js';

const whose = { installation: 'lab', migrationId: 'm1', index: 0, targetName: 'web' };

describe('the names of a worker pod', () => {
  it('stay the same: a later version finds the pod of an earlier one', () => {
    expect(podName(whose)).toBe('web-944019e617');
    expect(scratchName(whose)).toBe('web-944019e617-scratch');
  });

  it.each([{ installation: 'other' }, { migrationId: 'm2' }, { index: 1 }])(
    'are those of no other VM of the same name: %j',
    (other) => {
      expect(podName({ ...whose, ...other })).not.toBe(podName(whose));
      expect(scratchName({ ...whose, ...other })).not.toBe(scratchName(whose));
    },
  );

  it('are labels of at most 63 characters, however long the VM’s is', () => {
    for (const targetName of [
      'a',
      'a'.repeat(63),
      `${'a'.repeat(50)}-b`,
      `${'a'.repeat(43)}--${'b'.repeat(18)}`,
    ])
      for (const name of [podName({ ...whose, targetName }), scratchName({ ...whose, targetName })])
        expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])$/);
  });

  it('make a site of the pod’s own, from which its site is read again', () => {
    expect(PodSite.parse(podSite('edge', whose))).toBe(`edge.${podName(whose)}`);
    expect(siteOfPod(podSite('edge', whose))).toBe('edge');
  });
});
