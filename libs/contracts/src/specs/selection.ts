import { z } from 'zod';
import { PowerState, SourceVm } from '../inventory.js';
import { vmChoices } from './plan-vm.js';

/** What VMs are picked by. All that is given must hold. */
const criteria = {
  /** The folder and everything below it: its path in its datacenter, such as `/prod/web`, its whole path, or its id. */
  folder: z.string().min(1).max(1000).optional(),
  tag: z.string().min(1).optional(),
  /** A custom attribute: its name, or `name=value`. */
  attribute: z.string().min(1).optional(),
  /** A pattern of the name: `*` stands for any characters, `?` for one. Case counts, as it does in `ref`. */
  name: z.string().min(1).max(200).optional(),
  powerState: PowerState.optional(),
  /** Family of the guest's operating system. */
  os: SourceVm.shape.os.shape.family.optional(),
  /** These by id, name or path. A name that several have is refused. */
  host: z.string().min(1).optional(),
  cluster: z.string().min(1).optional(),
  datacenter: z.string().min(1).optional(),
  /** Id, name or path: a disk of the VM is on it. */
  storage: z.string().min(1).optional(),
  /** Id, name or path: a NIC of the VM is on it. */
  network: z.string().min(1).optional(),
  minDisks: z.int().min(0).optional(),
  maxDisks: z.int().min(0).optional(),
  /** Capacity of all disks of the VM together. */
  minBytes: z.int().min(0).optional(),
  maxBytes: z.int().min(0).optional(),
};

const count = (name: 'minDisks' | 'maxDisks' | 'minBytes' | 'maxBytes') =>
  z.coerce.number().pipe(criteria[name].unwrap()).optional();
/** The same criteria as the query of a request, where everything is text. */
export const VmCriteria = z.strictObject({
  ...criteria,
  minDisks: count('minDisks'),
  maxDisks: count('maxDisks'),
  minBytes: count('minBytes'),
  maxBytes: count('maxBytes'),
});

/** A query over the source's inventory: what it means is found out at each validation, and recorded at a start. */
export const Selector = z
  .strictObject({ ...criteria, ...vmChoices })
  .refine((selector) => Object.keys(criteria).some((key) => Object.hasOwn(selector, key)), {
    message: `must say by what VMs are picked: one of ${Object.keys(criteria).join(', ')}; name: '*' means all`,
  });
export type Selector = z.infer<typeof Selector>;
