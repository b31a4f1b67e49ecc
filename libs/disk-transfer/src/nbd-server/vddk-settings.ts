import { z } from 'zod';

export interface VddkSettings {
  /** Of VMware's VDDK as it was unpacked; the libraries are in its `lib64`. */
  readonly folder: string | undefined;
  /** nbdkit's plugin for it: its name, or the path of its .so. */
  readonly plugin: string;
  /** Further paths that it reads; nothing else of this machine is shown to it. */
  readonly reads: readonly string[];
}

/** What a service that reads by VDDK has in its environment, to be spread into its own schema. */
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

const VddkEnvironment = z.object(vddkVariables);

/** What those variables mean. */
export function vddkSettingsOf(read: z.infer<typeof VddkEnvironment>): VddkSettings {
  return {
    folder: read.LEDGERLIFT_VDDK_DIR,
    plugin: read.LEDGERLIFT_VDDK_PLUGIN,
    reads: read.LEDGERLIFT_VDDK_READS?.split(':') ?? [],
  };
}
