import { StepRequestedData } from '@ledgerlift/contracts';
import type { Received } from '@ledgerlift/messaging';
import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { StepRunner } from './step-runner.js';

/** Name of the consumer of what this service at this site is asked to do. */
export const STEP_REQUESTED = 'step-requested';

/** Entry point for step requests: hands each one to the runner. */
@Controller()
export class StepRequestController {
  readonly #runner: StepRunner;

  constructor(@Inject(StepRunner) runner: StepRunner) {
    this.#runner = runner;
  }

  @EventPattern(STEP_REQUESTED, { schema: StepRequestedData })
  async onStepRequested(@Payload() received: Received<StepRequestedData>): Promise<void> {
    await this.#runner.handle(received);
  }
}
