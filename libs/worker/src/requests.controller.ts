import { StepRequestedData } from '@ledgerlift/contracts';
import type { Received } from '@ledgerlift/messaging';
import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { PodLauncher } from './pod-launcher.js';
import { StepRunner } from './step-runner.js';

/** Name of the consumer of step requests to this service at this site. */
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

/** Name of the consumer of step requests to the pods of this site. */
export const POD_REQUESTED = 'pod-requested';

/** Entry point for step requests of pods: sees that each has its pod. */
@Controller()
export class PodRequestController {
  readonly #launcher: PodLauncher;

  constructor(@Inject(PodLauncher) launcher: PodLauncher) {
    this.#launcher = launcher;
  }

  @EventPattern(POD_REQUESTED, { schema: StepRequestedData })
  async onPodRequested(@Payload() received: Received<StepRequestedData>): Promise<void> {
    await this.#launcher.handle(received);
  }
}
