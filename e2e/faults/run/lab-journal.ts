import type { LabHypervisor } from '@ledgerlift/testing';

/** A line of the lab's journal. */
export type JournalLine = Awaited<ReturnType<LabHypervisor['journal']>>[number];
