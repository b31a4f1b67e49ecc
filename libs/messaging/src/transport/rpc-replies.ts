import { type ErrorReply, LedgerliftError } from '@ledgerlift/contracts';
import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

/**
 * Lets errors through to the transport as they were thrown; Nest's own filter would turn each into 'Internal
 * server error', and neither an answer's code nor a poison message would be known for what it is.
 */
@Catch()
export class BusErrorFilter implements RpcExceptionFilter<unknown> {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/** What goes back to who asked. Only our own errors say more than that something failed: they hold no secrets. */
export function toErrorReply(error: unknown): ErrorReply {
  if (error instanceof LedgerliftError) return { error: error.details() };
  return {
    error: { code: 'LL-BUS-010', message: 'the service failed while it answered; its log says why' },
  };
}
