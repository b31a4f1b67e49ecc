import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CloudEvent } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { byReference, toCloudEvent } from '@ledgerlift/messaging';
import { inventoryOf, sourceSpec, webVm } from '@ledgerlift/planning/spec';
import { PlannerUnderTest } from './spec/planner-under-test.js';

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;

beforeEach(async () => {
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(webVm));
});
afterEach(async () => {
  await planner.stop();
  await temporary.destroy();
});

describe('an event', () => {
  it('is read where its message says, when it was too large for one', async () => {
    await planner.call('POST', '/providers', sourceSpec);
    for await (const event of temporary.log.readAll()) {
      const { dataref } = CloudEvent.parse(byReference(toCloudEvent(event, 'spec')));
      expect(await planner.call('GET', dataref?.replace('/api/v1', '') ?? '')).toMatchObject({
        status: 200,
        body: { eventId: event.id, type: 'ProviderCreated', data: event.data },
      });
    }
  });

  it('that the log does not have is not found', async () => {
    expect(await planner.call('GET', '/events/plan-none/0')).toMatchObject({
      status: 404,
      body: { error: { code: 'LL-PLN-117' } },
    });
    expect(await planner.call('GET', '/events/plan-none/x')).toMatchObject({ status: 400 });
  });
});
