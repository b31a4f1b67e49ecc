import { z } from 'zod';

const Lab = z.looseObject({ type: z.literal('lab') });
const LabDisk = z.looseObject({ backing: z.object({ kind: z.literal('lab'), vmId: z.string() }) });
const Disks = z.looseObject({ disks: z.array(z.unknown()) });
const LabRecord = z.looseObject({
  source: z.looseObject({ provider: z.looseObject({ spec: Lab }), vm: Disks }),
});

/** The lab once was a type of provider of its own; it is an extension now. What is none of the lab stays as it is. */
export function specWithoutLab(data: unknown): unknown {
  const { data: found } = z.looseObject({ spec: Lab }).safeParse(data);
  return found === undefined ? data : { ...found, spec: asExtension(found.spec) };
}

/** The same for the record of a VM. */
export function recordWithoutLab(data: unknown): unknown {
  const { data: found } = z.looseObject({ record: LabRecord }).safeParse(data);
  if (found === undefined) return data;
  const { provider, vm } = found.record.source;
  const source = {
    ...found.record.source,
    provider: { ...provider, spec: asExtension(provider.spec) },
    vm: { ...vm, disks: vm.disks.map(diskAsExtension) },
  };
  return { ...found, record: { ...found.record, source } };
}

const asExtension = (spec: z.infer<typeof Lab>): object => ({ ...spec, type: 'x-lab' });

function diskAsExtension(disk: unknown): unknown {
  const { data: found } = LabDisk.safeParse(disk);
  if (found === undefined) return disk;
  return { ...found, backing: { kind: 'extension', data: { vmId: found.backing.vmId } } };
}
