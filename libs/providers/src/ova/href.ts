import { BadOva } from './errors.js';

/** A reference names a file of the package, by a path below it. @throws BadOva */
export function checkHref(href: string, field: string): void {
  if (href === '') throw new BadOva('badOvf', 'a file reference has no href', field);
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) {
    throw new BadOva('unsupported', `'${href.slice(0, 200)}' is a URL; put the file beside the OVF`, field);
  }
  for (const spelling of spellingsOf(href)) {
    const isInside = !/^[\\/]/.test(spelling) && !spelling.split(/[\\/]/).includes('..');
    if (!isInside || spelling.includes('\0'))
      throw new BadOva('unsafePath', `'${href.slice(0, 200)}' leads out of the package`, field);
  }
}

/** A reference as it stands, then as a URI has it: some exporters encode the spaces of a name, most do not. */
export function spellingsOf(href: string): readonly string[] {
  if (!href.includes('%')) return [href];
  try {
    return [...new Set([href, decodeURIComponent(href)])];
  } catch {
    return [href];
  }
}
