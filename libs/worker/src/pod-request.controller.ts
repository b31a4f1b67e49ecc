import { StepRequestedData } from '@ledgerlift/contracts';
import type { Received } from '@ledgerlift/messaging';
import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { PodLauncher } from './pod-launcher.js';

/** Name of the consumer of what the pods of this site are asked to do. */
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
