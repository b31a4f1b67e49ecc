import { Controller, type DynamicModule, Get, Inject, Module, Res } from '@nestjs/common';
import type { Response } from 'express';

const READINESS = Symbol('Readiness');
/** What the planner still waits for, in words; empty if it is ready. */
type Readiness = () => readonly string[];

@Controller('health')
class HealthController {
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

/** The controller of liveness and readiness. */
@Module({})
export class HealthModule {
  static of(missing: Readiness): DynamicModule {
    return {
      module: HealthModule,
      controllers: [HealthController],
      providers: [{ provide: READINESS, useValue: missing }],
    };
  }
}
