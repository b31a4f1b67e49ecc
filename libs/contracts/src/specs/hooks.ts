import { z } from 'zod';
import { Dns1123Label, SecretRef } from './provider.js';

/** When a hook runs: before the first step, before the source's power-off, after the last step, when the VM has failed. */
export const HookMoment = z.enum(['before', 'cutover', 'after', 'failure']);
export type HookMoment = z.infer<typeof HookMoment>;

export const HookRun = z.discriminatedUnion('kind', [
  /** An executable in the worker's folder of hooks; it gets the VM as JSON on its standard input. */
  z.strictObject({
    kind: z.literal('command'),
    command: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be the name of a file in the hooks folder'),
    arguments: z.array(z.string()).default([]),
  }),
  /** A request with the VM as JSON in its body; any answer but 2xx is a failure. */
  z.strictObject({
    kind: z.literal('http'),
    url: z.url({ protocol: /^https?$/ }),
    method: z.enum(['POST', 'PUT']).default('POST'),
    /** Sent as a bearer token. */
    secret: SecretRef.optional(),
  }),
  /** Another system sees the request among the events, and answers it over the API or the bus. */
  z.strictObject({ kind: z.literal('event') }),
]);
export type HookRun = z.infer<typeof HookRun>;

/** What is done by others at a moment of each VM's migration, or once for the whole plan. */
export const HookSpec = z.strictObject({
  name: Dns1123Label,
  at: HookMoment,
  /**
   * `plan`: once, `before` any VM begins, before the first `cutover` of any (of a plan that is not warm: before any VM
   * begins, too), `after` all VMs are at an end and none failed, or on `failure` once all are and some failed.
   */
  scope: z.enum(['vm', 'plan']).default('vm'),
  run: HookRun,
  /** After which one try has failed. */
  timeLimitMs: z.int().min(100).max(86_400_000).default(600_000),
  /** How often it is tried again, with the plan's back-off. */
  retries: z.int().min(0).max(100).default(0),
  /** `continue`: the failure is a condition of the VM, or of the plan's hook, and the migration goes on. */
  onFailure: z.enum(['fail', 'continue']).default('fail'),
});
export type HookSpec = z.infer<typeof HookSpec>;
