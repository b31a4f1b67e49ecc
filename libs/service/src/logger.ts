import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { ServiceConfig } from './config.js';
import { withoutSecrets } from './secrets.js';

export type { Logger } from 'pino';

/**
 * One JSON object a line on standard output. Whatever is logged, fields that are secrets by their name and
 * passwords in URLs are taken out of the line at last.
 */
export function createLogger(
  service: string,
  level: ServiceConfig['logLevel'],
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: withoutSecrets },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Nest's own messages through our logger. What Nest tells of its start is of interest to developers only. */
export class NestLogger implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.#logger.debug(fields(rest), text(message));
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.#logger.error(
      { ...fields(rest), ...(message instanceof Error ? { err: message } : {}) },
      text(message),
    );
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#logger.warn(fields(rest), text(message));
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.#logger.debug(fields(rest), text(message));
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.#logger.trace(fields(rest), text(message));
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.#logger.fatal(fields(rest), text(message));
  }
}

function text(message: unknown): string {
  if (message instanceof Error) return message.message;
  return typeof message === 'string' ? message : JSON.stringify(message);
}

/** Nest gives the name of who speaks as the last of its arguments, a stack before it. */
function fields(rest: readonly unknown[]): { readonly context?: string; readonly stack?: string } {
  const context = rest.at(-1);
  const stack = rest.length > 1 ? rest[0] : undefined;
  return {
    ...(typeof context === 'string' ? { context } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
  };
}
