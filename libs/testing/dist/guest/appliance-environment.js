import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.js';
import { PeerMissing } from '../errors.js';
const wrapper = join(import.meta.dirname, '..', '..', 'appliance', 'one-cpu-qemu.sh');
/**
 * The environment in which libguestfs (and so virt-v2v) works on a machine without KVM and without a kernel of its
 * own: laid over a service's environment by tests and by the demo.
 *
 * @throws PeerMissing when scripts/install-appliance-kernel.sh has not run
 */
export function applianceEnvironment() {
    const kernel = cacheFolder('appliance', 'kernel');
    if (!existsSync(join(kernel, 'ready')))
        throw new PeerMissing("the kernel of libguestfs' appliance", kernel);
    // supermin stops where the machine has no /lib/modules at all, whatever SUPERMIN_MODULES says.
    if (!existsSync('/lib/modules'))
        throw new PeerMissing('the folder /lib/modules', '/lib/modules');
    const appliances = cacheFolder('appliance', 'built');
    mkdirSync(appliances, { recursive: true });
    return {
        SUPERMIN_KERNEL: only(join(kernel, 'boot'), /^vmlinuz-/),
        SUPERMIN_MODULES: only(join(kernel, 'lib', 'modules'), /./),
        LIBGUESTFS_BACKEND: 'direct',
        LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg',
        LIBGUESTFS_CACHEDIR: appliances,
        LIBGUESTFS_HV: wrapper,
    };
}
function only(folder, pattern) {
    const found = readdirSync(folder).find((name) => pattern.test(name));
    if (found === undefined)
        throw new PeerMissing(`a file like ${String(pattern)}`, folder);
    return join(folder, found);
}
//# sourceMappingURL=appliance-environment.js.map