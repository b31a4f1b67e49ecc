import { describe, expect, it } from '@jest/globals';
import { concernedPlan, partialConcerns } from '../spec/vsphere-cases.js';
import { factsWith, vm, vsphere } from '../spec/facts.js';
import { validatePlan } from '../validate.js';

const reasons = (...of: Parameters<typeof concernedPlan>): readonly string[] =>
  validatePlan(concernedPlan(...of)).map(({ reason }) => reason);

describe('concerns about VMs of vSphere', () => {
  it.each(partialConcerns)('%s is raised only for plans to which it matters', (id, matters, not) => {
    expect(reasons(id, matters)).toContain(id);
    expect(reasons(id, not)).not.toContain(id);
  });

  it('are raised with each of their labels', () => {
    const concern = (label: string) => ({
      id: 'vmware.disk.rdm.detected',
      category: 'Warning' as const,
      label,
      assessment: 'See to it.',
    });
    const facts = factsWith([vm({ concerns: [concern("'Hard disk 1'"), concern("'Hard disk 2'")] })]);
    const found = validatePlan(facts).find(({ type }) => type === 'RDMDiskWarning');
    expect(found?.message).toContain("web: 'Hard disk 1', 'Hard disk 2'. See to it");
  });
});

describe('a source with problems that do not block plans', () => {
  it('is ready', () => {
    const problem = { item: 'VApp.Export', code: 'LL-VSP-020', message: 'it lacks it' };
    const types = (problems: Parameters<typeof vsphere>[1]): readonly string[] =>
      validatePlan(factsWith([vm()], { source: vsphere({}, problems) })).map(({ type }) => type);
    expect(types([{ ...problem, category: 'Warn' }])).not.toContain('SourceProviderNotReady');
    expect(types([problem])).toContain('SourceProviderNotReady');
  });
});
