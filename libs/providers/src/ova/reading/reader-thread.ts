import { parentPort } from 'node:worker_threads';
import { readPackage } from '../inventory.js';

// Entry point of the thread that reads packages, one at a time. The answer is text, so that its size is known before the
// planner parses it.
parentPort?.on('message', (path: string) => {
  void readPackage(path).then((contents) => parentPort?.postMessage(JSON.stringify(contents)));
});
