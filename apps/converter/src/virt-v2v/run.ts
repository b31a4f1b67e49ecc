import { runHeld, type HeldRun } from '../holder/index.js';
import type { ConverterSettings } from '../config.js';
import type { LuksKeys } from '../luks/index.js';
import { BoundedLog } from './bounded-log.js';
import { failureOf, neverSettled, timedOut } from './failure.js';
import { type Findings, FindingsReader } from './findings.js';
import { Lines, parseMessage, type V2vMessage } from './messages.js';

/** One of virt-v2v's tools. Both read the same input and print the same findings. */
export interface V2vTool {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly timeoutMs: number;
  /** The variable that sets the limit. */
  readonly timeoutVariable: string;
}

/** Converts the domain's disks in place. */
export const inPlace = ({ command, timeoutMs }: ConverterSettings): V2vTool => ({
  command,
  arguments: [],
  timeoutMs,
  timeoutVariable: 'LEDGERLIFT_V2V_TIMEOUT_S',
});

/** Converts the guest in its own overlays and discards them: the disks are only read. */
export const inspector = ({ inspector: { command, timeoutMs } }: ConverterSettings): V2vTool => ({
  command,
  // The report, which has less than the messages.
  arguments: ['-O', 'inspection.xml'],
  timeoutMs,
  timeoutVariable: 'LEDGERLIFT_V2V_INSPECTION_TIMEOUT_S',
});

export interface V2vRun extends Pick<HeldRun, 'record' | 'scratch' | 'owner' | 'signal' | 'prepare'> {
  readonly tool: V2vTool;
  readonly settings: ConverterSettings;
  /** The domain in libvirt's format. */
  readonly domainXml: string;
  /** A device, or `first`. */
  readonly root: string;
  /** Further arguments, such as the addresses of a Windows guest. */
  readonly more?: readonly string[];
  /** Keys for encrypted disks. */
  readonly keys: LuksKeys;
  readonly log: { readonly path: string; readonly name: string };
  /** The first line of this attempt in the log. */
  readonly title: string;
  readonly onMessage: (message: V2vMessage) => void;
}

/** qemu-nbd flushes when told to exit, so allow the time that storage may need to sync a conversion's writes. */
const SETTLE = 120_000;

/**
 * Runs one of virt-v2v's tools on the domain's disks. When this returns or throws, all its processes have ended.
 * @throws ConversionFailed, ConverterMissing, the signal's reason, LeftoverAlive
 */
export async function runVirtV2v(run: V2vRun): Promise<Findings> {
  const { settings, tool, log: logFile } = run;
  const findings = new FindingsReader();
  const errors: string[] = [];
  const log = await BoundedLog.open(logFile.path, settings.logLimit, run.title);
  const messages = new Lines((line) => {
    const message = parseMessage(line);
    if (message === undefined) return;
    if (message.type === 'info') findings.info(message.message);
    if (message.type === 'error' && errors.length < 20) errors.push(message.message);
    run.onMessage(message);
  });
  const stderr = new Lines((line) => findings.line(line));
  try {
    const end = await runHeld({
      ...run,
      argv: [
        tool.command,
        '-v',
        ...(settings.trace === 'on' ? ['-x'] : []),
        '--machine-readable=fd:3',
        ...tool.arguments,
        '-i',
        'libvirtxml',
        'domain.xml',
        '--root',
        run.root,
        ...run.keys.arguments,
        ...(run.more ?? []),
      ],
      env: { ...settings.childEnv, TMPDIR: run.scratch },
      files: { 'domain.xml': run.domainXml, ...run.keys.files },
      timeoutMs: tool.timeoutMs,
      settleMs: SETTLE,
      onStdout: (chunk) => log.write(chunk),
      onStderr: (chunk) => {
        log.write(chunk);
        stderr.push(chunk);
      },
      onMessages: (chunk) => messages.push(chunk),
    });
    messages.end();
    stderr.end();
    if (end.ended === 'timeout') throw timedOut(tool, logFile.name);
    if (end.ended === 'unsettled') throw neverSettled(logFile.name);
    if (end.status !== 0)
      throw failureOf({ command: tool.command, status: end.status, errors, log: logFile.name });
    return findings.findings();
  } finally {
    await log.close();
  }
}
