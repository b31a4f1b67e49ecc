import type { LabFault } from '../wire.js';

/** Rules that a campaign set: each is for so many requests, and then gone. */
export class Faults {
  #rules: { readonly fault: LabFault; readonly pattern: RegExp; skip: number; left: number }[] = [];

  add(fault: LabFault): void {
    this.#rules.push({ fault, pattern: new RegExp(fault.match), skip: fault.after, left: fault.times });
  }

  clear(): void {
    this.#rules = [];
  }

  get pending(): readonly LabFault[] {
    return this.#rules.map(({ fault }) => fault);
  }

  /** The first rule that matches, used up by one. @param request as `METHOD /path?query` */
  take(request: string): LabFault | undefined {
    for (const rule of this.#rules) {
      if (!rule.pattern.test(request)) continue;
      if (rule.skip > 0) {
        rule.skip--;
        continue;
      }
      rule.left--;
      if (rule.left === 0) this.#rules = this.#rules.filter((each) => each !== rule);
      return rule.fault;
    }
    return undefined;
  }
}
