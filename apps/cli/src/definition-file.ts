import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { LedgerliftError, bestIssue } from '@ledgerlift/contracts';
import { LineCounter, parseAllDocuments } from 'yaml';
import type { z } from 'zod';

/** A YAML file is not a valid definition; the message names the field and the problem. */
export class BadDefinition extends LedgerliftError {
  readonly code = 'LL-CLI-003';
  constructor(file: string, reason: string, field?: string) {
    super(`${file}: ${reason}`, field === undefined ? undefined : { field });
  }
}

/** The name for the standard input, as elsewhere. Its file cannot be opened in a container, where it may belong to another user. */
const STANDARD_INPUT = '-';

/**
 * Reads the YAML documents of a file, or of the standard input if it is `-`, and checks each against the API's schema, so that mistakes are reported with their
 * line before anything is sent.
 *
 * @returns the documents as written (the planner fills in defaults)
 * @throws BadDefinition
 */
export async function readDefinitions(file: string, schema: z.ZodType): Promise<readonly unknown[]> {
  const reading = file === STANDARD_INPUT ? textOf(process.stdin) : readFile(file, 'utf8');
  const text = await reading.catch((error: unknown) => {
    throw new BadDefinition(
      file,
      `cannot be read (${error instanceof Error ? error.message : String(error)})`,
    );
  });
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
  if (!Array.isArray(documents) || documents.length === 0)
    throw new BadDefinition(file, 'contains no YAML document');
  return documents.map((document) => {
    const [broken] = document.errors;
    if (broken !== undefined) throw new BadDefinition(file, broken.message);
    const value = valueOf(document, file);
    const parsed = schema.safeParse(value);
    if (parsed.success) return value;
    const issue = bestIssue(parsed.error);
    const path = issue?.path ?? [];
    const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
    const offset = hasRange(node) ? node.range[0] : undefined;
    const place = offset === undefined ? '' : ` (line ${lines.linePos(offset).line})`;
    const field = path.join('.');
    throw new BadDefinition(
      file,
      `${field || 'the document'}${place}: ${issue?.message ?? 'is not valid'}`,
      field,
    );
  });
}

/** Limits aliases, because a few lines could otherwise expand to gigabytes. @throws BadDefinition */
function valueOf(document: { toJS(options: { maxAliasCount: number }): unknown }, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new BadDefinition(file, error instanceof Error ? error.message : String(error));
  }
}

const hasRange = (node: unknown): node is { readonly range: readonly [number, number, number] } =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
