import { BadOva } from './errors.js';

/** Names that older tools write in place of the programmatic units of DSP0004. */
const named: Readonly<Record<string, number>> = {
  bytes: 1,
  kilobytes: 2 ** 10,
  megabytes: 2 ** 20,
  gigabytes: 2 ** 30,
  terabytes: 2 ** 40,
  kb: 2 ** 10,
  mb: 2 ** 20,
  gb: 2 ** 30,
  tb: 2 ** 40,
};
/** Prefixes of DSP0004, decimal and binary. */
const prefixes: Readonly<Record<string, number>> = {
  '': 1,
  kilo: 1e3,
  mega: 1e6,
  giga: 1e9,
  tera: 1e12,
  kibi: 2 ** 10,
  mebi: 2 ** 20,
  gibi: 2 ** 30,
  tebi: 2 ** 40,
};

/**
 * Bytes in one unit, as the programmatic units of DSP0004 say it (`byte * 2^20`, `byte*10^9`, `kibibyte`), or as older
 * tools do (`MegaBytes`, `GB`).
 *
 * @throws BadOva naming the field
 */
export function bytesPerUnit(unit: string, field: string): number {
  const words = unit.trim().toLowerCase();
  if (words === '') return 1;
  const known = named[words];
  if (known !== undefined) return known;
  const [base = '', ...factors] = words.split('*').map((word) => word.trim());
  const prefix = /^([a-z]*?)(byte|bit)$/.exec(base);
  const scale = prefix === null ? undefined : prefixes[prefix[1] ?? ''];
  if (scale === undefined) throw bad(unit, field);
  const start = prefix?.[2] === 'bit' ? scale / 8 : scale;
  return factors.reduce((value, factor) => value * factorOf(factor, unit, field), start);
}

function factorOf(factor: string, unit: string, field: string): number {
  const power = /^(\d{1,6})(?:\^(\d{1,3}))?$/.exec(factor);
  if (power === null) throw bad(unit, field);
  return Number(power[1]) ** Number(power[2] ?? 1);
}

const bad = (unit: string, field: string): BadOva =>
  new BadOva(
    'badUnit',
    `'${unit.slice(0, 100)}' is no allocation unit; write one of DSP0004, such as 'byte * 2^30'`,
    field,
  );
