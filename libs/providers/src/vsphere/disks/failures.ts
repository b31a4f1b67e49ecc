import {
  VsphereDiskCertificateRefused,
  VsphereDiskDenied,
  VsphereDiskFileMissing,
  VsphereDiskLoginRefused,
  VsphereDiskReadFailed,
} from './errors.js';

/** The read that failed. */
export interface Reading {
  readonly disk: string;
  readonly file: string;
  /** Such as `VDDK`. */
  readonly way: string;
  readonly server: string;
  readonly secret: string;
  /** The privilege that this way of reading needs. */
  readonly privilege: string;
}

/**
 * Turns an nbdkit log into an error. VDDK and curl report their errors only as text.
 *
 * @param ended how the process exited; undefined while it runs
 */
export function failureIn(log: string, ended: string | undefined, reading: Reading): Error {
  const { disk, file, way, server, secret, privilege } = reading;
  const reason = lastWords(log);
  if (/incorrect user name or password|cannot complete login|invalid login/i.test(reason))
    return new VsphereDiskLoginRefused(server, secret, reason);
  if (/thumbprint|SSL exception|SSL peer certificate|certificate/i.test(reason))
    return new VsphereDiskCertificateRefused(server, way, reason);
  if (/access rights|not have permission|access denied|error: 403/i.test(reason))
    return new VsphereDiskDenied(disk, privilege, reason);
  if (/file was not found|could not be found|cannot be found|cannot find|error: 404/i.test(reason))
    return new VsphereDiskFileMissing(disk, file, reason);
  const reasons = [ended, reason].filter((part) => part !== undefined && part !== '');
  return new VsphereDiskReadFailed(disk, way, reasons.join('; it said: ') || 'it said nothing');
}

const LINES = 4;
const LONGEST = 1000;

/** Returns the last errors of a log, or its last lines if it has none, without the names of their writers. */
function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => line.includes('error:'));
  return (errors.length > 0 ? errors : lines)
    .slice(-LINES)
    .map((line) =>
      line
        .replace(/^nbdkit: /, '')
        .replace(/^\w+\[\d+\]: (error: )?/, '')
        .trim(),
    )
    .filter((line, index, all) => all.indexOf(line) === index)
    .join('; ')
    .slice(-LONGEST);
}
