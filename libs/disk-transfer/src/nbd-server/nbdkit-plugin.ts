import { ToolRunFailed, runTool } from '@ledgerlift/processes';

/** Long: what is slow is there all the same. */
const PROBE_MS = 20_000;

/** What nbdkit says of one of its plugins. */
export interface PluginDump {
  /** Empty where it cannot be loaded. */
  readonly out: string;
  /** What went wrong with it. */
  readonly said: string;
}

/**
 * Has nbdkit load a plugin, and say what it is.
 *
 * @param plugin its name, or the path of its .so
 * @param reads paths that it reads besides
 */
export async function dumpPlugin(
  plugin: string,
  reads: readonly string[],
  ...parameters: readonly string[]
): Promise<PluginDump> {
  const read = plugin.startsWith('/') ? [plugin, ...reads] : reads;
  const cell = { read, write: [], network: 'none' } as const;
  try {
    const { stdout, stderr } = await runTool('nbdkit', [plugin, '--dump-plugin', ...parameters], {
      cell,
      timeoutMs: PROBE_MS,
    });
    return { out: stdout, said: reasonIn(stderr) };
  } catch (error) {
    return error instanceof ToolRunFailed
      ? { out: error.output, said: reasonIn(error.said) }
      : { out: '', said: reasonIn(error instanceof Error ? error.message : String(error)) };
  }
}

/** What went wrong, without the advice to read a manual. */
function reasonIn(text: string): string {
  const lines = text.trimEnd().split('\n');
  return (lines.find((line) => line.includes('error:')) ?? lines.at(-1) ?? '').slice(0, 300);
}
