import { z } from 'zod';
import { ConcernCategory, SourceVm } from '../inventory.js';
import { VmCriteria } from '../definitions.js';
import { Page } from './error.js';

/** A search in a source's inventory: the criteria of a plan's `select`, and a VM's id or concern. */
export const VmSearch = VmCriteria.extend({
  ...Page.shape,
  /** Id at the source, or UUID of the firmware. */
  id: z.string().min(1).max(200).optional(),
  /** Id or category of a concern that the VM has. */
  concern: z.string().min(1).max(200).optional(),
});
export type VmSearch = z.infer<typeof VmSearch>;

/** The short view of a found VM; `providers.inventory` shows all of it. */
export const FoundVm = z.object({
  ...SourceVm.pick({
    id: true,
    uuid: true,
    name: true,
    path: true,
    powerState: true,
    datacenter: true,
    cluster: true,
    host: true,
    tags: true,
    os: true,
  }).shape,
  cpus: z.int().min(0),
  memoryBytes: z.int().min(0),
  disks: z.int().min(0),
  capacityBytes: z.int(),
  /** Ids of its concerns, by category. */
  concerns: z.partialRecord(ConcernCategory, z.array(z.string())),
});
export type FoundVm = z.infer<typeof FoundVm>;

export const TreeQuery = z.strictObject({
  /** `folder`: datacenters, folders, VMs. `host`: datacenters, clusters, hosts, VMs. */
  by: z.enum(['folder', 'host']).default('folder'),
  /** Path of the node to show, such as `/DC0/prod`. */
  path: z.string().startsWith('/').max(1000).default('/'),
  /** Levels to show below the node. */
  depth: z.coerce.number().pipe(z.int().min(1).max(10)).default(2),
  /** `offset`: children to skip at `path`. `limit`: the most children to show of each node. */
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
  limit: z.coerce.number().pipe(z.int().min(1).max(1000)).default(200),
});
export type TreeQuery = z.infer<typeof TreeQuery>;

/** A folder, host or VM, with what is in it. */
export interface TreeNode {
  readonly name: string;
  readonly kind: 'source' | 'datacenter' | 'folder' | 'cluster' | 'host' | 'vm';
  /** Path by which to request the node. Siblings with the same name include their ids: `/DC (datacenter-3)`. */
  readonly path: string;
  /** Id of the VM. */
  readonly id?: string | undefined;
  /** VMs in it and below. */
  readonly vms: number;
  /** Absent below the requested depth. */
  readonly children?: readonly TreeNode[] | undefined;
  /** Number of children after those shown. */
  readonly more: number;
}
export const TreeNode: z.ZodType<TreeNode> = z.object({
  name: z.string(),
  kind: z.enum(['source', 'datacenter', 'folder', 'cluster', 'host', 'vm']),
  path: z.string(),
  id: z.string().optional(),
  vms: z.int().min(0),
  get children(): z.ZodOptional<z.ZodArray<z.ZodType<TreeNode>>> {
    return z.array(TreeNode).optional();
  },
  more: z.int().min(0),
});
