/** What stands in the log of a hook: no terminal sequences, and no more than fits. */

/** Control characters but line ends and tabs, and what makes text read otherwise than it is written. */
const UNPRINTABLE = /\u001b\[[0-9;?]*[ -/]*[@-~]|[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export const printable = (bytes: Buffer): string =>
  bytes.toString('utf8').toWellFormed().replaceAll(UNPRINTABLE, '');
