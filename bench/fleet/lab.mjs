// A lab hypervisor's inventory without a hypervisor: ten thousand VMs that exist only as what the lab's API says of them.
// The planner reads it through the real lab provider, as it reads any other; nothing ever asks for a disk, and what is there is only asked whether it runs.
import { once } from 'node:events';
import { createServer } from 'node:http';

const GIB = 1024 ** 3;

export async function startLab(count) {
  const vms = Array.from({ length: count }, (_, number) => vmOf(number));
  const body = JSON.stringify({ vms, networks: ['VM Network'], storages: ['ssd'] });
  const byPath = new Map(vms.map((vm) => [`/vms/${vm.id}`, vm]));
  const server = createServer((request, response) => {
    const found = request.url === '/inventory' ? body : JSON.stringify(byPath.get(request.url));
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(found ?? '{"error":{"code":"no-such-vm","message":"only an inventory"}}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    names: vms.map(({ name }) => name),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One of a fleet: alike in all but what makes each its own. */
function vmOf(number) {
  const id = `lab-${String(number).padStart(5, '0')}`;
  const disk = (unit) => ({
    id: `${id}-disk-${unit}`,
    name: `disk-${unit}`,
    capacityBytes: 1024 ** 2,
    storage: 'ssd',
    bus: 'scsi',
    controller: 0,
    unit,
    shared: false,
  });
  return {
    id,
    instance: `instance-${id}`,
    boots: 1,
    name: `fleet-${String(number).padStart(5, '0')}`,
    folder: `/fleet/${number % 50}`,
    host: `host-${number % 20}`,
    tags: ['fleet'],
    power: 'off',
    cpus: 2,
    memoryBytes: 4 * GIB,
    firmware: 'bios',
    secureBoot: false,
    tpm: false,
    os: { id: 'debian12_64', description: 'Debian GNU/Linux 12 (64-bit)', family: 'linux' },
    changeTracking: true,
    nics: [
      {
        id: 'nic-0',
        name: 'Network adapter 1',
        network: 'VM Network',
        mac: `52:54:00:${[16, 8, 0].map((shift) => ((number >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`,
        model: 'vmxnet3',
        connected: true,
      },
    ],
    disks: [disk(0), disk(1)],
    snapshots: [],
    runningTasks: [],
  };
}
