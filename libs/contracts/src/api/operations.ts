import { z } from 'zod';
import { MappingSpec, PlanSpec, ProviderSpec, ScheduleLimits } from '../specs.js';
import { InventoryView, MappingView, PlanValidation, PlanView, ProviderView } from './catalog.js';
import { HistoryEntry, LogText, MigrationView, VmStateName, VmSummary, VmView } from './migration.js';
import { ApproveBody, CutoverBody, HookAnswerBody, Page, ReasonBody, Ref, pageOf } from './request.js';

/**
 * Every operation of the public API. REST routes, NATS subjects, OpenAPI and AsyncAPI documents are made from this
 * table; the planner has one handler for each entry. A new operation is one line here and one handler there.
 */

export interface ApiOperation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`; `:name` is a field of `params`. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Absent: the operation takes no body. */
  readonly body?: z.ZodType;
  /** HTTP status of a success. */
  readonly status: 200 | 201 | 204;
  readonly out: z.ZodType;
  /** REST answers the field `text` of the result alone. */
  readonly plainText?: true;
}

const none = z.strictObject({});
const provider = z.strictObject({ provider: Ref });
const mapping = z.strictObject({ mapping: Ref });
const plan = z.strictObject({ plan: Ref });
const migration = z.strictObject({ migration: Ref });
const vm = migration.extend({
  vm: z.coerce.number().pipe(z.int().min(0)).describe('Number of the VM in its migration'),
});
/** What has nothing to say. */
const empty = z.null();

export const apiOperations = {
  'providers.create': {
    method: 'POST',
    path: '/providers',
    summary: 'Create a provider',
    params: none,
    query: none,
    body: ProviderSpec,
    status: 201,
    out: ProviderView,
  },
  'providers.list': {
    method: 'GET',
    path: '/providers',
    summary: 'List the providers',
    params: none,
    query: Page,
    status: 200,
    out: pageOf(ProviderView),
  },
  'providers.get': {
    method: 'GET',
    path: '/providers/:provider',
    summary: 'Show a provider',
    params: provider,
    query: none,
    status: 200,
    out: ProviderView,
  },
  'providers.update': {
    method: 'PUT',
    path: '/providers/:provider',
    summary: 'Change a provider; its type stays',
    params: provider,
    query: none,
    body: ProviderSpec,
    status: 200,
    out: ProviderView,
  },
  'providers.delete': {
    method: 'DELETE',
    path: '/providers/:provider',
    summary: 'Delete a provider that no mapping or plan uses',
    params: provider,
    query: none,
    status: 204,
    out: empty,
  },
  'providers.inventory': {
    method: 'GET',
    path: '/providers/:provider/inventory',
    summary: 'Show what a source provider holds, with the age of that knowledge',
    params: provider,
    query: none,
    status: 200,
    out: InventoryView,
  },
  'providers.refresh': {
    method: 'POST',
    path: '/providers/:provider/inventory/refresh',
    summary: 'Read the inventory of a source provider again',
    params: provider,
    query: none,
    body: none,
    status: 200,
    out: InventoryView,
  },
  'mappings.create': {
    method: 'POST',
    path: '/mappings',
    summary: 'Create a network or storage mapping',
    params: none,
    query: none,
    body: MappingSpec,
    status: 201,
    out: MappingView,
  },
  'mappings.list': {
    method: 'GET',
    path: '/mappings',
    summary: 'List the mappings',
    params: none,
    query: Page,
    status: 200,
    out: pageOf(MappingView),
  },
  'mappings.get': {
    method: 'GET',
    path: '/mappings/:mapping',
    summary: 'Show a mapping',
    params: mapping,
    query: none,
    status: 200,
    out: MappingView,
  },
  'mappings.update': {
    method: 'PUT',
    path: '/mappings/:mapping',
    summary: 'Change a mapping; its kind stays',
    params: mapping,
    query: none,
    body: MappingSpec,
    status: 200,
    out: MappingView,
  },
  'mappings.delete': {
    method: 'DELETE',
    path: '/mappings/:mapping',
    summary: 'Delete a mapping that no plan uses',
    params: mapping,
    query: none,
    status: 204,
    out: empty,
  },
  'plans.create': {
    method: 'POST',
    path: '/plans',
    summary: 'Create a plan',
    params: none,
    query: none,
    body: PlanSpec,
    status: 201,
    out: PlanView,
  },
  'plans.list': {
    method: 'GET',
    path: '/plans',
    summary: 'List the plans',
    params: none,
    query: Page,
    status: 200,
    out: pageOf(PlanView),
  },
  'plans.get': {
    method: 'GET',
    path: '/plans/:plan',
    summary: 'Show a plan',
    params: plan,
    query: none,
    status: 200,
    out: PlanView,
  },
  'plans.update': {
    method: 'PUT',
    path: '/plans/:plan',
    summary: 'Change a plan; a migration that runs sees it only when a VM is retried',
    params: plan,
    query: none,
    body: PlanSpec,
    status: 200,
    out: PlanView,
  },
  'plans.validate': {
    method: 'POST',
    path: '/plans/:plan/validate',
    summary: 'Look at source, target and workers, and say what stands against the plan',
    params: plan,
    query: none,
    body: none,
    status: 200,
    out: PlanValidation,
  },
  'plans.start': {
    method: 'POST',
    path: '/plans/:plan/start',
    summary: 'Validate the plan and start a migration',
    params: plan,
    query: none,
    body: none,
    status: 201,
    out: MigrationView,
  },
  'plans.cancel': {
    method: 'POST',
    path: '/plans/:plan/cancel',
    summary: 'Cancel the migration of the plan that runs',
    params: plan,
    query: none,
    body: ReasonBody,
    status: 200,
    out: MigrationView,
  },
  'plans.retry': {
    method: 'POST',
    path: '/plans/:plan/retry',
    summary: 'Retry the failed and held VMs of the latest migration',
    params: plan,
    query: none,
    body: ReasonBody,
    status: 200,
    out: MigrationView,
  },
  'plans.pause': {
    method: 'POST',
    path: '/plans/:plan/pause',
    summary: 'Pause the migration of the plan that runs, at the next safe point of each VM',
    params: plan,
    query: none,
    body: ReasonBody,
    status: 200,
    out: MigrationView,
  },
  'plans.resume': {
    method: 'POST',
    path: '/plans/:plan/resume',
    summary: 'Go on with the paused migration of the plan',
    params: plan,
    query: none,
    body: ReasonBody,
    status: 200,
    out: MigrationView,
  },
  'plans.next-wave': {
    method: 'POST',
    path: '/plans/:plan/next-wave',
    summary: 'Start the wave after the last one that was started',
    params: plan,
    query: none,
    body: ReasonBody,
    status: 200,
    out: MigrationView,
  },
  'plans.cutover': {
    method: 'POST',
    path: '/plans/:plan/cutover',
    summary: 'Cut over every warm VM of the migration that runs, now or at a time',
    params: plan,
    query: none,
    body: CutoverBody,
    status: 200,
    out: MigrationView,
  },
  'plans.approve': {
    method: 'POST',
    path: '/plans/:plan/approve',
    summary: 'Approve what somebody else asked for: the start, or the cutover',
    params: plan,
    query: none,
    body: ApproveBody,
    status: 200,
    out: MigrationView,
  },
  'plans.archive': {
    method: 'POST',
    path: '/plans/:plan/archive',
    summary: 'Make the plan read-only for ever and give up its failed VMs',
    params: plan,
    query: none,
    body: none,
    status: 200,
    out: PlanView,
  },
  'plans.delete': {
    method: 'DELETE',
    path: '/plans/:plan',
    summary: 'Delete a plan that does not run; its migrations stay in the log',
    params: plan,
    query: none,
    status: 204,
    out: empty,
  },
  'migrations.list': {
    method: 'GET',
    path: '/migrations',
    summary: 'List the migrations, the latest first',
    params: none,
    query: Page.extend({ plan: Ref.optional() }),
    status: 200,
    out: pageOf(MigrationView),
  },
  'migrations.get': {
    method: 'GET',
    path: '/migrations/:migration',
    summary: 'Show a migration',
    params: migration,
    query: none,
    status: 200,
    out: MigrationView,
  },
  'migrations.cancel': {
    method: 'POST',
    path: '/migrations/:migration/cancel',
    summary: 'Cancel a migration',
    params: migration,
    query: none,
    body: ReasonBody,
    status: 200,
    out: MigrationView,
  },
  'vms.list': {
    method: 'GET',
    path: '/migrations/:migration/vms',
    summary: 'List the VMs of a migration',
    params: migration,
    query: Page.extend({ state: VmStateName.optional() }),
    status: 200,
    out: pageOf(VmSummary),
  },
  'vms.get': {
    method: 'GET',
    path: '/migrations/:migration/vms/:vm',
    summary: 'Show a VM: state, pipeline, progress, results',
    params: vm,
    query: none,
    status: 200,
    out: VmView,
  },
  'vms.history': {
    method: 'GET',
    path: '/migrations/:migration/vms/:vm/history',
    summary: 'List the events of a VM, oldest first',
    params: vm,
    query: Page,
    status: 200,
    out: pageOf(HistoryEntry),
  },
  'vms.log': {
    method: 'GET',
    path: '/migrations/:migration/vms/:vm/log',
    summary: "Show a log of a VM: the conversion's, unless another is named",
    params: vm,
    query: z.strictObject({
      name: z.string().min(1).max(512).optional(),
      tailBytes: z.coerce.number().pipe(z.int().min(1).max(4_194_304)).default(524_288),
    }),
    status: 200,
    out: LogText,
    plainText: true,
  },
  'vms.cancel': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/cancel',
    summary: 'Cancel the migration of a VM',
    params: vm,
    query: none,
    body: ReasonBody,
    status: 200,
    out: VmView,
  },
  'vms.retry': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/retry',
    summary: 'Go on from the step that failed, with the plan as it is now',
    params: vm,
    query: none,
    body: ReasonBody,
    status: 200,
    out: VmView,
  },
  'vms.pause': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/pause',
    summary: 'Pause a VM at the next safe point, in the middle of a copy too',
    params: vm,
    query: none,
    body: ReasonBody,
    status: 200,
    out: VmView,
  },
  'vms.resume': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/resume',
    summary: 'Go on with a paused VM from its last checkpoint',
    params: vm,
    query: none,
    body: ReasonBody,
    status: 200,
    out: VmView,
  },
  'vms.cutover': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/cutover',
    summary: 'Cut a warm VM over, now or at a time',
    params: vm,
    query: none,
    body: CutoverBody,
    status: 200,
    out: VmView,
  },
  'vms.approve': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/approve',
    summary: 'Approve the cutover of a VM that somebody else asked for',
    params: vm,
    query: none,
    body: ReasonBody,
    status: 200,
    out: VmView,
  },
  'vms.test-boot': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/test-boot',
    summary:
      'Convert the newest consistent state of a warm VM in an overlay, start it isolated, and throw it away',
    params: vm,
    query: none,
    body: ReasonBody,
    status: 200,
    out: VmView,
  },
  'vms.rollback': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/rollback',
    summary:
      'Stop the target and start the source again; what was written at the target since the cutover is lost',
    params: vm,
    query: none,
    body: ReasonBody,
    status: 200,
    out: VmView,
  },
  'vms.answer-hook': {
    method: 'POST',
    path: '/migrations/:migration/vms/:vm/answer-hook',
    summary: 'Answer a hook that the VM waits for',
    params: vm,
    query: none,
    body: HookAnswerBody,
    status: 200,
    out: VmView,
  },
  'schedule.get': {
    method: 'GET',
    path: '/schedule',
    summary: 'Show what may run at once over all plans',
    params: none,
    query: none,
    status: 200,
    out: ScheduleLimits,
  },
  'schedule.set': {
    method: 'PUT',
    path: '/schedule',
    summary: 'Set what may run at once; copies that run follow a new bandwidth budget at once',
    params: none,
    query: none,
    body: ScheduleLimits,
    status: 200,
    out: ScheduleLimits,
  },
} as const satisfies Record<`${string}.${string}`, ApiOperation>;

export type ApiOperationName = keyof typeof apiOperations;
type Operations = typeof apiOperations;
/** What a handler is given: parsed. */
export interface ApiInput<N extends ApiOperationName> {
  readonly params: z.infer<Operations[N]['params']>;
  readonly query: z.infer<Operations[N]['query']>;
  readonly body: Operations[N] extends { readonly body: infer B extends z.ZodType } ? z.infer<B> : undefined;
}
export type ApiOutput<N extends ApiOperationName> = z.infer<Operations[N]['out']>;

export const API_BASE = '/api/v1';

/** A request over NATS, on `subjects.api(resource, verb)`: what a REST request says in path, query, header and body. */
export const ApiNatsRequest = z.strictObject({
  params: z.record(z.string(), z.unknown()).default({}),
  query: z.record(z.string(), z.unknown()).default({}),
  body: z.unknown().optional(),
  /** Required where the REST operation is a POST. */
  idempotencyKey: z.string().optional(),
});
export type ApiNatsRequest = z.infer<typeof ApiNatsRequest>;
