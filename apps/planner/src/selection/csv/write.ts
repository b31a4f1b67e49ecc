import type { PlanVm } from '@ledgerlift/contracts';
import { stringify } from 'csv-stringify/sync';
import { cellOf, columns } from './columns.js';
import { escaped } from './formulas.js';

/** The VMs as RFC 4180 has it, with a header; formulas in cells are escaped. */
export function writeVms(vms: readonly PlanVm[]): string {
  const rows = vms.map((vm) => columns.map((column) => escaped(cellOf(vm, column))));
  return stringify([[...columns], ...rows], { record_delimiter: 'windows', quoted_match: /^\s|\s$|[\r\n]/ });
}
