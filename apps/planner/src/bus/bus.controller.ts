import {
  type AttemptRef,
  type ClaimAnswer,
  ClaimRequest,
  CloudEvent,
  type DeadLetter,
  DeadLetter as DeadLetterSchema,
  type LeaseAnswer,
  LeaseRequest,
  type PodCredentialAnswer,
  PodCredentialRequest,
  Report,
  type ReportAnswer,
  StepRequestedData,
  siteOfPod,
  streams,
  subjects,
} from '@ledgerlift/contracts';
import {
  JetStreamContext,
  PoisonMessage,
  type Received,
  RequestContext,
  SubjectMismatch,
} from '@ledgerlift/messaging';
import { AttemptSuperseded, CommandRefused } from '@ledgerlift/migration';
import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { RunStates } from '../runs/run-states.js';
import { systemContext } from '../runs/stream-names.js';
import { LeaseService } from './lease-service.js';
import { PodDesk } from './pod-desk.js';

/** Takes requests and reports of workers over NATS. */
@Controller()
export class BusController {
  constructor(
    @Inject(LeaseService) private readonly desk: LeaseService,
    @Inject(RunStates) private readonly states: RunStates,
    @Inject(PodDesk) private readonly pods: PodDesk,
  ) {}

  @MessagePattern([subjects.allClaims, subjects.bare.claim], { schema: ClaimRequest })
  async claim(@Payload() request: ClaimRequest, @Ctx() { subject }: RequestContext): Promise<ClaimAnswer> {
    mustBeAbout(request.stream, subject, [subjects.claim(request.stream), subjects.bare.claim]);
    return this.desk.claim(request);
  }

  @MessagePattern([subjects.allLeases, subjects.bare.lease], { schema: LeaseRequest })
  async lease(@Payload() ref: AttemptRef, @Ctx() { subject }: RequestContext): Promise<LeaseAnswer> {
    mustBeAbout(ref.stream, subject, [subjects.lease(ref.stream), subjects.bare.lease]);
    return this.desk.renew(ref);
  }

  @MessagePattern([subjects.allReportsNow, subjects.bare.reportNow], { schema: Report })
  async reportNow(@Payload() report: Report, @Ctx() { subject }: RequestContext): Promise<ReportAnswer> {
    const { stream } = report.ref;
    mustBeAbout(stream, subject, [subjects.reportNow(stream), subjects.bare.reportNow]);
    return this.desk.report(report);
  }

  @MessagePattern(subjects.allPodCredentials, { schema: PodCredentialRequest })
  async podCredential(
    @Payload() request: PodCredentialRequest,
    @Ctx() { subject }: RequestContext,
  ): Promise<PodCredentialAnswer> {
    const site = siteOfPod(request.site);
    if (site === undefined || subject !== subjects.podCredential(site))
      throw new SubjectMismatch(subject, request.site);
    return this.pods.grant(request);
  }

  /** A refused report belongs to an attempt that is over. It is acked and dropped. */
  @EventPattern('reports', { schema: Report })
  async reported(@Payload() { data }: Received<Report>, @Ctx() context: unknown): Promise<void> {
    const subject = subjectOf(context);
    if (subject !== subjects.report(data.ref.stream)) throw foreign(data.ref.stream, subject);
    await this.desk.report(data);
  }

  /** Fails the attempt of a request that no worker could read, because nobody would ever claim it. */
  @EventPattern('dead', { schema: DeadLetterSchema })
  async buried(@Payload() letter: DeadLetter, @Ctx() context: unknown): Promise<void> {
    const subject = subjectOf(context);
    const request = requestIn(letter);
    if (request === undefined) return;
    // Older workers send all dead letters to the bare subject.
    const { stream } = request;
    if (
      subject !== subjects.dead(streams.events.name) &&
      subject !== subjects.deadOf(streams.events.name, stream)
    )
      throw foreign(stream, subject);
    const error = {
      code: letter.code,
      class: 'permanent',
      message: `no worker could read the request: ${letter.reason}`,
    } as const;
    try {
      const command = { kind: 'reject', ...request, error, at: new Date(), random: Math.random() } as const;
      await this.states.commandVm(stream, command, systemContext(stream));
    } catch (refusal) {
      if (!(refusal instanceof AttemptSuperseded || refusal instanceof CommandRefused)) throw refusal;
    }
  }
}

/**
 * The sender may have access to one VM's subjects only, so the body must name that VM.
 * @throws SubjectMismatch
 */
function mustBeAbout(stream: string, subject: string, allowed: readonly string[]): void {
  if (!allowed.includes(subject)) throw new SubjectMismatch(subject, stream);
}

/** Nest's types do not cover the context of an event handler. */
const subjectOf = (context: unknown): string => (context instanceof JetStreamContext ? context.subject : '');

const foreign = (stream: string, subject: string): PoisonMessage =>
  new PoisonMessage(
    'LL-BUS-015',
    `the message on ${subject} is about ${stream}, which has a subject of its own`,
  );

/** @returns the attempt that a dead letter requested; undefined for any other message, or one too broken to parse */
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
