import type { StepName } from '@ledgerlift/contracts';
import type { Attempt, StepHandler } from '@ledgerlift/worker';
import type { HookSettings } from '../config.js';
import { MissingResult } from '../errors.js';
import { runCommand } from './command.js';
import { HookUnavailable } from './errors.js';
import { callHttp } from './http.js';
import { environmentOf, payloadOf } from './payload.js';

const steps = ['PreHook', 'CutoverHook', 'PostHook', 'FailureHook'] as const;
type HookStep = (typeof steps)[number];

/** Runs a hook of a VM's migration once. The planner decides about retries. */
export function hookStep(settings: HookSettings): StepHandler {
  return async (attempt) => {
    const { step } = attempt.ref;
    const { hook } = attempt.job;
    if (!isHookStep(step) || hook === undefined) throw new MissingResult(`hook for ${step}`);
    attempt.progress([], `running the hook ${hook.name}`);
    const payload = payloadOf(attempt, hook);
    const { run } = hook;
    switch (run.kind) {
      case 'command':
        return {
          step,
          hook: hook.name,
          said: await runCommand({ ...hook, run }, payload, withMore(settings, attempt), attempt.signal),
        };
      case 'http':
        return {
          step,
          hook: hook.name,
          said: await callHttp({ ...hook, run }, payload, settings, attempt.signal),
        };
      case 'event':
        throw new HookUnavailable(hook.name, 'another system must answer it, not a worker');
    }
  };
}

const withMore = (settings: HookSettings, attempt: Attempt): HookSettings => ({
  ...settings,
  environment: { ...settings.environment, ...environmentOf(attempt) },
});

const isHookStep = (step: StepName): step is HookStep => steps.some((each) => each === step);
