import { BadOva } from './errors.js';

/** Names that tools write instead of the programmatic units of DSP0004. Those tools mean powers of two. */
const named: Readonly<Record<string, number>> = {
  kilobyte: 2 ** 10,
  megabyte: 2 ** 20,
  gigabyte: 2 ** 30,
  terabyte: 2 ** 40,
  ...Object.fromEntries(
    ['k', 'm', 'g', 't'].flatMap((letter, index) =>
      [`${letter}b`, `${letter}ib`, letter].map((name) => [name, 2 ** (10 * (index + 1))]),
    ),
  ),
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
/** Singular, alone and without a factor: DSP0004 says decimal, as in `megabyte`. Only the plural is an old name. */
const decimal = /^(kilo|mega|giga|tera)byte$/;

/**
 * Returns the bytes in one unit, written as a programmatic unit of DSP0004 (`byte * 2^20`, `byte*10^9`, `kibibyte`) or as tools
 * write it: `MegaBytes`, `GB`, `MiB`, `bytes * 2^20`, `byte * 2 ^ 20`, `byte x 2^20`.
 *
 * @throws BadOva naming the field
 */
export function bytesPerUnit(unit: string, field: string): number {
  const words = unit.trim().toLowerCase().replace(/\s+/g, ' ');
  if (words === '') return 1;
  const singular = words.replace(/(byte|bit)s\b/, '$1');
  const known = decimal.test(words) ? undefined : named[singular];
  if (known !== undefined) return known;
  const [base = '', ...factors] = singular.split(/ ?(?:\*| x ) ?/).map((word) => word.trim());
  const prefix = /^([a-z]*?)(byte|bit)$/.exec(base);
  const scale = prefix === null ? undefined : prefixes[prefix[1] ?? ''];
  if (scale === undefined) throw bad(unit, field);
  const start = prefix?.[2] === 'bit' ? scale / 8 : scale;
  return factors.reduce((value, factor) => value * factorOf(factor, unit, field), start);
}

function factorOf(factor: string, unit: string, field: string): number {
  const power = /^(\d{1,6})(?: ?\^ ?(\d{1,3}))?$/.exec(factor);
  if (power === null) throw bad(unit, field);
  return Number(power[1]) ** Number(power[2] ?? 1);
}

/**
 * Converts an amount in a unit to whole bytes, rounded up. Accepts fractions such as `0.5` GiB.
 *
 * @returns undefined if the text is not an amount, or is larger than any machine
 */
export function bytesOf(text: string, unit: number): number | undefined {
  const amount = text.trim();
  if (!/^-?\d{1,18}(\.\d{1,18})?$/.test(amount)) return undefined;
  const bytes = Math.ceil(Number(amount) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const bad = (unit: string, field: string): BadOva =>
  new BadOva(
    'badUnit',
    `'${unit.slice(0, 100)}' is no allocation unit; write one of DSP0004, such as 'byte * 2^30'`,
    field,
  );
