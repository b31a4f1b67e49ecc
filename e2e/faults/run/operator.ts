import type { CommandKind, CommandScript } from '../script/script.js';
import { STARTER } from '../rules/script.js';
import type { World } from '../world/world.js';

/** No cutover is ever scheduled for then. */
const ANOTHER_MOMENT = '2099-01-01T00:00:00Z';

/** What was asked of the planner, and what it said. */
export interface Asked {
  readonly kind: CommandKind;
  readonly vm: number;
  readonly by: string;
  readonly moment: 'whichever' | 'another';
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
    private readonly world: Pick<World, 'call'>,
    private readonly plan: string,
    private readonly migration: string,
  ) {}

  async ask(command: Omit<CommandScript, 'atMs'>): Promise<Asked['answer']> {
    const { kind, vm, by = STARTER, moment = 'whichever' } = command;
    this.#number += 1;
    const reason = `${this.plan} ${kind} ${this.#number}`;
    const at = new Date().toISOString();
    const note = (answer: Asked['answer'], said: string): Asked['answer'] => {
      this.asked.push({ kind, vm, by, moment, reason, at, answer, said });
      return answer;
    };
    try {
      await this.#send({ kind, vm, by, moment }, reason);
      return note('accepted', '');
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      return note(/was refused/.test(said) ? 'refused' : 'unknown', said);
    }
  }

  async #send(
    { kind, vm, by, moment }: Pick<Asked, 'kind' | 'vm' | 'by' | 'moment'>,
    reason: string,
  ): Promise<void> {
    const ofVm = { params: { migration: this.migration, vm }, body: { reason }, as: by };
    const ofPlan = { params: { plan: this.plan }, body: { reason }, as: by };
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
      case 'approve-start':
        await this.world.call('plans.approve', { ...ofPlan, body: { reason, what: 'start' } });
        return;
      case 'approve-cutover': {
        const body = moment === 'another' ? { reason, cutoverAt: ANOTHER_MOMENT } : { reason };
        await this.world.call('vms.approve', { ...ofVm, body });
        return;
      }
      default:
        await this.world.call(`vms.${kind}`, ofVm);
    }
  }
}
