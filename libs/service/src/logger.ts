import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { ServiceConfig } from './config.js';

export type { Logger } from 'pino';

/**
 * Logs one JSON object a line to standard output. Fields whose names mark them as secrets, and passwords in URLs, are removed
 * from every line.
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

/** Passes Nest's own messages to our logger. Those about its start are only for developers. */
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

/** Nest passes the logger's context as the last argument, and a stack before it. */
function fields(rest: readonly unknown[]): { readonly context?: string; readonly stack?: string } {
  const context = rest.at(-1);
  const stack = rest.length > 1 ? rest[0] : undefined;
  return {
    ...(typeof context === 'string' ? { context } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
  };
}

const NAMES =
  'password|passwd|passphrase|secret|token|authorization|cookie|set-cookie|api_?key|private_?key|credentials?';
const jsonSecret = new RegExp(`"((?:[a-z0-9_-]*[_-])?(?:${NAMES}))":"(?:[^"\\\\]|\\\\.)*"`, 'gi');
const camelSecret = new RegExp(
  '"([a-z0-9]+(?:Password|Secret|Token|ApiKey|PrivateKey))":"(?:[^"\\\\]|\\\\.)*"',
  'g',
);
const urlPassword = /\/\/[^/@\s"]*@/g;

/** `nats://user:secret@host` → `nats://…@host` */
export const withoutUrlPassword = (text: string): string => text.replace(urlPassword, '//…@');

/** One line of JSON without the values of fields that are secrets by their name, at any depth, and without URL passwords. */
export const withoutSecrets = (line: string): string =>
  withoutUrlPassword(line).replace(jsonSecret, '"$1":"[redacted]"').replace(camelSecret, '"$1":"[redacted]"');
