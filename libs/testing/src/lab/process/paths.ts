import { join } from 'node:path';

/** Where what belongs to one VM lies in the lab's folder. */
export interface VmPaths {
  readonly folder: string;
  readonly record: string;
  readonly pidFile: string;
  readonly nbdSocket: string;
  readonly console: string;
  readonly consoleLog: string;
  disk(index: number): string;
  empty(index: number): string;
  layer(snapshot: number, disk: number, layer: number): string;
  changes(snapshot: number): string;
}

export const vmsFolder = (lab: string): string => join(lab, 'vms');

export const templatesFolder = (lab: string): string => join(lab, 'templates');

export function vmPaths(lab: string, id: string): VmPaths {
  const folder = join(vmsFolder(lab), id);
  const file = (name: string): string => join(folder, name);
  return {
    folder,
    record: file('vm.json'),
    pidFile: file('pid'),
    nbdSocket: file('nbd'),
    console: file('tty'),
    consoleLog: file('console.log'),
    disk: (index) => file(`disk-${index}.qcow2`),
    empty: (index) => file(`empty-${index}.qcow2`),
    layer: (snapshot, disk, layer) => file(`s${snapshot}-${disk}-${layer}.qcow2`),
    changes: (snapshot) => file(`changes-${snapshot}.json`),
  };
}

/** Names of one VM's nodes, jobs and exports within its daemon. */
export const names = {
  disk: (disk: number) => `d${disk}`,
  bitmap: (snapshot: number) => `b${snapshot}`,
  layer: (snapshot: number, disk: number, layer: number) => `o${snapshot}-${disk}-${layer}`,
  job: (snapshot: number, disk: number) => `j${snapshot}-${disk}`,
  snapshotExport: (snapshot: number, disk: number) => `s${snapshot}-${disk}`,
  writer: (disk: number) => `w${disk}`,
  reader: (disk: number) => `r${disk}`,
  freeze: (disk: number) => `f${disk}`,
};
