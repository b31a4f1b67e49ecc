import type { Finding } from '../../run/finding.js';
import { judgeApprovals } from './approvals.js';
import type { RulesFacts } from './facts.js';
import { judgeHooks } from './hooks.js';
import { judgeWindows } from './windows.js';

/** All that must hold about windows, approvals and hooks. */
export const judgeRules = (facts: RulesFacts): readonly Finding[] => [
  ...judgeWindows(facts),
  ...judgeApprovals(facts),
  ...judgeHooks(facts),
];
