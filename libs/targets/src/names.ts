import { createHash } from 'node:crypto';

/** Longest RFC 1123 label: the limit of most names in Kubernetes. */
const LABEL_LENGTH = 63;

/**
 * A name as Kubernetes takes it: RFC 1123 label, at most 63 characters. The same input always gives the same
 * output, and what is a label already stays as it is. A name of which nothing is left becomes `vm-` and a digest.
 */
export function dns1123Label(name: string): string {
  const label = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, (run) => (/^-+$/.test(run) ? run : '-'))
    .replace(/^-+|-+$/g, '');
  if (label === '') return `vm-${shortDigest(name)}`;
  return label.length <= LABEL_LENGTH ? label : shortened(label, LABEL_LENGTH);
}

/** `{base}-{suffix}` as a label; where it is too long, the base is cut and gets a digest, so that it stays unique. */
export const suffixedLabel = (base: string, suffix: string): string => labelEndingIn(base, `-${suffix}`);

/** The same, with nothing put in between. */
export function labelEndingIn(base: string, end: string): string {
  const room = LABEL_LENGTH - end.length;
  return `${base.length <= room ? base : shortened(base, room)}${end}`;
}

function shortened(label: string, length: number): string {
  const digest = shortDigest(label);
  return `${label.slice(0, length - digest.length - 1).replace(/-+$/, '')}-${digest}`;
}

const shortDigest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);
