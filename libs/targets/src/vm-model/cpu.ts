import type { SourceVm } from '@ledgerlift/contracts';

export interface CpuTopology {
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/**
 * Sockets and cores whose product is the number of CPUs. Where the cores do not divide it (a source may say
 * anything), each CPU is a socket; no CPU at all counts as one.
 */
export function cpuTopology(cpu: SourceVm['cpu']): CpuTopology {
  const count = Math.max(1, cpu.count);
  const cores = count % cpu.coresPerSocket === 0 ? cpu.coresPerSocket : 1;
  return { sockets: count / cores, cores, threads: 1 };
}
