import type { CommandKind, CommandScript } from '../script/script.js';
import type { World } from '../world/world.js';

/** What was asked of the planner, and what it said. */
export interface Asked {
  readonly kind: CommandKind;
  readonly vm: number;
  /** In the log as the reason of what it led to. */
  readonly reason: string;
  readonly at: string;
  /** `unknown`: there was no answer that could be read. */
  readonly answer: 'accepted' | 'refused' | 'unknown';
  readonly said: string;
}

/** Asks for things as an operator does, and remembers every answer. */
export class Operator {
  readonly asked: Asked[] = [];
  #number = 0;

  constructor(
    private readonly world: World,
    private readonly plan: string,
    private readonly migration: string,
  ) {}

  async ask({ kind, vm }: Pick<CommandScript, 'kind' | 'vm'>): Promise<Asked['answer']> {
    this.#number += 1;
    const reason = `${this.plan} ${kind} ${this.#number}`;
    const at = new Date().toISOString();
    const note = (answer: Asked['answer'], said: string): Asked['answer'] => {
      this.asked.push({ kind, vm, reason, at, answer, said });
      return answer;
    };
    try {
      await this.#send(kind, vm, reason);
      return note('accepted', '');
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      return note(/was refused/.test(said) ? 'refused' : 'unknown', said);
    }
  }

  async #send(kind: CommandKind, vm: number, reason: string): Promise<void> {
    const ofVm = { params: { migration: this.migration, vm }, body: { reason } };
    const ofPlan = { params: { plan: this.plan }, body: { reason } };
    switch (kind) {
      case 'plan-pause':
        await this.world.call('plans.pause', ofPlan);
        return;
      case 'plan-resume':
        await this.world.call('plans.resume', ofPlan);
        return;
      case 'plan-cancel':
        await this.world.call('plans.cancel', ofPlan);
        return;
      case 'plan-retry':
        await this.world.call('plans.retry', ofPlan);
        return;
      default:
        await this.world.call(`vms.${kind}`, ofVm);
    }
  }
}
