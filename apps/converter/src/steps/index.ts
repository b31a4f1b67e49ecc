import type { StepHandlers } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import { cleanup } from './cleanup.js';
import { imageCommit } from './image-commit.js';
import { imageConversion, testConversion } from './conversions.js';
import { preflightInspection } from './preflight-inspection.js';

/** The steps of this service. */
export const converterSteps = (settings: ConverterSettings): StepHandlers => ({
  PreflightInspection: preflightInspection(settings),
  TestConversion: testConversion(settings),
  ImageConversion: imageConversion(settings),
  ImageCommit: imageCommit(settings),
  Cleanup: cleanup(settings),
});
