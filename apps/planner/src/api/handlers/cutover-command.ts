import type { CommandContext } from '../../log/event-writer.js';
import type { OperatorCommand } from '../../runs/run-service.js';

/** @param at RFC 3339; as soon as possible if left out */
export function cutoverCommand(
  { at, reason }: { readonly at?: string | undefined; readonly reason?: string | undefined },
  { actor }: CommandContext,
): Extract<OperatorCommand, { kind: 'cutover' }> {
  const now = new Date();
  return {
    kind: 'cutover',
    reason: reason ?? 'asked for over the API',
    by: actor.name,
    dueAt: at === undefined ? now : new Date(at),
    at: now,
  };
}

/** @param cutoverAt due time of the cutover to approve; whichever is scheduled if left out */
export function approveCutoverCommand(
  { cutoverAt, reason }: { readonly cutoverAt?: string | undefined; readonly reason?: string | undefined },
  { actor }: CommandContext,
): Extract<OperatorCommand, { kind: 'approve-cutover' }> {
  return {
    kind: 'approve-cutover',
    reason: reason ?? 'asked for over the API',
    by: actor.name,
    at: new Date(),
    ...(cutoverAt === undefined ? {} : { dueAt: new Date(cutoverAt) }),
  };
}
