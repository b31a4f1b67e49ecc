import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Resource, VmView } from '@ledgerlift/contracts';
import type { KubernetesAdmin } from '@ledgerlift/testing';
import { VmRecords, readRecords } from '../faults/judge/records.js';
import type { RunScript } from './script.js';
import { QUOTA } from './strike.js';
import type { World } from './world.js';

const run = promisify(execFile);

export type FindingKind = 'unequal' | 'leaked' | 'doubled' | 'stuck';
export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

export interface Ended {
  readonly view: VmView;
  readonly migration: string;
  readonly namespace: string;
  /** Raw files with the bytes of its disks at the source. */
  readonly sources: readonly string[];
}

interface Item {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly uid: string }[];
  };
}

/** What is in a namespace, by `resource/name`, such as `persistentvolumeclaims/web-disk-0` and `virtualmachines.kubevirt.io/web`. */
export type Listing = ReadonlyMap<string, Item>;

/** Every object of every kind that can be listed, but for what Kubernetes itself or a strike makes, and what is only told. */
export async function listingOf(admin: KubernetesAdmin, namespace: string): Promise<Listing> {
  const { groups } = await admin.call<{
    readonly groups: readonly {
      readonly name: string;
      readonly preferredVersion: { readonly groupVersion: string };
    }[];
  }>('/apis');
  const versions = [
    { group: '', path: '/api/v1' },
    ...groups.map(({ name, preferredVersion }) => ({
      group: name,
      path: `/apis/${preferredVersion.groupVersion}`,
    })),
  ];
  const listing = new Map<string, Item>();
  for (const { group, path } of versions) {
    const { resources } = await admin.call<{
      readonly resources: readonly {
        readonly name: string;
        readonly namespaced: boolean;
        readonly verbs: readonly string[];
      }[];
    }>(path);
    for (const { name, namespaced, verbs } of resources) {
      if (!namespaced || !verbs.includes('list') || name === 'events') continue;
      const { items } = await admin.call<{ readonly items: readonly Item[] }>(
        `${path}/namespaces/${namespace}/${name}`,
      );
      for (const item of items) {
        const key = `${group === '' ? name : `${name}.${group}`}/${item.metadata.name}`;
        if (!NOT_OURS.has(key)) listing.set(key, item);
      }
    }
  }
  return listing;
}

const NOT_OURS = new Set([
  'serviceaccounts/default',
  'configmaps/kube-root-ca.crt',
  // Of the installation's account.
  'roles.rbac.authorization.k8s.io/ledgerlift-migration',
  'rolebindings.rbac.authorization.k8s.io/ledgerlift-migration',
  `resourcequotas/${QUOTA}`,
]);

/** As a listing calls a resource of the ledger; undefined: it stands on the scratch claim, and is no object. */
function objectOf({ kind, name }: Resource): string | undefined {
  const short = name.slice(name.lastIndexOf('/') + 1);
  switch (kind) {
    case 'disk':
    case 'scratch':
      return `persistentvolumeclaims/${short}`;
    case 'credential':
      return `secrets/${short}`;
    case 'worker-pod':
      return `pods/${short}`;
    case 'virtual-machine':
      return `virtualmachines.kubevirt.io/${short}`;
    default:
      return undefined;
  }
}

/** Of every VM, whatever it came to. */
export function judgedPods({ doubled }: World, migration: string): readonly Finding[] {
  const pods = doubled.get(migration);
  return pods === undefined
    ? []
    : [{ kind: 'doubled', what: `two pods had processes at the same time: ${pods.join(', ')}` }];
}

/** What the cluster and its storage hold of a VM at its end, against what must be. */
export async function judged(world: World, script: RunScript, ended: Ended): Promise<readonly Finding[]> {
  const { admin } = world.cluster.kubernetes;
  const { migration, namespace, view } = ended;
  const records = await readRecords(world.cluster.installation.logFile);
  const ledger = [...VmRecords.of(records, migration, 0).ledger.values()];
  const listing = await listingOf(admin, namespace);
  return [
    ...records.findings.map(({ what }): Finding => ({ kind: 'stuck', what })),
    ...judgedListing(listing, ledger),
    ...(view.state === 'succeeded' ? judgedResult(listing, script) : judgedNothing(listing)),
    ...(view.state === 'succeeded' ? await judgedDisks(world, script, ended) : []),
    ...(await judgedEvents(admin, namespace)),
  ];
}

const leaked = (what: string): Finding => ({ kind: 'leaked', what });

function judgedListing(listing: Listing, ledger: readonly Resource[]): readonly Finding[] {
  const claimed = new Set(ledger.flatMap((resource) => objectOf(resource) ?? []));
  return [
    ...[...listing.keys()]
      .filter((key) => !claimed.has(key))
      .map((key) => leaked(`${key} is there and not in the ledger`)),
    ...[...claimed]
      .filter((key) => !listing.has(key))
      .map((key) => leaked(`${key} is in the ledger and not there`)),
  ];
}

/** Whatever the ledger says: a VM that succeeded has left its disks, which go with it, and itself. */
function judgedResult(listing: Listing, { name, disks }: RunScript): readonly Finding[] {
  const vm = listing.get(`virtualmachines.kubevirt.io/${name}`);
  const claims = [...listing].filter(([key]) => key.startsWith('persistentvolumeclaims/'));
  const others = listing.size - claims.length - (vm === undefined ? 0 : 1);
  const unowned = claims.filter(
    ([, { metadata }]) =>
      metadata.ownerReferences?.some(
        ({ kind, uid }) => kind === 'VirtualMachine' && uid === vm?.metadata.uid,
      ) !== true,
  );
  return [
    ...(vm === undefined ? [leaked(`there is no VirtualMachine ${name}`)] : []),
    ...(claims.length === disks.length
      ? []
      : [leaked(`${claims.length} claims of ${disks.length} disks are there`)]),
    ...(others === 0
      ? []
      : [leaked(`${others} objects are there besides: ${[...listing.keys()].join(', ')}`)]),
    ...unowned.map(([key]) => leaked(`${key} does not belong to the VirtualMachine ${name}`)),
  ];
}

const judgedNothing = (listing: Listing): readonly Finding[] =>
  [...listing.keys()].map((key) => leaked(`${key} is there, though the VM was canceled`));

async function judgedDisks(
  { volumes }: World,
  { name, volumeMode }: RunScript,
  { namespace, sources }: Ended,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [index, source] of sources.entries()) {
    const claim = `${name}-disk-${index}`;
    const volume = await volumes.volumeOf({ namespace, name: claim });
    const difference =
      volume === undefined
        ? 'it has no volume'
        : await (volumeMode === 'Block'
            ? differs(source, volume.path)
            : differsInside(source, volume.device));
    if (difference !== undefined) findings.push({ kind: 'unequal', what: `${claim}: ${difference}` });
  }
  return findings;
}

// What is beyond the shorter of the two must be zero (qemu-img(1), compare without -s).
const COMPARE = ['compare', '-f', 'raw', '-F', 'raw'];

const differs = (source: string, disk: string): Promise<string | undefined> =>
  whyFailed(run('qemu-img', [...COMPARE, source, disk]));

/** In a mount namespace of its own, which no other process sees. */
const differsInside = (source: string, device: string): Promise<string | undefined> =>
  whyFailed(
    run('unshare', [
      ...['--mount', '--propagation', 'private', 'sh', '-c'],
      `mount "$1" /mnt && exec qemu-img ${COMPARE.join(' ')} "$2" /mnt/disk.img`,
      ...['sh', device, source],
    ]),
  );

async function whyFailed(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    return `${stdout}${stderr}`.trim() || String(error);
  }
}

/** A creds file of NATS, or a seed of one of its users (https://github.com/nats-io/nkeys). */
const CREDENTIAL = /BEGIN NATS USER JWT|BEGIN USER NKEY SEED|\bSU[A-Z2-7]{56}\b/;

async function judgedEvents(admin: KubernetesAdmin, namespace: string): Promise<readonly Finding[]> {
  const events = await admin.call(`/api/v1/namespaces/${namespace}/events`);
  return CREDENTIAL.test(JSON.stringify(events)) ? [leaked('an event of the cluster has a credential')] : [];
}
