import {
  type AttemptRef,
  type ClaimAnswer,
  ClaimRequest,
  CloudEvent,
  type DeadLetter,
  DeadLetter as DeadLetterSchema,
  type LeaseAnswer,
  LeaseRequest,
  Report,
  type ReportAnswer,
  StepRequestedData,
  subjects,
} from '@ledgerlift/contracts';
import type { Received } from '@ledgerlift/messaging';
import { AttemptSuperseded, CommandRefused } from '@ledgerlift/migration';
import { Controller, Inject } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { RunEngine } from '../runs/run-engine.js';
import { AttemptDesk } from './attempt-desk.js';

/** What workers ask the planner and tell it, over NATS. */
@Controller()
export class BusController {
  constructor(
    @Inject(AttemptDesk) private readonly desk: AttemptDesk,
    @Inject(RunEngine) private readonly engine: RunEngine,
  ) {}

  @MessagePattern(subjects.claim, { schema: ClaimRequest })
  claim(@Payload() request: ClaimRequest): Promise<ClaimAnswer> {
    return this.desk.claim(request);
  }

  @MessagePattern(subjects.lease, { schema: LeaseRequest })
  lease(@Payload() ref: AttemptRef): Promise<LeaseAnswer> {
    return this.desk.renew(ref);
  }

  @MessagePattern(subjects.reportNow, { schema: Report })
  reportNow(@Payload() report: Report): Promise<ReportAnswer> {
    return this.desk.report(report);
  }

  /** A refused report is of an attempt that is over: acked and forgotten. */
  @EventPattern('reports', { schema: Report })
  async reported(@Payload() { data }: Received<Report>): Promise<void> {
    await this.desk.report(data);
  }

  /** A request that no worker could read would never be claimed: its attempt has failed. */
  @EventPattern('dead', { schema: DeadLetterSchema })
  async buried(@Payload() letter: DeadLetter): Promise<void> {
    const request = requestIn(letter);
    if (request === undefined) return;
    const error = {
      code: letter.code,
      class: 'permanent',
      message: `no worker could read the request: ${letter.reason}`,
    } as const;
    try {
      await this.engine.command(request.stream, {
        kind: 'reject',
        ...request,
        error,
        at: new Date(),
        random: Math.random(),
      });
    } catch (refusal) {
      if (!(refusal instanceof AttemptSuperseded || refusal instanceof CommandRefused)) throw refusal;
    }
  }
}

/** @returns which attempt a dead letter asked for; undefined for any other message, or one too broken to tell */
function requestIn(letter: DeadLetter): Pick<AttemptRef, 'stream' | 'step' | 'attempt'> | undefined {
  if (!letter.subject.includes('.StepRequested.')) return undefined;
  try {
    const event = CloudEvent.parse(JSON.parse(Buffer.from(letter.original, 'base64').toString()));
    const { step, attempt } = StepRequestedData.parse(event.data);
    return { stream: event.subject, step, attempt };
  } catch {
    return undefined;
  }
}
