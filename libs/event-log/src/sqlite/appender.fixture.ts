import { appendUntilKilled } from '../contract/append-until-killed.js';
import { openSqliteLog } from './open.js';

await appendUntilKilled(await openSqliteLog({ path: process.argv[2] ?? '' }));
