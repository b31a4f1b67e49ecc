/**
 * Rules of the deciders, and how each is broken: `rule` is a piece of `file` (below libs/migration/src) that is put out of
 * force by `broken`.
 */
export const mutants = [
  {
    name: 'a committed conversion voids checkpoints',
    file: 'vm/evolve-attempts.ts',
    rule: "data.step === 'ImageCommit' ? { ...begun, checkpoints: {} } : begun",
    broken: 'begun',
  },
  {
    name: 'overlays go before a pass writes',
    file: 'vm/requests.ts',
    rule: 'if (first !== undefined) return [first];',
    broken: '',
  },
  {
    name: 'the target is seen off before the source is started',
    file: 'vm/ending.ts',
    rule: "...(mustStop ? [endingStep(state, 'TargetPowerOff', 'vm-creator')] : []),",
    broken: '',
  },
  {
    name: 'a target that cannot be seen off keeps its source off',
    file: 'vm/evolve.ts',
    rule: "step !== 'TargetPowerOff' || (each.step !== 'SourcePowerOn' && each.step !== 'SourceRestoration')",
    broken: 'true',
  },
  {
    name: 'a source that was on is powered on after a failure',
    file: 'vm/ending.ts',
    rule: "...(isOffByUs ? [endingStep(state, 'SourcePowerOn', 'transfer')] : []),",
    broken: '',
  },
  {
    name: 'a source that ran meanwhile is read again',
    file: 'vm/resume-point.ts',
    rule: '  at: powerOffIndex(state),\n  round: isWarm',
    broken: '  round: isWarm',
  },
  {
    name: 'a superseded worker is refused',
    file: 'vm/attempts.ts',
    rule: 'if (current?.step === step && current.attempt === attempt) return current;',
    broken: 'if (current !== undefined) return current;',
  },
  {
    name: 'a paused VM asks for nothing',
    file: 'vm/attempts.ts',
    rule: 'return pauseOf(state) === undefined ? requestCurrentStep(state) : pauseNow(state);',
    broken:
      'return state.pause === undefined ? requestCurrentStep(state) : [...pauseNow(state), ...requestCurrentStep(state)];',
  },
  {
    name: 'snapshots are temporary after a failure',
    file: 'vm/policies.ts',
    rule: "if (resource.lifetime === 'resume') return 'a retry resumes from it';",
    broken: "if (resource.lifetime !== 'evidence') return 'a retry resumes from it';",
  },
  {
    name: 'a target that was let go is kept',
    file: 'vm/policies.ts',
    rule: "const isLetGo = target === 'allowed' &&",
    broken: 'const isLetGo = false &&',
  },
  {
    name: 'nothing writes over a target that was let go',
    file: 'vm/let-go.ts',
    rule: "targetStarts(state) === 'allowed' && state.itinerary",
    broken: 'false && state.itinerary',
  },
  {
    name: 'the window is looked at when a power-off is claimed',
    file: 'vm/attempts.ts',
    rule: "step === 'SourcePowerOff' ? deferredAtPowerOff(state, at, windows) : [];",
    broken: '[];',
  },
  {
    name: 'a power-off that nobody saw the end of is looked at outside the window',
    file: 'vm/power-off.ts',
    rule: "mayBeOff && refused !== undefined ? 'only-if-off' : undefined",
    broken: 'undefined',
  },
  {
    name: 'an end is an end',
    file: 'vm/operator.ts',
    rule: "    throw new CommandRefused('cancel', `the migration of the VM has ${state.phase} already`);",
    broken: "    return decideOutcome(state, 'canceled');",
  },
  {
    name: 'a resume leads a waiting VM back to its wait',
    file: 'vm/phases.ts',
    rule: "from.phase === 'waiting' ? toWaiting(state, from.powerOff, change) : toPlanned(state, change)",
    broken: 'toRunning(state, change)',
  },
  {
    name: 'a clean-up asks every service',
    file: 'vm/ending.ts',
    rule: "['vm-creator', 'converter', 'transfer']",
    broken: "['vm-creator', 'converter']",
  },
  {
    name: 'the cutover begins with the power-off',
    file: 'vm/evolve.ts',
    rule: "at: indexIn(state, 'cutover'),",
    broken: "at: indexIn(state, 'cutover', 'SnapshotRemoval'),",
  },
  {
    name: 'the disks of a host are limited',
    file: 'schedule/usage.ts',
    rule: 'disksIn(entry), limits.disksPerHost,',
    broken: 'disksIn(entry), undefined,',
  },
  {
    name: 'the disks of a datastore are limited',
    file: 'schedule/usage.ts',
    rule: 'count, limits.disksPerStorage,',
    broken: 'count, undefined,',
  },
  {
    name: 'a snapshot is removed in its slot',
    file: 'vm/removal-slot.ts',
    rule: 'mergesDisks(state, data) ?',
    broken: 'false ?',
  },
  {
    name: 'the clean-up of a snapshot is its removal',
    file: 'vm/removal-slot.ts',
    rule: "step === 'SnapshotRemoval' || release.some(({ kind }) => kind === 'snapshot')",
    broken: "step === 'SnapshotRemoval'",
  },
  {
    name: 'a removal slot is kept while the source merges on',
    file: 'vm/removal-slot.ts',
    rule: 'isToGoOn(state) && mayMergeStill(state)',
    broken: 'false',
  },
  {
    name: 'the first snapshot of a VM whose changes are to be tracked needs a removal slot',
    file: 'vm/removal-slot.ts',
    rule: "if (step === 'SnapshotCreation') return beginsTracking(state);",
    broken: '',
  },
  {
    name: 'removal slots are limited',
    file: 'schedule/removal-slots.ts',
    rule: 'mayGo && this.#amounts.lacking(needs).length === 0',
    broken: 'mayGo',
  },
  {
    name: 'a removal slot lasts as long as its attempt',
    file: 'vm/removal-slot.ts',
    rule: "    case 'taken':\n      return slots.took(removalEntryOf(state));\n",
    broken: "    case 'taken':\n",
  },
  {
    name: 'a removal slot ends',
    file: 'vm/removal-slot.ts',
    rule: 'return slots.release(state.record.migrationId, state.record.index);',
    broken: 'return [];',
  },
];
