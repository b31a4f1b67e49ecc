import { appendUntilKilled } from '../contract/append-until-killed.js';
import { openKurrentLog } from './open.js';

await appendUntilKilled(await openKurrentLog({ url: process.argv[2] ?? '', leaseMs: 300 }));
