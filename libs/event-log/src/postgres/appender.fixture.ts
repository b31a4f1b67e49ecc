import { appendUntilKilled } from '../contract/append-until-killed.js';
import { openPostgresLog } from './open.js';

await appendUntilKilled(await openPostgresLog({ url: process.argv[2] ?? '', leaseMs: 300 }));
