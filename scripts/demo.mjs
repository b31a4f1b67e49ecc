// The demos: see demo.sh.
import { ovaDemo } from './demo/ova.mjs';
import { vsphereDemo } from './demo/vsphere.mjs';

const [which, ...rest] = process.argv.slice(2).filter((word) => word !== '--raw');
const isRaw = process.argv.includes('--raw');
if (rest.length > 0 || (which !== undefined && which !== 'vsphere') || (which === 'vsphere' && isRaw)) {
  console.error(`npm run demo -- [--raw | vsphere]: '${process.argv.slice(2).join(' ')}' is none of these`);
  process.exit(2);
}
await (which === 'vsphere' ? vsphereDemo() : ovaDemo(isRaw));
