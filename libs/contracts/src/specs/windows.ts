import { z } from 'zod';

const ClockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:30');
const TimeZone = z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin');

export const Weekday = z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']);
export type Weekday = z.infer<typeof Weekday>;

/** A time of the week in which something may happen. Where `to` is not after `from`, it ends on the next day. */
export const MaintenanceWindow = z.strictObject({
  /** Days on which it begins. */
  days: z
    .array(Weekday)
    .min(1)
    .default([...Weekday.options]),
  from: ClockTime,
  to: ClockTime,
  timeZone: TimeZone.default('UTC'),
});
export type MaintenanceWindow = z.infer<typeof MaintenanceWindow>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
