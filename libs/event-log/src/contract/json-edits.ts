/** A changed JSON text, and the change. */
export interface JsonEdit {
  readonly how: string;
  readonly text: string;
  /** `spelling`: `JSON.parse`, or another parser, may give the same value for both texts. */
  readonly changes: 'spelling' | 'meaning';
}

interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\]:,]/gu;

/**
 * Every single edit of a JSON text without white space: at each token, each member and each object. Systematic rather than
 * random, so that none is missed.
 */
export function* jsonEdits(text: string): Iterable<JsonEdit> {
  const tokens = [...text.matchAll(TOKEN)].map((match): Token => {
    return { start: match.index, end: match.index + match[0].length, text: match[0] };
  });
  for (const token of tokens) yield* editsOf(text, token);
  for (const [index, token] of tokens.entries())
    if (token.text === '{') yield* editsOfObject(text, tokens, index);
  for (const [how, changed] of [
    ['a byte order mark before', `\uFEFF${text}`],
    ['a NUL after', `${text}\0`],
    ['another value after', `${text}{}`],
    ['nothing', ''],
    ['an array around it', `[${text}]`],
    ['null instead', 'null'],
  ] as const)
    yield { how, text: changed, changes: 'meaning' };
}

function* editsOf(text: string, { start, end, text: token }: Token): Iterable<JsonEdit> {
  const at = `at ${start}`;
  const instead = (by: string): string => text.slice(0, start) + by + text.slice(end);
  for (const space of [' ', '\n', '\t', '\r'])
    yield {
      how: `${JSON.stringify(space)} before ${token} ${at}`,
      text: instead(space + token),
      changes: 'spelling',
    };
  yield { how: `a space after ${token} ${at}`, text: instead(`${token} `), changes: 'spelling' };
  yield { how: `cut off before ${token} ${at}`, text: text.slice(0, start), changes: 'meaning' };
  yield { how: `${token} ${at} removed`, text: instead(''), changes: 'meaning' };
  for (const by of spellings(token))
    yield { how: `${by} for ${token} ${at}`, text: instead(by), changes: 'spelling' };
  for (const by of others(token))
    yield { how: `${by} for ${token} ${at}`, text: instead(by), changes: 'meaning' };
}

/** Other ways to write the same token. */
function spellings(token: string): readonly string[] {
  if (token.startsWith('"')) {
    const value = JSON.parse(token) as string;
    const escaped = [...value].map((_, n, all) => {
      const parts = all.map((each, at) => (at === n ? units(each) : JSON.stringify(each).slice(1, -1)));
      return `"${parts.join('')}"`;
    });
    return [...escaped, ...(value.includes('/') ? [token.replace('/', '\\/')] : [])];
  }
  if (!/^-?\d/.test(token)) return [];
  if (/[.e]/i.test(token)) return [`${token.replace(/e.*/i, '')}0${/e.*/i.exec(token)?.[0] ?? ''}`];
  return [
    `${token}.0`,
    `${token}e0`,
    `${token}E+0`,
    `${token}.${'0'.repeat(30)}1`,
    ...(token === '0' ? ['-0'] : []),
  ];
}

function others(token: string): readonly string[] {
  if (token.startsWith('"')) return [`"${token.slice(1, -1)} "`, '"\\ud800"', `"\u0000"`, 'null'];
  if (/^-?\d/.test(token)) return [`${token}1`, `-${token}`, '9007199254740993', '1e999', 'null'];
  if (token === 'true' || token === 'false' || token === 'null')
    return ['true', 'false', '0'].filter((by) => by !== token);
  return [];
}

const units = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, n) => `\\u${text.charCodeAt(n).toString(16).padStart(4, '0')}`,
  ).join('');

/** Members doubled, added, removed and moved. */
function* editsOfObject(text: string, tokens: readonly Token[], open: number): Iterable<JsonEdit> {
  const [members, close] = membersOf(text, tokens, open);
  const [head, tail] = [text.slice(0, tokens[open]?.end), text.slice(tokens[close]?.start)];
  const at = `of the object at ${tokens[open]?.start ?? 0}`;
  const build = (changed: readonly string[]): string => head + changed.join(',') + tail;
  for (const key of ['""', '"0"', '"__proto__"', '"data"', '"hash"', '"position"', '"zzz"'])
    for (const [where, changed] of [
      ['first', [`${key}:{"number":99}`, ...members]],
      ['last', [...members, `${key}:{"number":99}`]],
    ] as const)
      yield { how: `${key} as ${where} member ${at}`, text: build(changed), changes: 'meaning' };
  for (const [n, member] of members.entries()) {
    const key = /^"(?:[^"\\]|\\.)*"/.exec(member)?.[0] ?? '';
    const forged = `${key}:"forged"`;
    // Readers differ on duplicate members: JSON.parse takes the last, SQLite the first.
    yield {
      how: `${key} forged before ${at}`,
      text: build(members.toSpliced(n, 0, forged)),
      changes: 'spelling',
    };
    yield {
      how: `${key} forged after ${at}`,
      text: build(members.toSpliced(n + 1, 0, forged)),
      changes: 'spelling',
    };
    yield { how: `${key} twice ${at}`, text: build(members.toSpliced(n, 0, member)), changes: 'spelling' };
    yield { how: `${key} removed ${at}`, text: build(members.toSpliced(n, 1)), changes: 'meaning' };
    const rest = members.toSpliced(n, 1);
    if (n > 0) yield { how: `${key} first ${at}`, text: build([member, ...rest]), changes: 'spelling' };
    if (n < members.length - 1)
      yield { how: `${key} last ${at}`, text: build([...rest, member]), changes: 'spelling' };
  }
}

/** @returns the texts of the members, and the index of the closing brace */
function membersOf(
  text: string,
  tokens: readonly Token[],
  open: number,
): readonly [readonly string[], number] {
  const members: string[] = [];
  let depth = 0;
  let from = tokens[open]?.end ?? 0;
  for (let index = open; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token === undefined) break;
    if ('{['.includes(token.text)) depth += 1;
    if ('}]'.includes(token.text)) depth -= 1;
    const isEnd = depth === 0;
    if (!isEnd && !(depth === 1 && token.text === ',')) continue;
    if (token.start > from) members.push(text.slice(from, token.start));
    from = token.end;
    if (isEnd) return [members, index];
  }
  return [members, tokens.length - 1];
}
