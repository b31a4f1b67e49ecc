import type { ProviderView } from '@ledgerlift/contracts';
import type { z } from 'zod';

/** A plugin of nbdkit, and what it loads. */
export interface DiskTool {
  /** Its name, or the path of its .so. */
  readonly plugin: string;
  /** Where a library of somebody else that it loads was unpacked. */
  readonly folder?: string | undefined;
  /** Of that library. */
  readonly version?: string;
  /** Further paths that it reads; nothing else of this machine is shown to it. */
  readonly reads?: readonly string[];
}

export interface ToolMissing {
  /** Why it cannot be used, in words that follow a colon. */
  readonly problem: string;
}

/** What a machine that reads disks has to read them with, by the names that the bus knows. */
export type DiskTools = Readonly<Record<string, DiskTool | ToolMissing | undefined>>;

/** What a machine must have to read the disks of one kind of source. */
export interface SourceRequirements {
  /** What it has in its environment for that. Descriptions say what to set, for the error when a value is wrong. */
  readonly variables: Readonly<Record<string, z.ZodType>>;
  /** Looks for the tools, by having them loaded. @param environment with those variables */
  look(environment: Readonly<Record<string, unknown>>): Promise<DiskTools>;
  /**
   * What the doctor says of them.
   *
   * @param tools those that `look` found
   * @param sources asks the planner which sources it knows, for tools that have to go with them
   */
  report(tools: DiskTools, sources: () => Promise<readonly ProviderView[]>): Promise<readonly ToolReport[]>;
}

/** A line of the doctor. */
export interface ToolReport {
  readonly name: string;
  /** `absent` where the tool is not there, and a machine without it is in order. */
  readonly state: string;
  readonly use: string;
  /** How to get it; empty where it is there. */
  readonly get: string;
}
