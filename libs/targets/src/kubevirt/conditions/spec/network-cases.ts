import { resources } from '../../resources.js';
import { type Case, nic, unknownCase } from './case.js';
import { existingVm, networkPair, onVlan7 } from './fixtures.js';

export const networkCases: readonly Case[] = [
  unknownCase('DestinationNetworkNotValid', 'NotFound', ['multus vms/vlan7'], resources.networks, {
    vms: [{ network: onVlan7 }],
    cluster: { networks: [] },
  }),
  {
    of: 'DestinationNetworkNotValid',
    reason: 'NotFound',
    items: ['multus vms/vlan9'],
    raised: { vms: [{ network: networkPair({ type: 'multus', name: 'vlan9' }) }] },
    not: { vms: [{ network: onVlan7 }] },
  },
  {
    // The network of a pair without a namespace is looked for where each VM is.
    of: 'DestinationNetworkNotValid',
    reason: 'NotFound',
    items: ['multus lab/vlan7'],
    raised: { vms: [{ network: onVlan7, targetNamespace: 'lab' }] },
    not: { vms: [{ network: onVlan7, targetNamespace: 'vms' }] },
  },
  {
    of: 'NetMapDestinationNADNotValid',
    reason: 'NamespaceNotAllowed',
    items: ['vms/vlan7'],
    says: ["VMs in 'lab'"],
    raised: {
      vms: [
        { targetNamespace: 'lab', network: networkPair({ type: 'multus', name: 'vlan7', namespace: 'vms' }) },
      ],
    },
    not: {
      vms: [
        {
          targetNamespace: 'lab',
          network: networkPair({ type: 'multus', name: 'shared', namespace: 'default' }),
        },
      ],
    },
  },
  {
    of: 'VMNicKindNotSupported',
    reason: 'KindNotAllowed',
    items: ['web'],
    raised: { vms: [{ vm: { nics: [nic({ kind: 'sriov' })] }, network: onVlan7 }] },
    not: {
      vms: [
        {
          vm: { nics: [nic({ kind: 'sriov' })] },
          network: networkPair({ type: 'multus', name: 'vfs' }),
        },
      ],
    },
  },
  {
    of: 'VMMultiplePodNetworkMappings',
    reason: 'TooMany',
    items: ['web'],
    raised: { vms: [{ vm: { nics: [nic(), nic({ id: 'nic-1', mac: '00:50:56:aa:bb:cd' })] } }] },
    not: {},
  },
  {
    of: 'MacConflicts',
    reason: 'NotUnique',
    items: ['web'],
    says: ["00:50:56:aa:bb:cc of 'web' is already used by the VM 'vms/other' on multus vms/vlan7"],
    raised: {
      vms: [{ network: onVlan7 }],
      cluster: { vms: [existingVm({ nics: [{ network: 'vms/vlan7', mac: '00-50-56-aa-bb-cc' }] })] },
    },
    not: {
      vms: [{ network: onVlan7 }],
      cluster: { vms: [existingVm({ nics: [{ network: 'default/shared', mac: '00:50:56:aa:bb:cc' }] })] },
    },
  },
  {
    of: 'MacConflicts',
    reason: 'NotUnique',
    items: ['web'],
    raised: {
      vms: [{ network: onVlan7, isRetried: true }],
      cluster: { vms: [existingVm({ nics: [{ network: 'vms/vlan7', mac: '00:50:56:aa:bb:cc' }] })] },
    },
    // Its own, which an earlier try has made.
    not: {
      vms: [{ network: onVlan7, isRetried: true }],
      cluster: {
        vms: [existingVm({ name: 'web', nics: [{ network: 'vms/vlan7', mac: '00:50:56:aa:bb:cc' }] })],
      },
    },
  },
  {
    of: 'NetMapDestinationNADNotValid',
    reason: 'NamespaceNotAllowed',
    items: ['vms/vlan7'],
    raised: {
      vms: [
        { targetNamespace: 'lab', network: networkPair({ type: 'multus', name: 'vlan7', namespace: 'vms' }) },
      ],
    },
    not: { vms: [{ network: networkPair({ type: 'multus', name: 'vlan7', namespace: 'vms' }) }] },
  },
];
