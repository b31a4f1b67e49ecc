import { type DynamicModule, Module } from '@nestjs/common';
import { RunStates } from '../runs/run-states.js';
import { BusController } from './bus.controller.js';
import { LeaseService } from './lease-service.js';
import { PodDesk } from './pod-desk.js';

/** The controller that answers workers. */
@Module({})
export class BusModule {
  static of(states: RunStates, leases: LeaseService, pods: PodDesk): DynamicModule {
    return {
      module: BusModule,
      controllers: [BusController],
      providers: [
        { provide: RunStates, useValue: states },
        { provide: LeaseService, useValue: leases },
        { provide: PodDesk, useValue: pods },
      ],
    };
  }
}
