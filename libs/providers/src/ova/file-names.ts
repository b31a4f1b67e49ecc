import { BadOva } from './errors.js';

/**
 * Names under which a file may lie that an `href` refers to, the likeliest first. An href is a URI (DSP0243, References): it is
 * decoded once. Tools that know nothing of URIs write the name itself, which may hold a `%`.
 *
 * @throws BadOva for a URL, and where one of the names leads out of the package
 */
export function namesOf(href: string, field: string): readonly string[] {
  if (href === '') throw new BadOva('badOvf', 'a file reference has no href', field);
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) {
    throw new BadOva('unsupported', `'${href.slice(0, 200)}' is a URL; put the file beside the OVF`, field);
  }
  const names = new Set([decoded(href), href].map((name) => name.replace(/^(\.\/)+/, '')));
  for (const name of names) checkName(name, field);
  return [...names];
}

/** @throws BadOva */
export function checkName(name: string, field: string): void {
  const parts = name.split(/[\\/]/);
  if (name.startsWith('/') || name.includes('\0') || parts.includes('..')) {
    throw new BadOva('unsafePath', `'${name.slice(0, 200)}' leads out of the package`, field);
  }
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}

/** One name, however an `ü` is put together: macOS takes it apart, and others do not. */
export const sameName = (name: string): string => name.normalize('NFC');

/** What macOS puts beside a file to keep its attributes: never a descriptor or disk (AppleDouble). */
export const isOfMacOs = (name: string): boolean =>
  name.split('/').some((part) => part.startsWith('._') || part === '__MACOSX');
