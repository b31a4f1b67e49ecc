import { describe, expect, it } from '@jest/globals';
import { vmRecord } from '@ledgerlift/testing';
import { NotOurs } from '../errors.js';
import { assertOurs, describeOwner, isOurs, ownLabels, ownSelector } from './ownership.js';
import { resources } from './resources.js';

const record = vmRecord();
const labelled = (labels: Readonly<Record<string, string>>): Parameters<typeof assertOurs>[1] => ({
  metadata: { name: 'web', namespace: 'vms', labels },
});
const { labels: own } = ownLabels(record);

describe('what a migration made for a VM', () => {
  it('is known by its labels, whatever else it has', () => {
    expect(isOurs(labelled({ ...own, team: 'shop' }), record)).toBe(true);
    expect(() => {
      assertOurs(resources.vms, labelled(own), record);
    }).not.toThrow();
  });

  it.each(['ledgerlift.io/installation', 'ledgerlift.io/migration', 'ledgerlift.io/vm'])(
    'is another’s where it differs in %s',
    (label) => {
      expect(isOurs(labelled({ ...own, [label]: 'other' }), record)).toBe(false);
      const { [label]: _, ...less } = own;
      expect(isOurs(labelled(less), record)).toBe(false);
    },
  );

  it('is found by a selector of the same labels', () => {
    expect(ownSelector(record)).toBe(
      'ledgerlift.io/installation=lab,ledgerlift.io/migration=m1,ledgerlift.io/vm=0',
    );
  });

  it('has labels that Kubernetes takes, whatever the installation is called', () => {
    const odd = vmRecord({ record: { installation: 'Büro / Köln', labels: { 'ledgerlift.io/vm': '99' } } });
    const { labels } = ownLabels(odd);
    for (const value of Object.values(labels)) expect(value).toMatch(/^([A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?$/);
    expect(isOurs(labelled(labels), odd)).toBe(true);
    expect(isOurs(labelled(labels), record)).toBe(false);
  });
});

describe('what is somebody else’s', () => {
  it.each([
    [{}, 'it has no labels of a migration'],
    [{ 'app.kubernetes.io/managed-by': 'Helm' }, 'it is managed by "Helm"'],
    [
      { ...own, 'ledgerlift.io/migration': 'm9' },
      'it belongs to VM 0 of the migration "m9" of the installation "lab"',
    ],
  ])('is told with its owner: %j', (labels, owner) => {
    expect(describeOwner(labelled(labels))).toBe(owner);
    const check = (): void => {
      assertOurs(resources.vms, labelled(labels), record);
    };
    expect(check).toThrow(NotOurs);
    expect(check).toThrow(`virtualmachines.kubevirt.io "web" in the namespace 'vms'`);
    expect(check).toThrow(owner);
  });
});
