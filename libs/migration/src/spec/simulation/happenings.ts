import { MaintenanceWindow } from '@ledgerlift/contracts';

/** What can happen in a random history, and how often. */
export type Happening =
  | 'admit'
  | 'take-removal-slot'
  | 'claim'
  | 'stroke'
  | 'time'
  | 'guest'
  | 'fail'
  | 'lose'
  | 'late'
  | 'intruder'
  | 'host-failure'
  | 'pause'
  | 'resume'
  | 'cutover'
  | 'approve'
  | 'test-boot'
  | 'cancel'
  | 'retry'
  | 'rollback'
  | 'abandon'
  | 'withdraw'
  | 'clean-up'
  | 'delete-target';

export const usual: readonly (readonly [number, Happening])[] = [
  [8, 'admit'],
  [8, 'take-removal-slot'],
  [8, 'claim'],
  [24, 'stroke'],
  [6, 'time'],
  [6, 'guest'],
  [2, 'fail'],
  [2, 'lose'],
  [2, 'late'],
  [0.3, 'intruder'],
  [0.2, 'host-failure'],
  [0.6, 'pause'],
  [2, 'resume'],
  [1.5, 'cutover'],
  [1, 'approve'],
  [0.6, 'test-boot'],
  [0.15, 'cancel'],
  [2, 'retry'],
  [0.2, 'rollback'],
  [0.1, 'abandon'],
  [0.1, 'withdraw'],
  [0.3, 'clean-up'],
  [0.1, 'delete-target'],
];

/** The happenings that make a history wild. */
export const faults: ReadonlySet<Happening> = new Set(['fail', 'lose', 'intruder', 'cancel', 'host-failure']);

/** Twenty minutes of each hour, so that windows are often missed. */
export const everyHour = Array.from({ length: 24 }, (_, hour) => {
  const clock = String(hour).padStart(2, '0');
  return MaintenanceWindow.parse({ from: `${clock}:20`, to: `${clock}:40` });
});
