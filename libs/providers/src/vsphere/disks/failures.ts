import {
  VsphereDiskCertificateRefused,
  VsphereDiskDenied,
  VsphereDiskFileMissing,
  VsphereDiskLoginRefused,
  VsphereDiskReadFailed,
} from './errors.js';

/** What was read, and by whom, when something went wrong. */
export interface Reading {
  readonly disk: string;
  readonly file: string;
  /** Such as `VDDK`. */
  readonly way: string;
  readonly server: string;
  readonly secret: string;
  /** That lets a user read in this way. */
  readonly privilege: string;
}

/**
 * What a log of nbdkit means. VDDK's errors and curl's come as texts only.
 *
 * @param ended how the process ended; undefined while it runs
 */
export function failureIn(log: string, ended: string | undefined, reading: Reading): Error {
  const { disk, file, way, server, secret, privilege } = reading;
  const said = lastWords(log);
  if (/incorrect user name or password|cannot complete login|invalid login/i.test(said))
    return new VsphereDiskLoginRefused(server, secret, said);
  if (/thumbprint|SSL exception|SSL peer certificate|certificate/i.test(said))
    return new VsphereDiskCertificateRefused(server, way, said);
  if (/access rights|not have permission|access denied|error: 403/i.test(said))
    return new VsphereDiskDenied(disk, privilege, said);
  if (/file was not found|could not be found|cannot be found|cannot find|error: 404/i.test(said))
    return new VsphereDiskFileMissing(disk, file, said);
  const reasons = [ended, said].filter((part) => part !== undefined && part !== '');
  return new VsphereDiskReadFailed(disk, way, reasons.join('; it said: ') || 'it said nothing');
}

const LINES = 4;
const LONGEST = 1000;

/** The last errors of a log; the last lines where it has none. Without who wrote them. */
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
