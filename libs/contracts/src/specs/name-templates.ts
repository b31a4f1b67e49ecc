import { z } from 'zod';

/** What `{...}` may stand for in each template of a name. Those that count come from 0. */
export const namePlaceholders = {
  claim: ['vm', 'target', 'plan', 'id', 'disk'],
  volume: ['claim', 'disk'],
  network: ['network', 'namespace', 'type', 'nic'],
} as const;
export type NameKind = keyof typeof namePlaceholders;

/** Of the text outside of placeholders: names are cut to make room, and something of them must be left. */
const MOST_TEXT = 40;

/** What tells two names of one VM apart, wherever the other placeholders come from. */
const COUNTERS = { claim: 'disk', volume: 'disk', network: 'nic' } as const;

/** A name with placeholders such as `{target}-disk-{disk}`: see ADR 26. */
const nameTemplate = (kind: NameKind) =>
  z
    .string()
    .min(1)
    .max(200)
    .superRefine((template, context) => {
      const fault = faultOf(kind, template);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    });

export const ClaimNameTemplate = nameTemplate('claim');
export const VolumeNameTemplate = nameTemplate('volume');
export const NetworkNameTemplate = nameTemplate('network');

function faultOf(kind: NameKind, template: string): string | undefined {
  const known: readonly string[] = namePlaceholders[kind];
  const listed = known.map((name) => `{${name}}`).join(', ');
  if (template.includes('{{'))
    return `must be written with the placeholders ${listed}; {{...}} is Forklift's way, and names are cut to fit without trunc`;
  const used = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  const unknown = used.find((name) => !known.includes(name));
  if (unknown !== undefined) return `has the placeholder {${unknown}}; there are ${listed}`;
  const twice = used.find((name, index) => used.indexOf(name) !== index);
  if (twice !== undefined) return `has {${twice}} twice`;
  const text = template.replace(/\{[^{}]*\}/g, '');
  if (!/^[-a-z0-9]*$/.test(text))
    return 'must have lower case letters, digits and - only, besides its placeholders';
  if (text.length > MOST_TEXT)
    return `must have at most ${MOST_TEXT} characters besides its placeholders: it has ${text.length}`;
  if (/^-|-$/.test(template)) return 'must begin and end with a letter, a digit or a placeholder';
  // All claims of a VM have different names already.
  if (kind === 'volume' && used.includes('claim') && !used.includes('disk')) return undefined;
  // Set apart from digits and other names, it cannot be read as a part of them: what comes of it is no other's name.
  const counter = `{${COUNTERS[kind]}}`;
  const isApart = template.startsWith(counter)
    ? /^([-a-z]|$)/.test(template.slice(counter.length))
    : template.endsWith(counter) && /[-a-z]$/.test(template.slice(0, -counter.length));
  return isApart
    ? undefined
    : `must begin or end with ${counter}, with a letter or - beside it, such as \`${EXAMPLES[kind]}\``;
}

const EXAMPLES = {
  claim: '{target}-disk-{disk}',
  volume: '{claim}-{disk}',
  network: '{network}-{nic}',
} as const;
