import { describe, expect, it } from '@jest/globals';
import { Instance, Machine, describeState, isAgentConnected, stateOf } from './state.js';

const metadata = { name: 'web', uid: 'u', resourceVersion: '1' };
const vm = (runStrategy: string, status: object = {}): Machine =>
  Machine.parse({ metadata, spec: { runStrategy }, status });
const instance = (status: object = {}, more: object = {}): Instance =>
  Instance.parse({ metadata: { ...metadata, ...more }, status });
const condition = (type: string, status: 'True' | 'False', message = ''): object => ({
  type,
  status,
  message,
});

describe('the state of a VM', () => {
  it.each<[string, Machine, Instance | undefined, string]>([
    ['halted', vm('Halted'), undefined, 'halted'],
    ['by the older field', Machine.parse({ metadata, spec: { running: false } }), undefined, 'halted'],
    [
      'to run by the older field',
      Machine.parse({ metadata, spec: { running: true } }),
      undefined,
      'starting',
    ],
    ['halted, and still there', vm('Halted'), instance({ phase: 'Running' }), 'stopping'],
    ['halted, and its end still there', vm('Halted'), instance({ phase: 'Failed' }), 'stopping'],
    ['told to run', vm('Always'), undefined, 'starting'],
    ['new', vm('Always'), instance(), 'starting'],
    ['scheduled', vm('Always'), instance({ phase: 'Scheduled' }), 'starting'],
    ['running', vm('Always'), instance({ phase: 'Running' }), 'running'],
    [
      'not paused',
      vm('Always'),
      instance({ phase: 'Running', conditions: [condition('Paused', 'False')] }),
      'running',
    ],
    [
      'paused',
      vm('Always'),
      instance({ phase: 'Running', conditions: [condition('Paused', 'True')] }),
      'paused',
    ],
    [
      'being restarted',
      vm('Always'),
      instance({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      'stopping',
    ],
    ['shut down by its guest', vm('Always'), instance({ phase: 'Succeeded' }), 'stopping'],
    ['crashed', vm('Always'), instance({ phase: 'Failed' }), 'failed: Failed'],
    [
      'crashing',
      vm('Always', { printableStatus: 'CrashLoopBackOff' }),
      undefined,
      'failed: CrashLoopBackOff',
    ],
    [
      'without a claim',
      vm('Always', {
        printableStatus: 'ErrorPvcNotFound',
        conditions: [condition('Failure', 'True', 'PVC vms/web-0 does not exist')],
      }),
      undefined,
      'failed: ErrorPvcNotFound (PVC vms/web-0 does not exist)',
    ],
    [
      'nowhere to run',
      vm('Always', {
        printableStatus: 'ErrorUnschedulable',
        conditions: [condition('Ready', 'False', 'Guest VM is not reported as running')],
      }),
      instance({
        phase: 'Scheduling',
        conditions: [condition('PodScheduled', 'False', '0/3 nodes are available')],
      }),
      'failed: ErrorUnschedulable (0/3 nodes are available)',
    ],
    [
      'running, whatever was said before',
      vm('Always', { printableStatus: 'ErrorUnschedulable' }),
      instance({ phase: 'Running' }),
      'running',
    ],
  ])('is told: %s', (_, machine, its, state) => {
    expect(describeState(stateOf(machine, its))).toBe(state);
  });
});

describe('the agent of a guest', () => {
  it.each([
    [undefined, false],
    [instance({ phase: 'Running' }), false],
    [instance({ conditions: [condition('AgentConnected', 'False')] }), false],
    [instance({ conditions: [condition('AgentConnected', 'True')] }), true],
  ])('is there when the instance says so (%#)', (its, wanted) => {
    expect(isAgentConnected(its)).toBe(wanted);
  });
});
