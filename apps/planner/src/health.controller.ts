import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { Response } from 'express';

export const READINESS = Symbol('Readiness');
/** What is missing to work, in words; empty: ready. */
export type Readiness = () => readonly string[];

@Controller('health')
export class HealthController {
  constructor(@Inject(READINESS) private readonly missing: Readiness) {}

  @Get('live')
  live(): object {
    return { status: 'live' };
  }

  @Get('ready')
  ready(@Res() response: Response): void {
    const missing = this.missing();
    response
      .status(missing.length === 0 ? 200 : 503)
      .json({ status: missing.length === 0 ? 'ready' : 'waiting', missing });
  }
}
