import { z } from 'zod';
import { VmCriteria } from '../specs.js';
import { Page } from './request.js';

/** What is looked for in a source's inventory: the criteria of a plan's `select`, and a VM's id or concern. */
export const VmSearch = VmCriteria.extend({
  ...Page.shape,
  /** Id at the source, or UUID of the firmware. */
  id: z.string().min(1).max(200).optional(),
  /** Id of a concern, or a category: VMs that have such a one. */
  concern: z.string().min(1).max(200).optional(),
});
export type VmSearch = z.infer<typeof VmSearch>;

export const TreeQuery = z.strictObject({
  /** `folder`: datacenters, folders, VMs. `host`: datacenters, clusters, hosts, VMs. */
  by: z.enum(['folder', 'host']).default('folder'),
  /** Of the node that is shown, such as `/DC0/prod`. */
  path: z.string().startsWith('/').max(1000).default('/'),
  /** Levels below it. */
  depth: z.coerce.number().pipe(z.int().min(1).max(10)).default(2),
  /** Children of one node that are shown at most. */
  limit: z.coerce.number().pipe(z.int().min(1).max(1000)).default(200),
});
export type TreeQuery = z.infer<typeof TreeQuery>;

/** A folder, host or VM, with what is in it. */
export interface TreeNode {
  readonly name: string;
  readonly kind: 'source' | 'datacenter' | 'folder' | 'cluster' | 'host' | 'vm';
  /** By which it may be asked for. */
  readonly path: string;
  /** Id of the VM. */
  readonly id?: string | undefined;
  /** VMs in it and below. */
  readonly vms: number;
  /** Left out where they lie deeper than was asked for. */
  readonly children?: readonly TreeNode[] | undefined;
  /** Children that are not shown, for there are more than the limit. */
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
