import { describe, expect, it } from '@jest/globals';
import { Pod, stateOf } from './state.js';

const metadata = { name: 'web-1', uid: 'u', resourceVersion: '1' };
const pod = (status: object, more: object = {}): Pod =>
  Pod.parse({ metadata: { ...metadata, ...more }, status });
const waiting = (reason: string, message = '', lastState: object = {}): object => ({
  containerStatuses: [
    { name: 'transfer', state: { running: {} } },
    { name: 'converter', state: { waiting: { reason, message } }, lastState },
  ],
});
const ran = (startedAt: string, finishedAt: string): object => ({ terminated: { startedAt, finishedAt } });
const unscheduled = (message: string): object => ({
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
});
const prepared = 'its volumes are being attached and its images pulled';

describe('the state of a worker pod', () => {
  it.each<[string, Pod, ReturnType<typeof stateOf>]>([
    ['new', pod({}), { is: 'starting', why: prepared }],
    [
      'being made',
      pod({ phase: 'Pending', ...waiting('ContainerCreating') }),
      { is: 'starting', why: prepared },
    ],
    [
      'on no node',
      pod({ phase: 'Pending', ...unscheduled('0/3 nodes are available') }),
      { is: 'starting', why: 'no node can run it: 0/3 nodes are available' },
    ],
    [
      'on no node, without a word',
      pod({ phase: 'Pending', ...unscheduled('') }),
      { is: 'starting', why: 'no node can run it: Unschedulable' },
    ],
    [
      'without its image',
      pod({ phase: 'Pending', ...waiting('ImagePullBackOff', 'no such image') }),
      { is: 'starting', why: 'its container "converter" does not start: ImagePullBackOff: no such image' },
    ],
    [
      'running, but for one of its containers',
      pod({ phase: 'Running', ...waiting('CreateContainerConfigError') }),
      { is: 'starting', why: 'its container "converter" does not start: CreateContainerConfigError' },
    ],
    [
      'without an image that brings tools',
      pod({
        phase: 'Pending',
        initContainerStatuses: [{ name: 'tools-0', state: { waiting: { reason: 'ErrImagePull' } } }],
        ...waiting('PodInitializing'),
      }),
      { is: 'starting', why: 'its container "tools-0" does not start: ErrImagePull' },
    ],
    [
      'with a container that ends at once each time',
      pod({
        phase: 'Running',
        ...waiting('CrashLoopBackOff', 'back-off 10s', ran('2026-01-01T00:00:00Z', '2026-01-01T00:00:59Z')),
      }),
      { is: 'starting', why: 'its container "converter" does not start: CrashLoopBackOff: back-off 10s' },
    ],
    [
      'with a container whose last run is not known',
      pod({ phase: 'Running', ...waiting('CrashLoopBackOff') }),
      { is: 'starting', why: 'its container "converter" does not start: CrashLoopBackOff' },
    ],
    [
      'with a container that worked for a while and comes again',
      pod({
        phase: 'Running',
        ...waiting('CrashLoopBackOff', 'back-off 10s', ran('2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z')),
      }),
      { is: 'running' },
    ],
    ['running', pod({ phase: 'Running', ...waiting('') }), { is: 'running' }],
    ['evicted', pod({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' }), { is: 'over' }],
    ['ended', pod({ phase: 'Succeeded' }), { is: 'over' }],
    [
      'being ended',
      pod({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      { is: 'ending' },
    ],
    [
      'evicted, and being ended: its node may not have said so yet',
      pod({ phase: 'Failed' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      { is: 'ending' },
    ],
    ['on a node that says nothing', pod({ phase: 'Unknown' }), { is: 'starting', why: prepared }],
  ])('%s', (_, of, state) => {
    expect(stateOf(of)).toEqual(state);
  });
});
