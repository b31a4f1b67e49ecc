import { vmStream } from '../../runs/stream-names.js';
import type { HandlersOf } from '../edge/operation-handler.js';
import { readVmLog } from '../vm-log.js';
import { historyEntry } from '../views/history.js';
import { pageFrom } from '../views/page.js';
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
  'vms.cancel': async ({ plans, runs }, { params, body }, call) => {
    const { migration, vm } = params;
    plans.vm(migration, vm);
    if (!call.isRepeated) {
      await runs.cancelVm(migration, vm, body.reason ?? WITHOUT_REASON, call.context);
      call.did(vmStream(migration, vm));
    }
    return vmView(plans.vm(migration, vm));
  },
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
