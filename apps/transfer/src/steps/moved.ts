import type { Condition, SourceVm } from '@ledgerlift/contracts';

/**
 * What was done to the source since its migration was recorded, and does it no harm: it is known by its id.
 *
 * @returns undefined where nothing was
 */
export function movedMeanwhile(recorded: SourceVm, now: SourceVm): Condition | undefined {
  const changes = [
    ...(now.name === recorded.name ? [] : [`is now called '${now.name}'`]),
    ...(now.folder === recorded.folder ? [] : [`lies in the folder ${now.folder ?? 'of no name'}`]),
    ...(now.host === recorded.host ? [] : [`runs on ${now.host ?? 'no host'}`]),
    ...recorded.disks.flatMap(({ id, name, storage, storageId }) => {
      const disk = now.disks.find((each) => each.id === id);
      // A record of an older version has no ids.
      const isThere =
        storageId === undefined || disk?.storageId === undefined
          ? disk?.storage === storage
          : disk.storageId === storageId;
      return disk === undefined || isThere ? [] : [`has '${name}' on ${disk.storage}`];
    }),
  ];
  if (changes.length === 0) return undefined;
  return {
    type: 'SourceVmMoved',
    category: 'Advisory',
    reason: 'MovedMeanwhile',
    message: `'${recorded.name}' ${changes.join(', ')}; its migration goes on, for it is known by its id`,
    items: [recorded.id],
    durable: false,
  };
}
