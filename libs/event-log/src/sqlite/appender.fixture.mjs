// Appends batches of three to the log named by its argument until it is killed, and says which were acknowledged.
// It runs on the built package, for it is a process of its own.
import { randomUUID } from 'node:crypto';
import { openSqliteLog } from '../../dist/index.js';

process.on('disconnect', () => process.exit(0));
const log = await openSqliteLog({ path: process.argv[2] });
process.send('open');
for (;;) {
  const group = Array.from({ length: 5 }, async () => {
    const batch = randomUUID();
    const events = Array.from({ length: 3 }, () => ({
      id: randomUUID(),
      type: 'SomethingHappened',
      version: 1,
      time: new Date().toISOString(),
      data: { filler: 'x'.repeat(500) },
      correlationId: batch,
      causationId: batch,
      actor: { kind: 'system', name: 'test', authenticatedBy: 'process' },
    }));
    await log.append(`batch-${batch}`, events, 'no-stream');
    process.send(batch);
  });
  await Promise.all(group);
}
