import type { Condition } from '@ledgerlift/contracts';
import type { NetworkUse, StorageUse, TargetSettings } from '../port.js';

/** A plan that names networks the target has not, or that cannot take a kind of NIC, cannot start. Pure. */
export function checkNetworks(settings: TargetSettings, uses: readonly NetworkUse[]): Condition[] {
  return uses.flatMap((use) => checkNetwork(settings, use));
}

function checkNetwork(settings: TargetSettings, use: NetworkUse): Condition[] {
  const { destination } = use;
  if (destination.type === 'ignored') return [];
  const label = destination.type === 'pod' ? 'the pod network' : `the network "${qualified(destination)}"`;
  const network = settings.networks.find((each) =>
    destination.type === 'pod'
      ? each.type === 'pod'
      : each.type === 'multus' && each.name === destination.name && sameNamespace(each, destination),
  );
  if (network === undefined) {
    const names = settings.networks.map((each) => (each.type === 'pod' ? 'pod' : qualified(each)));
    return [
      critical(
        'DestinationNetworkNotValid',
        'NotFound',
        `The target has not ${label}, which "${use.source}" is mapped to. It has: ${listed(names)}.`,
        use.source,
      ),
    ];
  }
  const refused = use.nicKinds.filter((kind) => !network.nicKinds.includes(kind));
  if (refused.length === 0) return [];
  return [
    critical(
      'DestinationNetworkNotValid',
      'NicKindNotAllowed',
      `${label[0]?.toUpperCase()}${label.slice(1)} takes NICs of kind ${listed(network.nicKinds)}; on ` +
        `"${use.source}" there are NICs of kind ${listed([...new Set(refused)])}.`,
      use.source,
    ),
  ];
}

/** A plan that names storages the target has not, or modes that one does not offer, cannot start. Pure. */
export function checkStorages(settings: TargetSettings, uses: readonly StorageUse[]): Condition[] {
  return uses.flatMap((use) => checkStorage(settings, use));
}

function checkStorage(settings: TargetSettings, { source, destination }: StorageUse): Condition[] {
  const { storageClass, accessMode, volumeMode } = destination;
  const type = 'DestinationStorageNotValid';
  const storage = settings.storages.find((each) => each.name === storageClass);
  if (storage === undefined) {
    const names = listed(settings.storages.map((each) => each.name));
    const message = `The target has no storage "${storageClass}", which "${source}" is mapped to. It has: ${names}.`;
    return [critical(type, 'NotFound', message, source)];
  }
  const conditions: Condition[] = [];
  if (!storage.accessModes.includes(accessMode)) {
    const message = `The storage "${storageClass}" offers the access modes ${listed(storage.accessModes)}, not ${accessMode}.`;
    conditions.push(critical(type, 'AccessModeNotOffered', message, source));
  }
  if (!storage.volumeModes.includes(volumeMode)) {
    const message = `The storage "${storageClass}" offers the volume modes ${listed(storage.volumeModes)}, not ${volumeMode}.`;
    conditions.push(critical(type, 'VolumeModeNotOffered', message, source));
  }
  return conditions;
}

interface Named {
  readonly name: string;
  readonly namespace?: string | undefined;
}
const qualified = ({ name, namespace }: Named): string =>
  namespace === undefined ? name : `${namespace}/${name}`;
/** Where one side names no namespace, the name alone decides. */
const sameNamespace = (a: Named, b: Named): boolean =>
  a.namespace === undefined || b.namespace === undefined || a.namespace === b.namespace;
const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

const critical = (type: string, reason: string, message: string, item: string): Condition => ({
  type,
  category: 'Critical',
  reason,
  message,
  items: [item],
  durable: false,
});
