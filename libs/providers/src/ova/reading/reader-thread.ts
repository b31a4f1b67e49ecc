import { parentPort } from 'node:worker_threads';
import { filesToVerify } from '../digests.js';
import { readPackage } from '../inventory.js';
import type { PackageRequest } from './requests.js';

// Entry point of the thread that reads packages one at a time. It answers with text, so that the planner knows the size before
// parsing it.
parentPort?.on('message', ({ what, path }: PackageRequest) => {
  const answer = what === 'contents' ? readPackage(path) : filesToVerify(path);
  void answer.then((found) => parentPort?.postMessage(JSON.stringify(found)));
});
