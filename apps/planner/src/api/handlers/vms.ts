import { vmStream } from '../../runs/stream-names.js';
import type { VmView } from '@ledgerlift/contracts';
import type { OperatorCommand } from '../../runs/run-service.js';
import type { ApiCall, ApiServices, HandlersOf } from '../edge/dispatcher.js';
import { approveCutoverCommand, cutoverCommand } from './cutover-command.js';
import { readVmLog } from '../vm-log.js';
import { historyEntry } from '../views/history.js';
import { pageFrom } from '../views/catalog.js';
import { vmSummary, vmView } from '../views/vm.js';

const WITHOUT_REASON = 'asked for over the API';

export const vmHandlers: HandlersOf<'vms'> = {
  'vms.list': ({ plans }, { params, query }) => {
    const { state: wanted, ...page } = query;
    const { vms } = plans.migration(params.migration);
    const found = wanted === undefined ? vms : vms.filter(({ state }) => state?.phase === wanted);
    return pageFrom(found, page, (run) => vmSummary(run));
  },
  'vms.get': ({ plans }, { params }) => vmView(plans.vm(params.migration, params.vm)),
  'vms.history': async ({ plans, runs }, { params, query }) => {
    const { stream } = plans.vm(params.migration, params.vm);
    const items = [];
    let total = 0;
    for await (const event of runs.history(stream)) {
      if (total >= query.offset && items.length < query.limit) items.push(historyEntry(event));
      total += 1;
    }
    return { items, total, offset: query.offset };
  },
  'vms.log': ({ plans }, { params, query }) =>
    readVmLog(plans.vm(params.migration, params.vm), query.name, query.tailBytes),
  'vms.cancel': (services, { params, body }, call) =>
    ask(services, params, call, { kind: 'cancel', reason: body.reason ?? WITHOUT_REASON }),
  'vms.pause': (services, { params, body }, call) =>
    ask(services, params, call, { kind: 'pause', reason: body.reason ?? WITHOUT_REASON }),
  'vms.resume': (services, { params, body }, call) =>
    ask(services, params, call, { kind: 'resume', reason: body.reason ?? WITHOUT_REASON }),
  'vms.cutover': (services, { params, body }, call) =>
    ask(services, params, call, cutoverCommand(body, call.context)),
  'vms.approve': (services, { params, body }, call) =>
    ask(services, params, call, approveCutoverCommand(body, call.context)),
  'vms.withdraw-cutover': (services, { params, body }, call) =>
    ask(services, params, call, {
      kind: 'withdraw-cutover',
      reason: body.reason ?? WITHOUT_REASON,
      at: new Date(),
    }),
  'vms.test-boot': (services, { params, body }, call) =>
    ask(services, params, call, { kind: 'test-boot', reason: body.reason ?? WITHOUT_REASON }),
  'vms.rollback': (services, { params, body }, call) =>
    ask(services, params, call, {
      kind: 'rollback',
      reason: body.reason ?? WITHOUT_REASON,
      at: new Date(),
    }),
  'vms.clean-up': (services, { params, body }, call) =>
    ask(services, params, call, { kind: 'clean-up', reason: body.reason ?? WITHOUT_REASON }),
  'vms.delete-target': (services, { params, body: { targetName, reason = WITHOUT_REASON } }, call) =>
    ask(services, params, call, { kind: 'delete-target', reason, targetName }),
  'vms.answer-hook': (services, { params, body: { hook, said, succeeded } }, call) =>
    ask(services, params, call, {
      kind: 'answer-hook',
      hook,
      said,
      succeeded: succeeded ? 'yes' : 'no',
      by: call.context.actor.name,
      at: new Date(),
      random: Math.random(),
    }),
  'vms.retry': async ({ plans }, { params, body }, call) => {
    const { migration, vm } = params;
    plans.vm(migration, vm);
    if (!call.isRepeated) {
      await plans.retryVm(migration, vm, body.reason ?? WITHOUT_REASON, call.context);
      call.did(vmStream(migration, vm));
    }
    return vmView(plans.vm(migration, vm));
  },
};

/** Sends a command to one VM. A repeated request is answered without sending it again. */
async function ask(
  { plans, runs }: ApiServices,
  { migration, vm }: { readonly migration: string; readonly vm: number },
  call: ApiCall,
  command: OperatorCommand,
): Promise<VmView> {
  plans.vm(migration, vm);
  if (!call.isRepeated) {
    await runs.askVm(migration, vm, command, call.context);
    call.did(vmStream(migration, vm));
  }
  return vmView(plans.vm(migration, vm));
}
