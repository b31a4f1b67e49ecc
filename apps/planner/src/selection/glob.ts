/**
 * Whether a name matches a pattern in which `*` stands for any characters and `?` for one. In time that grows with the
 * product of both lengths at most: a regular expression made from `*a*a*a*b` would take ages.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const [wanted, given] = [[...pattern], [...name]];
  let [at, position] = [0, 0];
  // Where the last `*` stands, and up to where it has been stretched.
  let [star, stretched] = [-1, 0];
  while (position < given.length) {
    if (wanted[at] === '*') {
      [star, stretched] = [at, position];
      at += 1;
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[position])) {
      at += 1;
      position += 1;
    } else if (star >= 0) {
      stretched += 1;
      [at, position] = [star + 1, stretched];
    } else {
      return false;
    }
  }
  return wanted.slice(at).every((rest) => rest === '*');
}
