import type { MigrationView } from '@ledgerlift/contracts';
import { table } from './table.js';

/** The plan's own hooks of a migration, one a line, and how those that wait for somebody are answered. */
export function hookLines({ id, hooks }: Pick<MigrationView, 'id' | 'hooks'>): string {
  if (hooks.length === 0) return '';
  const rows = hooks.map(({ index, name, at, state, kind, waitingFor, error, said }) => ({
    hook: String(index),
    name,
    at,
    state,
    by: kind,
    says:
      waitingFor ??
      (error === undefined ? (said ?? '').trim().split('\n').at(-1) : `${error.code} ${error.message}`) ??
      '',
  }));
  const open = hooks.flatMap((hook) => todo(id, hook));
  return [table(rows, ['hook', 'name', 'at', 'state', 'by', 'says']), ...open].join('\n');
}

function todo(id: string, { index, name, kind, state }: MigrationView['hooks'][number]): readonly string[] {
  if (kind === 'event' && state === 'running') return [`ledgerlift answer-hook ${id}/${index} ${name}`];
  return state === 'failed' || state === 'held' ? [`ledgerlift retry ${id}/${index}`] : [];
}
