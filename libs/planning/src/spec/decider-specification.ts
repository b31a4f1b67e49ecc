import { expect } from '@jest/globals';
import type { DomainEvent } from '@ledgerlift/contracts';

/** given(...events).when(command).then(...events) for a decider of the catalog. */
export const specificationOf =
  <C, S>(
    decide: (command: C, state: S | undefined) => readonly DomainEvent[],
    evolve: (state: S | undefined, event: DomainEvent, time: string) => S | undefined,
  ) =>
  (...history: readonly DomainEvent[]) => {
    const fold = (): S | undefined =>
      history.reduce<S | undefined>(
        (state, event) => evolve(state, event, '2026-11-23T12:00:00.000Z'),
        undefined,
      );
    return {
      when: (command: C) => ({
        then: (...expected: readonly DomainEvent[]): void => {
          expect(decide(command, fold())).toEqual(expected);
        },
        isRefused: (reason: RegExp): void => {
          expect(() => decide(command, fold())).toThrow(reason);
        },
      }),
      becomes: (expected: object): void => {
        expect(fold()).toMatchObject(expected);
      },
    };
  };
