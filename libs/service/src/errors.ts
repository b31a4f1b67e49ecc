import { LedgerliftError } from '@ledgerlift/contracts';

/** The service cannot start with this setting. */
export class BadSetting extends LedgerliftError {
  readonly code = 'LL-SVC-001';

  constructor(
    readonly variable: string,
    /** The value, without the password of a URL; undefined if not set. */
    readonly value: string | undefined,
    wanted: string,
  ) {
    const found = value === undefined ? 'is not set' : `is '${value}'`;
    super(`${variable} ${found}; set it to ${wanted}`, { field: variable });
  }
}

/** The health port is in use or not allowed. */
export class PortTaken extends LedgerliftError {
  readonly code = 'LL-SVC-002';

  constructor(host: string, port: number, cause: unknown) {
    super(
      `cannot listen on ${host}:${port} (${cause instanceof Error ? cause.message : String(cause)}); set ` +
        'LEDGERLIFT_HTTP_PORT to a free port, or to 0 for any, and LEDGERLIFT_HTTP_HOST to an address of this machine',
      { cause },
    );
  }
}

/** The credentials for NATS cannot be read. */
export class BadCredentials extends LedgerliftError {
  readonly code = 'LL-SVC-003';

  constructor(path: string, cause: unknown) {
    super(
      `cannot read the NATS credentials in ${path} (${cause instanceof Error ? cause.message : String(cause)}); ` +
        'point LEDGERLIFT_NATS_CREDS to a .creds file that this user may read',
      { cause },
    );
  }
}
