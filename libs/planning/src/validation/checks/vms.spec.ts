import { describe, expect, it } from '@jest/globals';
import { factsWith, vm, webVm } from '../spec/facts.js';
import { checkConfigurations } from './vms.js';

const { cpu, memory, firmware, secureBoot, tpm, disks, nics } = webVm;
const small = { cpu, memory, firmware, secureBoot, tpm, disks: disks.slice(0, 1), nics, concerns: [] };
const available = ['small', 'large'].map((id) => ({ id, label: id.toUpperCase() }));
const large = { ...small, cpu: { ...cpu, count: 16 }, memory: { ...memory, bytes: 2 ** 34 } };
const appliance = vm({
  ...small,
  deployment: { configuration: 'small', available, others: [{ configuration: 'large', ...large }] },
});
const planned = (configuration?: string) =>
  factsWith([appliance], {
    spec: { vms: [{ ref: webVm.id, ...(configuration === undefined ? {} : { configuration }) }] },
  });

describe('a VM of a package with configurations', () => {
  it('is planned in the configuration that the plan names', () => {
    const [found] = planned('large').vms;
    expect(found?.vm).toMatchObject({ ...large, id: webVm.id, fingerprint: webVm.fingerprint });
    expect(found?.vm?.deployment).toEqual({ configuration: 'large', available });
    expect(checkConfigurations(planned('large'))).toEqual([]);
  });

  it('is planned in the default configuration if none is named, with a condition', () => {
    const facts = planned();
    expect(facts.vms[0]?.vm?.cpu).toEqual(cpu);
    expect(facts.vms[0]?.vm?.deployment).toEqual({ configuration: 'small', available });
    expect(checkConfigurations(facts)).toMatchObject([
      { category: 'Warn', message: expect.stringContaining("'small', 'large', and is migrated in 'small'") },
    ]);
  });

  it('is refused in a configuration that it does not have, with those that it has', () =>
    expect(checkConfigurations(planned('huge'))).toMatchObject([
      { category: 'Critical', message: expect.stringContaining("it has 'small', 'large'") },
    ]));
});
