// Jest's setup file of a run under a clock that is ahead: specs must not depend on the day on which they run.
// LEDGERLIFT_CLOCK_AHEAD_DAYS: how many days. Only this process sees that clock, no peer that a spec starts.
const aheadMs = Number(process.env.LEDGERLIFT_CLOCK_AHEAD_DAYS) * 86_400_000;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + aheadMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + aheadMs;
  }
};
