import type { Inventory } from '@ledgerlift/contracts';
import { inventoryOf } from '../../spec/fixtures.js';
import type { Case } from './case.js';
import { factsWith, vm, vmNamed, webVm } from './facts.js';

const good = factsWith([vm()]);
/** On the first of two networks, and of two datastores, with the same name. */
const onTwins = vm({
  disks: webVm.disks.slice(0, 1).map((disk) => ({ ...disk, storage: 'san', storageId: 'datastore-1' })),
  nics: webVm.nics.slice(0, 1).map((nic) => ({ ...nic, network: 'lan', networkId: 'dvportgroup-12' })),
});
const twins: Inventory = {
  ...inventoryOf(onTwins),
  networks: [
    { id: 'dvportgroup-12', name: 'lan', description: '', path: '/DC0/network/lan' },
    { id: 'dvportgroup-77', name: 'lan', description: '', path: '/DC1/network/lan' },
  ],
  storages: [
    { id: 'datastore-1', name: 'san', path: '/DC0/datastore/san' },
    { id: 'datastore-2', name: 'san', path: '/DC1/datastore/san' },
  ],
};
const sizes = ['small', 'medium'].map((id) => ({ id, label: id }));
/** Its package has two sizes, of which only the default is read here. */
const sized = vm({ deployment: { configuration: 'medium', available: sizes, others: [] } });
const named = (configuration: string) => ({ spec: { vms: [{ ref: webVm.id, configuration }] } });
const mapped = (source: string, type: 'pod') => ({ pairs: [{ source, destination: { type } }] });
const stored = (source: string) => ({ pairs: [{ source, destination: { storageClass: 'default' } }] });

/** Conditions of names in mappings that do not match exactly one network or storage. */
export const nameCases: Readonly<Record<string, Case | readonly Case[]>> = {
  ConfigurationNotFound: [
    {
      raised: factsWith([sized], named('huge')),
      reason: 'NotFound',
      items: [webVm.name, 'huge'],
      not: factsWith([sized], named('medium')),
    },
    { raised: factsWith([sized], named('small')), reason: 'NotReadable', not: good },
    { raised: factsWith([vm()], named('medium')), reason: 'NoConfigurations', not: good },
  ],
  ConfigurationNotChosen: {
    raised: factsWith([sized]),
    reason: 'DefaultTaken',
    items: [webVm.name],
    not: factsWith([sized], named('medium')),
  },
  SourceNetworkAmbiguous: [
    {
      raised: factsWith([vm()], {
        networks: {
          pairs: [
            { source: 'VM Network', destination: { type: 'pod' } },
            { source: 'VM Network', destination: { type: 'ignored' } },
          ],
        },
      }),
      reason: 'Ambiguous',
      not: good,
    },
    {
      raised: factsWith([onTwins], { inventory: twins, networks: mapped('lan', 'pod') }),
      reason: 'NameNotUnique',
      items: ['lan', '/DC0/network/lan (dvportgroup-12)', '/DC1/network/lan (dvportgroup-77)'],
      not: factsWith([onTwins], { inventory: twins, networks: mapped('dvportgroup-12', 'pod') }),
    },
  ],
  SourceStorageAmbiguous: [
    {
      raised: factsWith([vm()], {
        storages: {
          pairs: [
            { source: 'ova', destination: { storageClass: 'default' } },
            { source: 'ova', destination: { storageClass: 'default' } },
          ],
        },
      }),
      reason: 'Ambiguous',
      not: good,
    },
    {
      raised: factsWith([onTwins], { inventory: twins, storages: stored('san') }),
      reason: 'NameNotUnique',
      items: ['san', '/DC0/datastore/san (datastore-1)', '/DC1/datastore/san (datastore-2)'],
      not: factsWith([onTwins], { inventory: twins, storages: stored('datastore-1') }),
    },
  ],
  ClaimNameNotUnique: {
    raised: factsWith([vmNamed('a'), vmNamed('b')], { spec: { pvcNameTemplate: 'data-{disk}' } }),
    reason: 'NotUnique',
    items: ['a', 'b'],
    not: factsWith([vmNamed('a'), vmNamed('b')], { spec: { pvcNameTemplate: '{vm}-data-{disk}' } }),
  },
};
