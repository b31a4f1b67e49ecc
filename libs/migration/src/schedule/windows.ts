import { type MaintenanceWindow, Weekday } from '@ledgerlift/contracts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Whether one of the windows is open. No windows means always. */
export const isOpen = (windows: readonly MaintenanceWindow[], at: Date): boolean =>
  windows.length === 0 || windows.some((window) => isWindowOpen(window, at));

/**
 * The first instant from `at` on at which one of the windows is open. With daylight saving time, a window that would begin in
 * the skipped hour begins at its end, and one in the repeated hour is open twice.
 *
 * @returns `at` if a window is open already
 */
export function nextOpening(windows: readonly MaintenanceWindow[], at: Date): Date {
  if (isOpen(windows, at)) return at;
  const openings = windows.map((window) => openingOf(window, at));
  return openings.reduce((first, each) => (each < first ? each : first));
}

function openingOf(window: MaintenanceWindow, at: Date): Date {
  // A week holds each weekday. The day before covers windows that begin late and are cut by a clock change.
  const candidates = Array.from({ length: 10 }, (_, day) => beginsOn(window, at, day - 1)).flat();
  const found = candidates
    .filter((each) => each > at && isWindowOpen(window, each))
    .reduce<Date | undefined>(
      (first, each) => (first === undefined || each < first ? each : first),
      undefined,
    );
  if (found === undefined) throw new RangeError(`a window from ${window.from} never opens`);
  return firstOpen(window, at, found);
}

/** The instants, `day` days after `at`, at which local time is the window's start; none on other weekdays. */
function beginsOn(window: MaintenanceWindow, at: Date, day: number): readonly Date[] {
  const { timeZone } = window;
  const local = clockAt(timeZone, new Date(at.getTime() + day * DAY));
  if (!window.days.includes(local.weekday)) return [];
  const shown = Date.UTC(local.year, local.month - 1, local.day) + minutesOf(window.from) * MINUTE;
  const offsets = new Set([-DAY, DAY].map((shift) => offsetAt(timeZone, new Date(shown + shift))));
  return [...offsets].map((offset) => new Date(shown - offset));
}

/** If the hour of the window's start is skipped, the window opens before `open`: finds that instant. */
function firstOpen(window: MaintenanceWindow, at: Date, open: Date): Date {
  let [closed, reached] = [Math.max(at.getTime(), open.getTime() - 3 * HOUR), open.getTime()];
  if (isWindowOpen(window, new Date(closed)) || !isWindowOpen(window, new Date(reached - 1))) return open;
  while (reached - closed > 1) {
    const middle = Math.floor((closed + reached) / 2);
    if (isWindowOpen(window, new Date(middle))) reached = middle;
    else closed = middle;
  }
  return new Date(reached);
}

function isWindowOpen({ days, from, to, timeZone }: MaintenanceWindow, at: Date): boolean {
  const { weekday, minute } = clockAt(timeZone, at);
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  if (begin < end) return days.includes(weekday) && minute >= begin && minute < end;
  return (days.includes(weekday) && minute >= begin) || (days.includes(dayBefore(weekday)) && minute < end);
}

const dayBefore = (weekday: Weekday): Weekday =>
  Weekday.options[(Weekday.options.indexOf(weekday) + 6) % 7] ?? weekday;

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

interface Clock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: Weekday;
  /** Minute of the day. */
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Local time in the time zone. */
function clockAt(timeZone: string, at: Date): Clock {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      weekday: 'long',
      hour: 'numeric',
      minute: 'numeric',
    });
  formats.set(timeZone, format);
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const number = (name: string): number => Number(parts[name]);
  return {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    weekday: Weekday.parse((parts['weekday'] ?? '').toLowerCase()),
    minute: number('hour') * 60 + number('minute'),
  };
}

/** How far the time zone is ahead of UTC, in milliseconds. */
function offsetAt(timeZone: string, at: Date): number {
  const { year, month, day, minute } = clockAt(timeZone, at);
  const shown = Date.UTC(year, month - 1, day) + minute * MINUTE;
  return shown - Math.floor(at.getTime() / MINUTE) * MINUTE;
}
