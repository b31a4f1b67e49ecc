// Exit 0 when what is in node_modules is what package-lock.json asks for. Runs on any Node, without packages.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const read = (name) => JSON.parse(readFileSync(join(root, name), 'utf8')).packages;

function mismatch() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return 'nothing is installed';
  if (!existsSync(join(root, 'node_modules/.bin/node'))) return "the workspace's own Node is missing";
  const installed = read('node_modules/.package-lock.json');
  for (const [path, wanted] of Object.entries(read('package-lock.json'))) {
    if (path === '' || wanted.optional || wanted.devOptional || wanted.peer) continue;
    const found = installed[path];
    const isPackage = path.includes('node_modules/');
    if (isPackage && found === undefined) return `${path} is missing`;
    if (isPackage && found.version !== wanted.version)
      return `${path} is ${found.version}, not ${wanted.version}`;
  }
  return undefined;
}

const reason = mismatch();
if (reason !== undefined) {
  console.log(reason);
  process.exitCode = 1;
}
