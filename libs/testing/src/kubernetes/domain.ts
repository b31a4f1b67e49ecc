import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { PeerFailed } from '../errors.js';
import { OwnedProcess } from '../processes/index.js';
import { temporaryFolder } from '../temporary-folder.js';
import { kubernetesInstallation } from './installed.js';

/** A VirtualMachine whose start is asked about. */
export interface DomainRequest {
  /** As the API server keeps it, after KubeVirt's admission. */
  readonly vm: object;
  /** Names of its volumes whose claims are block devices. The others are file systems with a `disk.img`. */
  readonly block?: readonly string[];
}

/** What KubeVirt would start. `refused` says why its converter takes the VM for impossible. */
export type KubevirtDomain = { readonly xml: string } | { readonly refused: string };

/**
 * The libvirt domains that KubeVirt would start, in the order of the requests. virt-controller's, virt-handler's and virt-launcher's own code
 * says so, without a cluster: one call for many VMs, for the program takes seconds to start.
 *
 * @param node whether it has /dev/kvm
 * @throws PeerMissing where it is not built
 */
export async function kubevirtDomains(
  requests: readonly DomainRequest[],
  node: 'kvm' | 'emulated' = 'kvm',
): Promise<readonly KubevirtDomain[]> {
  const program = spawn(kubernetesInstallation().program('domains'), [node], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(program, 'close');
  const said: Buffer[] = [];
  program.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  program.stdin.end(JSON.stringify(requests));
  const answers = await json(program.stdout).catch(() => undefined);
  await ended;
  if (answers === undefined)
    throw new PeerFailed('domains', 'did not answer', Buffer.concat(said).toString().split('\n'));
  return answers as readonly KubevirtDomain[];
}

export interface DomainBoot {
  /** As `kubevirtDomains` gives it. */
  readonly xml: string;
  /** Block devices of this machine by the names of the volumes. */
  readonly volumes: Readonly<Record<string, string>>;
  /** What the guest says on its serial console once it is up. */
  readonly until: RegExp;
  readonly timeoutMs: number;
}

/** Room for memory to be plugged in later, without slots for it: KubeVirt's libvirt takes that, and Debian's is older. */
const NO_SLOTS = /<maxMemory unit="b" slots="0">\d+<\/maxMemory>/;
const QEMU_CONF = `user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
stdio_handler = "file"
namespaces = []
remember_owner = 0
`;

/**
 * Starts a domain under libvirt and QEMU, as virt-launcher does, and ends it once its guest is up. Needs root, and
 * scripts/install-kubernetes-node.sh.
 *
 * @returns what the guest said on its serial console
 * @throws PeerFailed where libvirt or QEMU refuses, or the guest does not come up in time: with its last lines
 */
export async function bootDomain({ xml, volumes, until, timeoutMs }: DomainBoot): Promise<string> {
  const serial = /path="\/var\/run\/kubevirt-private\/(?<path>[^"]*serial0)"/.exec(xml)?.groups?.['path'];
  if (serial === undefined) throw new PeerFailed('libvirt', 'the domain has no serial console', [xml]);
  const taps = [...xml.matchAll(/<target dev="(?<tap>tap[^"]*)" managed="no">/g)].map(
    ({ groups }) => `tap=${groups?.['tap']}`,
  );
  await using folder = temporaryFolder('domain');
  await writeFile(folder.file('domain.xml'), xml.replace(NO_SLOTS, ''));
  await writeFile(folder.file('qemu.conf'), QEMU_CONF);
  await withEntry('passwd', 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin');
  await withEntry('group', 'libvirt-qemu:x:64055:');
  await using libvirt = await OwnedProcess.start({
    name: 'libvirt',
    command: 'unshare',
    args: [
      ...['--mount', '--net', '--pid', '--fork', '--kill-child'],
      join(import.meta.dirname, '..', '..', 'node', 'run-domain.sh'),
      ...[folder.path, kubernetesInstallation().debian()],
      ...taps,
      ...Object.entries(volumes).map(([name, device]) => `${name}=${device}`),
    ],
  });
  await libvirt.waitForLine(/guest running/);
  return await said(folder.file('private', serial), until, timeoutMs);

  /** The machine's own file, with a user or a group of Debian's libvirt. */
  async function withEntry(name: 'passwd' | 'group', entry: string): Promise<void> {
    await copyFile(join('/etc', name), folder.file(name));
    const [key = ''] = entry.split(':');
    const text = await readFile(folder.file(name), 'utf8');
    if (!text.split('\n').some((line) => line.startsWith(`${key}:`)))
      await writeFile(folder.file(name), `${text.trimEnd()}\n${entry}\n`);
  }
}

/** What comes over a console until it matches. @throws PeerFailed */
async function said(socket: string, pattern: RegExp, timeoutMs: number): Promise<string> {
  const console = connect(socket);
  const late = AbortSignal.timeout(timeoutMs);
  late.addEventListener('abort', () => console.destroy());
  let text = '';
  try {
    for await (const chunk of console.setEncoding('utf8')) {
      text += String(chunk);
      if (pattern.test(text)) return text;
    }
  } catch (error) {
    if (!late.aborted) throw error;
  } finally {
    console.destroy();
  }
  throw new PeerFailed(
    'guest',
    late.aborted ? `did not say ${String(pattern)} within ${timeoutMs} ms` : 'ended',
    text.split('\n'),
  );
}
