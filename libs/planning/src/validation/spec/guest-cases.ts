import type { SourceVm } from '@ledgerlift/contracts';
import type { PlanFacts } from '../plan-facts.js';
import type { Case } from './case.js';
import { factsWith, vm, workers } from './facts.js';

const guest = (tools: NonNullable<SourceVm['guest']>['tools'], ip?: string): Partial<SourceVm> => ({
  powerState: 'on',
  guest: {
    tools,
    nics:
      ip === undefined
        ? []
        : [{ mac: '00:50:56:00:00:01', addresses: [{ ip, prefix: 24, origin: 'static' }], dns: [] }],
    routes: [],
  },
});
const then = (what: string): { readonly spec: object } => ({ spec: { shutdown: { then: what } } });
const windows = vm({ tpm: true, os: { id: 'windows11_64Guest', description: '', family: 'windows' } });
const hook = (run: object): { readonly spec: object } => ({
  spec: { hooks: [{ name: 'dns', at: 'before', run }] },
});
const command = hook({ kind: 'command', command: 'dns.sh' });
const withHooks = (hasHooks: boolean | undefined): { readonly workers: PlanFacts['workers'] } => ({
  workers: {
    ...workers,
    transferTools:
      hasHooks === undefined
        ? {}
        : { hooks: { oldest: hasHooks ? { version: '', path: '/hooks' } : undefined, problems: [] } },
  },
});

/** Conditions that follow from the state of the guests, and of a site that cannot run hooks. */
export const guestCases: Readonly<Record<string, Case | readonly Case[]>> = {
  VMPowerStateUnsupported: [
    {
      raised: factsWith([vm({ powerState: 'suspended' })]),
      reason: 'Suspended',
      items: ['web'],
      not: factsWith([vm({ powerState: 'on' })]),
    },
    {
      raised: factsWith([vm({ powerState: 'suspended' })], { spec: { type: 'warm' } }),
      reason: 'Suspended',
      not: factsWith([vm({ powerState: 'suspended' })], { planned: { isCopied: true } }),
    },
  ],
  GuestToolsIssue: [
    {
      raised: factsWith([vm(guest('not-running'))], then('fail')),
      reason: 'ToolsNotRunning',
      items: ['web'],
      not: factsWith([vm(guest('running'))], then('fail')),
    },
    {
      raised: factsWith([vm(guest('not-installed'))], then('wait')),
      reason: 'ToolsNotRunning',
      not: factsWith([vm({ ...guest('not-installed'), powerState: 'off' })], then('wait')),
    },
  ],
  GuestNotShutDown: {
    raised: factsWith([vm(guest('not-installed'))], then('force')),
    reason: 'ToolsNotRunning',
    items: ['web'],
    not: factsWith([vm(guest('not-installed'))], then('fail')),
  },
  VMMissingGuestIPs: [
    {
      raised: factsWith([vm(guest('running'))]),
      reason: 'NoAddresses',
      items: ['web'],
      not: factsWith([vm(guest('running', '10.0.0.7'))]),
    },
    {
      raised: factsWith([vm(guest('running'))], {
        spec: { preserveStaticIps: false, vms: [{ ref: 'web', preserveStaticIps: true }] },
      }),
      reason: 'NoAddresses',
      not: factsWith([vm(guest('running'))], { spec: { preserveStaticIps: false } }),
    },
  ],
  RecoveryKeyNotHeld: [
    {
      raised: factsWith([windows]),
      reason: 'NotSaid',
      items: ['web'],
      not: factsWith([windows], { spec: { recoveryKeyHeld: true } }),
    },
    {
      raised: factsWith([windows], {
        spec: { recoveryKeyHeld: true, vms: [{ ref: 'web', recoveryKeyHeld: false }] },
      }),
      reason: 'NotSaid',
      not: factsWith([windows], { spec: { vms: [{ ref: 'web', recoveryKeyHeld: true }] } }),
    },
    { raised: factsWith([windows]), reason: 'NotSaid', not: factsWith([vm({ tpm: true })]) },
    { raised: factsWith([windows]), reason: 'NotSaid', not: factsWith([{ ...windows, tpm: false }]) },
  ],
  HookNotReady: [
    {
      raised: factsWith([vm()], { ...command, ...withHooks(false) }),
      reason: 'NoFolder',
      items: ['dns'],
      not: factsWith([vm()], { ...command, ...withHooks(true) }),
    },
    {
      raised: factsWith([vm()], { ...command, ...withHooks(false) }),
      reason: 'NoFolder',
      not: factsWith([vm()], { ...hook({ kind: 'event' }), ...withHooks(false) }),
    },
    {
      raised: factsWith([vm()], { ...command, ...withHooks(false) }),
      reason: 'NoFolder',
      not: factsWith([vm()], { ...command, ...withHooks(undefined) }),
    },
  ],
};
