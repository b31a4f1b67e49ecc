// The demo: every step is a command that a user would type, and is shown before it runs. See demo.sh.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applianceEnvironment, buildOva, freePort, guestImage } from '@ledgerlift/testing';

const root = join(import.meta.dirname, '..');
const cli = join(root, 'apps', 'cli', 'dist', 'main.js');
const isRaw = process.argv.includes('--raw');
const started = Number(process.env.LEDGERLIFT_STARTED ?? Date.now() / 1000);
const say = (text) => {
  const passed = Math.floor(Date.now() / 1000 - started);
  const two = (number) => String(number).padStart(2, '0');
  console.log(`[${two(Math.floor(passed / 60))}:${two(passed % 60)}] ${text}`);
};

/** Runs the CLI and shows what it says. @returns its exit code and output */
function ledgerlift(url, ...args) {
  say(`$ ledgerlift ${args.join(' ')}`);
  return new Promise((resolve) => {
    const live = args.includes('--watch');
    const child = spawn(process.execPath, [cli, '--url', url, ...args], {
      stdio: ['ignore', live ? 'inherit' : 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      if (!args.includes('--json')) process.stdout.write(chunk);
    });
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Starts `ledgerlift up` and waits until it says that it is. */
function up(folder, port, natsPort) {
  const args = ['up', '--data-dir', join(folder, 'data'), '--port', port, '--nats-port', natsPort].map(
    String,
  );
  say(`$ ledgerlift ${args.join(' ')}`);
  const env = { ...process.env, ...applianceEnvironment() };
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ready = new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      if (output.includes('Ledgerlift is up')) resolve();
    });
    child.on('close', () => reject(new Error('ledgerlift up ended')));
  });
  ready.catch(() => undefined);
  const ended = new Promise((resolve) => child.on('close', resolve));
  return { ready, stop: () => (child.kill('SIGTERM'), ended) };
}

const definitions = (folder) => ({
  'providers.yaml': `name: files
type: ova
settings:
  path: ${join(folder, 'ovas')}
---
name: out
type: directory
settings:
  path: ${join(folder, 'out')}
  diskFormat: qcow2
`,
  'mappings.yaml': `kind: network
name: networks
source: files
target: out
pairs:
  - source: VM Network
    destination: { type: pod }
---
kind: storage
name: storages
source: files
target: out
pairs:
  - source: ova
    destination: { storageClass: default }
`,
  'plan.yaml': `name: demo
source: files
target: out
networkMapping: networks
storageMapping: storages
verify: full
bootProof: true
${isRaw ? 'skipGuestConversion: true\nuseCompatibilityMode: false\n' : ''}vms:
  - ref: demo-guest
`,
});

const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-demo-'));
const ovas = join(folder, 'ovas');
await mkdir(ovas);
let installation;
let exitCode = 1;
const stop = async () => installation?.stop();
process.once('SIGINT', () => void stop().then(() => process.exit(130)));
try {
  say(
    'building a bootable Debian guest with VMware devices (kept in the cache; the first time takes a minute)',
  );
  const image = await guestImage();
  say('packing it as a VMware-style OVA');
  const nics = [{ network: 'VM Network', model: 'VmxNet3' }];
  const vm = {
    name: 'demo-guest',
    disks: [{ raw: image }],
    controller: 'VirtualSCSI',
    nics,
    os: 'debian12_64Guest',
  };
  await buildOva({ name: 'demo-guest', folder: ovas, vms: [vm] });
  for (const [name, content] of Object.entries(definitions(folder)))
    await writeFile(join(folder, name), content);

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  installation = up(folder, port, await freePort());
  await installation.ready;
  const must = async (...args) => {
    const { code, output } = await ledgerlift(url, ...args);
    if (code !== 0) throw new Error(`'ledgerlift ${args.join(' ')}' failed`);
    return output;
  };
  await must('provider', 'create', '-f', join(folder, 'providers.yaml'));
  await must('inventory', 'files');
  await must('mapping', 'create', '-f', join(folder, 'mappings.yaml'));
  await must('plan', 'create', '-f', join(folder, 'plan.yaml'));
  await must('plan', 'validate', 'demo');
  const { code } = await ledgerlift(url, 'start', 'demo', '--watch');
  const [migration] = JSON.parse(await must('--json', 'status'));
  say('what happened, from the event log:');
  await must('events', migration.id);
  const result = join(folder, 'out', 'default', 'demo-guest');
  say(`the result lies in ${result}:`);
  for (const name of (await readdir(result, { recursive: true })).sort()) console.log(`        ${name}`);
  if (isRaw) {
    exitCode = code === 0 ? 1 : 0;
    say(
      code === 0
        ? 'FAILED: the guest booted without conversion, which it should not'
        : 'as it must be: without conversion the guest does not boot on virtio',
    );
  } else {
    exitCode = code;
    say(code === 0 ? 'the guest was migrated, and boots on virtio' : 'FAILED: see above');
  }
} catch (error) {
  say(`FAILED: ${error.message}`);
} finally {
  await stop();
}
if (exitCode !== 0) say(`what is left of it lies in ${folder}`);
else await rm(join(folder, 'data'), { recursive: true, force: true });
process.exit(exitCode);
