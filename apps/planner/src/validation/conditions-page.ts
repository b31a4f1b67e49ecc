import { allConditionTypes } from './condition-types.js';

/** The reference page of every condition, as Markdown. */
export function conditionsPage(): string {
  const rows = Object.entries(allConditionTypes()).map(([type, { category, when, wayOut }]) => [
    `\`${type}\``,
    category,
    when,
    wayOut,
  ]);
  return [
    '# Conditions of a plan',
    '',
    '<!-- Made by scripts/generate-documents.mjs from apps/planner/src/validation/condition-types.ts, libs/providers/src/*/plan and libs/targets. -->',
    '',
    'What validation can find. A plan against which a **Critical** condition stands does not start, and the refusal',
    '(`LL-PLN-104`) lists its conditions. **Warn** goes on, but look at it; **Advisory** is good to know.',
    '',
    ...table(['condition', 'category', 'raised when', 'what to do'], rows),
    '',
  ].join('\n');
}

/** With columns as wide as their widest cell, which is how the formatter leaves it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), title.length),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
