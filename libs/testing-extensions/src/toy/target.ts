import { existsSync } from 'node:fs';
import { access, constants, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Resource,
  TargetNetwork,
  TargetStorage,
  type VmRecord,
  settingsOf,
} from '@ledgerlift/contracts';
import {
  type ExtensionTarget,
  type Guard,
  NotOurs,
  type TargetVm,
  type VmAtWork,
  type VmFiles,
  checkNamesFree,
  checkNetworks,
  checkStorages,
  claimsFor,
  emptyFolder,
  filesBelow,
  filesOfResource,
  freeBytes,
  holderOfDisks,
  claimNames,
  layoutFor,
  layoutOf,
  modesAskedFor,
  recordedNics,
  tailOf,
  usualItinerary,
  workOnFiles,
} from '@ledgerlift/targets';
import { z } from 'zod';

const Settings = z.strictObject({ path: z.string().startsWith('/', 'must be an absolute path') });
interface At {
  readonly settings: z.infer<typeof Settings>;
}

/** The smallest target there can be: raw disks in a folder, and a page of JSON that says what the VM is, and whether it is on. */
export const toyTarget: ExtensionTarget = {
  type: 'x-toybox',
  settings: Settings,
  conditionTypes: {},

  async look({ settings: { path } }: At, { vms }, use) {
    const places = vms.map(({ targetNamespace, targetName }) => `${targetNamespace}/${targetName}`);
    const there = places.filter((place) => existsSync(join(path, place)));
    const view = {
      freeBytes: await freeBytes(path),
      taken: new Map([...there.map((place) => [place, 'it is in the box'] as const), ...use.places]),
      adopted: new Map(),
    };
    const why = await access(path, constants.W_OK).then(() => undefined, String);
    return { view, problems: why === undefined ? [] : [{ item: path, code: 'NotWritable', message: why }] };
  },

  conditions: (_target, plan, { taken }) => [
    ...checkNamesFree(plan, taken),
    ...checkNetworks(plan, [TargetNetwork.parse({ name: 'pod', type: 'pod' })]),
    ...checkStorages(plan, [TargetStorage.parse({ name: 'shelf' })]),
  ],

  place(_target, _plan, at) {
    const { vm, targetName, targetNamespace: namespace } = at;
    const layout = layoutFor({ namespace, targetName, claims: claimNames(at), format: 'raw' });
    const disks = layout.disks.flatMap(({ disk: name, pvcName }, index) => {
      const [diskId, destination] = [vm.disks[index]?.id, at.storageOf[index]?.destination];
      if (diskId === undefined || destination === undefined) return [];
      return [{ diskId, name, pvcName, ...modesAskedFor(destination), format: 'raw' as const }];
    });
    if (disks.length < vm.disks.length) return undefined;
    return { folder: layout.folder, nics: recordedNics(at), disks };
  },

  itineraryFor: (record, sites) => usualItinerary(record, toyTarget.claimsFor(record), sites),
  claimsFor: (record) => ({ ...claimsFor(record), VirtualMachineCreation: [pageOf(record)] }),
  render: (_record, vm) => [{ name: 'vm.json', content: JSON.stringify(vm) }],
  where: ({ settings }: At) => settings.path,
  readLog: async (record, name, tailBytes) => tailOf(await filesOf(record).path(name), tailBytes),

  async workplace(record, guard) {
    const files = filesOf(record);
    const owner = `${record.installation} ${record.migrationId} ${record.index}`;
    const label = await files.path(`${record.folder}/owner`);
    const read = async (): Promise<string> => (existsSync(label) ? readFile(label, 'utf8') : 'nobody');
    const seeOurs = async (): Promise<void> => {
      if ((await read()) !== owner) throw new NotOurs(dirname(label), `it belongs to ${await read()}`);
    };
    return {
      ...workOnFiles(files, guard),
      async open() {
        await guard.stillOurs();
        await mkdir(dirname(label), { recursive: true });
        await writeFile(label, owner, { flag: 'wx' }).catch(seeOurs);
      },
      seeOurs,
      vm: vmAtWork(files, guard),
      async release(resource) {
        const path = await files.path(resource.name);
        const isThere = existsSync(path);
        // Without its label, it is what an attempt left that ended between the label and the folder.
        if (existsSync(label) && (await read()) !== owner) return 'absent';
        await guard.stillOurs();
        if (resource.kind !== 'folder')
          for (const name of filesOfResource(resource)) await rm(await files.path(name), { force: true });
        else if (isThere) {
          await emptyFolder(path, [basename(label)]);
          await rm(label, { force: true });
          await rmdir(path);
        }
        return isThere ? 'removed' : 'absent';
      },
      sweep: () => Promise.resolve(),
    };
  },
};

const filesOf = (record: VmRecord): VmFiles =>
  filesBelow(settingsOf(record.target, toyTarget.type, Settings).path, record);

const pageOf = (record: VmRecord): Resource => ({
  kind: 'manifest',
  name: layoutOf(record).manifests.virtualMachine.replace('yaml', 'json'),
  service: 'vm-creator',
  lifetime: 'result',
});

function vmAtWork(files: VmFiles, guard: Guard): VmAtWork {
  const { name } = pageOf(files.record);
  const write = async (vm: TargetVm): Promise<string> => {
    const page = await files.pathToMake(name);
    await guard.stillOurs();
    await writeFile(page, JSON.stringify(vm));
    return vm.runStrategy === 'Always' ? 'on' : 'off';
  };
  return {
    create: (vm) => write({ ...vm, runStrategy: 'Halted' }).then(() => [name]),
    isCreated: async () => existsSync(await files.path(name)),
    setRunStrategy: write,
    holder: holderOfDisks(files, guard),
  };
}
