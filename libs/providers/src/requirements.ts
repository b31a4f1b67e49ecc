import type { ProviderView } from '@ledgerlift/contracts';
import type { z } from 'zod';
import type { ToolsAtSite } from './plan-facts.js';

/** An nbdkit plugin and the files it loads. */
export interface DiskTool {
  /** Its name, or the path of its .so. */
  readonly plugin: string;
  /** Folder of the third-party library that it loads. */
  readonly folder?: string | undefined;
  /** Version of that library. */
  readonly version?: string;
  /** Other paths that it reads. The sandbox hides the rest of the machine. */
  readonly reads?: readonly string[];
}

export interface ToolMissing {
  /** Why it cannot be used, as text to follow a colon. */
  readonly problem: string;
}

/** A machine's tools for reading disks, by their names on the bus. */
export type DiskTools = Readonly<Record<string, DiskTool | ToolMissing | undefined>>;

/** What a machine needs to read the disks of one kind of source. */
export interface SourceRequirements {
  /** Its environment variables. Descriptions say what to set; errors about wrong values quote them. */
  readonly variables: Readonly<Record<string, z.ZodType>>;
  /** Finds the tools by loading them. @param environment with those variables */
  look(environment: Readonly<Record<string, unknown>>): Promise<DiskTools>;
  /**
   * Predicts the tools of a machine that does not exist yet, such as a worker pod, from its environment. Their versions are
   * unknown and therefore empty. Pure. Absent if there is nothing to predict.
   */
  expected?(environment: Readonly<Record<string, unknown>>): ToolsAtSite;
  /**
   * Describes the tools for the doctor.
   *
   * @param tools the result of `look`
   * @param sources asks the planner for its sources, for tools that must match them
   */
  report(tools: DiskTools, sources: () => Promise<readonly ProviderView[]>): Promise<readonly ToolReport[]>;
}

/** A line of the doctor's report. */
export interface ToolReport {
  readonly name: string;
  /** `absent` if the tool is missing but optional. */
  readonly state: string;
  readonly use: string;
  /** How to get it; empty if it is present. */
  readonly get: string;
}

/** A role with exactly the privileges that migrations need, for the account that reads a source. */
export interface SourceRole {
  /** The administrator's name for this kind of source. */
  readonly source: string;
  /** The uses that a role can be made for. */
  readonly kinds: readonly string[];
  /** The default of `kinds`. */
  readonly usual: readonly string[];
  /** Output formats, the default first; `json` is one of them. */
  readonly formats: readonly [usual: string, ...others: string[]];
  /** Another kind of server that needs other privileges. */
  readonly variant?: { readonly option: string; readonly for: string };
  text(request: RoleRequest): string;
}

export interface RoleRequest {
  readonly name: string;
  /** A subset of `kinds`. */
  readonly kinds: readonly string[];
  /** One of `formats`. */
  readonly format: string;
  readonly isVariant: boolean;
}
