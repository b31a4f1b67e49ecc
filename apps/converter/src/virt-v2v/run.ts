import { runHeld, type HeldRun } from '../holder/index.js';
import type { ConverterSettings } from '../config.js';
import { BoundedLog } from './bounded-log.js';
import { failureOf, neverSettled, timedOut } from './failure.js';
import { type Findings, FindingsReader } from './findings.js';
import { Lines, parseMessage, type V2vMessage } from './messages.js';

export interface V2vRun extends Pick<HeldRun, 'record' | 'scratch' | 'owner' | 'signal'> {
  readonly settings: ConverterSettings;
  /** The domain, as libvirt has it; virt-v2v changes the disks that it names. */
  readonly domainXml: string;
  /** A device, or `first`. */
  readonly root: string;
  readonly log: { readonly path: string; readonly name: string };
  /** Begins the log of this attempt. */
  readonly title: string;
  readonly onMessage: (message: V2vMessage) => void;
}

/** qemu-nbd flushes when it is told to end: as long as storage may take to sync what a conversion wrote. */
const SETTLE = 120_000;

/**
 * Runs virt-v2v-in-place over the disks that the domain names. When it returns or throws, nothing of it runs any more.
 * @throws ConversionFailed, ConverterMissing, the signal's reason, LeftoverAlive
 */
export async function runVirtV2v(run: V2vRun): Promise<Findings> {
  const { settings, log: logFile } = run;
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
        settings.command,
        '-v',
        ...(settings.trace === 'on' ? ['-x'] : []),
        '--machine-readable=fd:3',
        '-i',
        'libvirtxml',
        'domain.xml',
        '--root',
        run.root,
      ],
      env: { ...settings.childEnv, TMPDIR: run.scratch },
      files: { 'domain.xml': run.domainXml },
      timeoutMs: settings.timeoutMs,
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
    if (end.ended === 'timeout') throw timedOut(settings.timeoutMs, logFile.name);
    if (end.ended === 'unsettled') throw neverSettled(logFile.name);
    if (end.status !== 0)
      throw failureOf({ command: settings.command, status: end.status, errors, log: logFile.name });
    return findings.findings();
  } finally {
    await log.close();
  }
}
