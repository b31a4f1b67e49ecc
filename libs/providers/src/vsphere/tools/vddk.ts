import { z } from 'zod';
import type { ToolMissing } from '../../requirements.js';

export interface VddkSettings {
  /** Folder of the unpacked VDDK, with the libraries in its `lib64`. */
  readonly folder: string | undefined;
  /** nbdkit's plugin for it: its name, or the path of its .so. */
  readonly plugin: string;
  /** Other paths that it reads. The sandbox hides the rest of the machine. */
  readonly reads: readonly string[];
}

/** Environment variables of a service that reads with VDDK. */
export const vddkVariables = {
  LEDGERLIFT_VDDK_DIR: z
    .string()
    .startsWith('/')
    .optional()
    .describe("the absolute path of the folder with VMware's unpacked VDDK, which contains lib64"),
  LEDGERLIFT_VDDK_PLUGIN: z
    .string()
    .min(1)
    .default('vddk')
    .describe("nbdkit's plugin for VDDK: its name, or the path of its .so"),
  LEDGERLIFT_VDDK_READS: z
    .string()
    .regex(/^\/[^:]*(:\/[^:]*)*$/)
    .optional()
    .describe('absolute paths, separated by colons, that VDDK reads besides its own folder'),
};

const descriptionOf = (variable: string): string =>
  Object.entries(vddkVariables).find(([name]) => name === variable)?.[1].description ?? '';

const VddkEnvironment = z.object(vddkVariables);

/** Parses those variables. A service has already validated them at its start, other callers have not. */
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

/** A mismatch between the versions of VDDK and of a vCenter or host. */
export interface VddkMisfit {
  readonly reason: 'OlderThanSource' | 'NewerThanSource';
  /** Text to follow `VDDK`. */
  readonly message: string;
}

/** "… to support N-2 and N+1 releases" (VDDK 8.0 release notes). 6.5 and 6.7 are a release each. */
const MOST_BEHIND = 1;
const MOST_AHEAD = 2;

/**
 * Checks whether VDDK's version fits the source. Ignores minor versions, because a library that was not installed under its full
 * name shows only the major one. Reports an older VDDK even if VMware supports it, because it lacks the newer release's features.
 *
 * @returns undefined if it fits, or if a version cannot be parsed
 */
export function vddkMisfit(vddk: string, source: string): VddkMisfit | undefined {
  const [ours, theirs] = [releaseOf(vddk), releaseOf(source)];
  if (ours === undefined || theirs === undefined) return undefined;
  const pair = `${vddk} is %s than the source, which is vSphere ${source}`;
  if (ours < theirs) {
    const how =
      theirs - ours > MOST_BEHIND
        ? 'VMware supports no more than the next release'
        : 'VMware supports that without its new features';
    return { reason: 'OlderThanSource', message: `${pair.replace('%s', 'older')}; ${how}` };
  }
  if (ours - theirs > MOST_AHEAD)
    return {
      reason: 'NewerThanSource',
      message: `${pair.replace('%s', 'much newer')}; VMware supports the two releases before it`,
    };
  return undefined;
}

/** Returns the number of a release, counted from 6.5. */
function releaseOf(version: string): number | undefined {
  const [, major, minor] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (major === undefined) return undefined;
  if (Number(major) >= 7) return Number(major) - 5;
  if (Number(major) < 6) return -1;
  return minor === undefined || Number(minor) >= 7 ? 1 : Number(minor) >= 5 ? 0 : -1;
}
