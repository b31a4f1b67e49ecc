import { type FileSaid, type GuestFile, macOf, nameOf, said } from './reading.js';

/** Rules of udev that name NICs by their MAC, as `70-persistent-net.rules` has them. */
export function readUdevRules(file: GuestFile): FileSaid {
  const nics = file.text.split('\n').flatMap((line) => {
    if (line.trimStart().startsWith('#')) return [];
    const mac = macOf(/(?:ATTRS?|SYSFS)\{address\}=="([^"]+)"/.exec(line)?.[1]);
    const name = nameOf(/(?:^|[\s,])NAME:?="([^"]+)"/.exec(line)?.[1]);
    return mac === undefined || name === undefined ? [] : said('rule', file, name, mac);
  });
  return { nics };
}
