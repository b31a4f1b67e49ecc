import type { LabTask } from '../wire.js';
import { Refusal } from './refusal.js';

/** Work that is asked for by one request and watched by others. Forgotten when the lab ends, as a host's are. */
export class Tasks {
  readonly #tasks = new Map<string, LabTask>();
  #next = 0;

  /** Begins the work and does not wait for it. */
  run(kind: string, vm: string, work: () => Promise<void>): LabTask {
    const task: LabTask = { id: `task-${process.pid}-${++this.#next}`, kind, vm, state: 'running' };
    this.#tasks.set(task.id, task);
    void work().then(
      () => this.#tasks.set(task.id, { ...task, state: 'succeeded' }),
      (error: unknown) => this.#tasks.set(task.id, { ...task, state: 'failed', error: explained(error) }),
    );
    return task;
  }

  /** Those of a VM that have not ended, which whoever comes later has to wait for. */
  runningOn(vm: string): readonly LabTask[] {
    return [...this.#tasks.values()].filter((task) => task.vm === vm && task.state === 'running');
  }

  /** @throws Refusal 404 for one that this process did not begin */
  get(id: string): LabTask {
    const task = this.#tasks.get(id);
    if (task === undefined) throw new Refusal(404, 'no-such-task', `there is no task ${id}`);
    return task;
  }
}

function explained(error: unknown): { readonly code: string; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof Refusal ? error.code : 'task-failed', message };
}
