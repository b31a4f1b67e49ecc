import { z } from 'zod';
import type { ToolMissing } from '../../requirements.js';

export interface VddkSettings {
  /** Of VMware's VDDK as it was unpacked; the libraries are in its `lib64`. */
  readonly folder: string | undefined;
  /** nbdkit's plugin for it: its name, or the path of its .so. */
  readonly plugin: string;
  /** Further paths that it reads; nothing else of this machine is shown to it. */
  readonly reads: readonly string[];
}

/** What a service that reads by VDDK has in its environment. */
export const vddkVariables = {
  LEDGERLIFT_VDDK_DIR: z
    .string()
    .startsWith('/')
    .optional()
    .describe("the absolute path of VMware's VDDK as it was unpacked, with its lib64"),
  LEDGERLIFT_VDDK_PLUGIN: z
    .string()
    .min(1)
    .default('vddk')
    .describe("nbdkit's plugin for VDDK: its name, or the path of its .so"),
  LEDGERLIFT_VDDK_READS: z
    .string()
    .regex(/^\/[^:]*(:\/[^:]*)*$/)
    .optional()
    .describe('absolute paths with colons between: what VDDK reads besides its own folder'),
};

const descriptionOf = (variable: string): string =>
  Object.entries(vddkVariables).find(([name]) => name === variable)?.[1].description ?? '';

const VddkEnvironment = z.object(vddkVariables);

/** What those variables mean; a service has looked at them when it started, and others have not. */
export function vddkSettingsOf(environment: Readonly<Record<string, unknown>>): VddkSettings | ToolMissing {
  const { data, error } = VddkEnvironment.safeParse(environment);
  if (data === undefined) {
    const variable = String(error.issues[0]?.path[0]);
    return {
      problem: `${variable} is '${String(environment[variable])}'; it has to be ${descriptionOf(variable)}`,
    };
  }
  return {
    folder: data.LEDGERLIFT_VDDK_DIR,
    plugin: data.LEDGERLIFT_VDDK_PLUGIN,
    reads: data.LEDGERLIFT_VDDK_READS?.split(':') ?? [],
  };
}
