// The demos: see demo.sh.
import { kubevirtDemo } from './demo/kubevirt.mjs';
import { ovaDemo } from './demo/ova.mjs';
import { vsphereDemo } from './demo/vsphere.mjs';

const demos = { vsphere: vsphereDemo, kubevirt: kubevirtDemo };
const [which, ...rest] = process.argv.slice(2).filter((word) => word !== '--raw');
const isRaw = process.argv.includes('--raw');
const isKnown = which === undefined || (Object.hasOwn(demos, which) && !isRaw);
if (rest.length > 0 || !isKnown) {
  console.error(
    `npm run demo -- [--raw | vsphere | kubevirt]: '${process.argv.slice(2).join(' ')}' is none of these`,
  );
  process.exit(2);
}
await (which === undefined ? ovaDemo(isRaw) : demos[which]());
