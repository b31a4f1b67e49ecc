import { type MachineSettings, type PlanSpec, type PlanVm, machineChoices } from '@ledgerlift/contracts';

const names = Object.keys(machineChoices) as readonly (keyof MachineSettings)[];
const saidIn = (from: MachineSettings): MachineSettings =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

/** What the plan says of one target VM: the VM's own words win, and annotations are put together. Pure. */
export function machineOf(spec: PlanSpec, entry: PlanVm): MachineSettings {
  const annotations = { ...spec.annotations, ...entry.annotations };
  const merged = { ...saidIn(spec), ...saidIn(entry) };
  return Object.keys(annotations).length === 0 ? merged : { ...merged, annotations };
}
