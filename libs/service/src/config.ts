import { ExtensionModules, SiteName } from '@ledgerlift/contracts';
import { z } from 'zod';
import { BadSetting } from './errors.js';
import { withoutUrlPassword } from './logger.js';

const port = z.coerce.number().int().min(0).max(65_535);
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);

/**
 * The environment variables of every service. Errors quote the description, so it says what to set. A service with settings
 * of its own extends this.
 */
export const ServiceEnvironment = z.object({
  LEDGERLIFT_NATS_URL: z
    .string()
    .regex(/^(nats|tls|ws|wss):\/\/\S+$/)
    .default('nats://127.0.0.1:4222')
    .describe('the URL of NATS, such as nats://127.0.0.1:4222; separate several with commas'),
  LEDGERLIFT_NATS_CREDS: z.string().min(1).optional().describe('the path of a NATS .creds file'),
  LEDGERLIFT_NATS_INBOX: z
    .string()
    .regex(/^[^\s.*>]+(\.[^\s.*>]+)*$/)
    .optional()
    .describe('the prefix of the subjects for replies, such as _INBOX.mine'),
  LEDGERLIFT_SITE: SiteName.default('local').describe(
    "the site's name: lower case letters, digits and hyphens, such as local; for a worker pod {site}.{pod}",
  ),
  LEDGERLIFT_INSTALLATION: dnsLabel
    .default('ledgerlift')
    .describe(
      "the installation's name: a DNS label of lower case letters, digits and hyphens, such as ledgerlift",
    ),
  LEDGERLIFT_HTTP_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('an address to listen on, such as 127.0.0.1'),
  LEDGERLIFT_HTTP_PORT: port.optional().describe('a port from 1 to 65535, or 0 for any free one'),
  LEDGERLIFT_DATA_DIR: z.string().min(1).default('ledgerlift-data').describe('the path of a folder for data'),
  LEDGERLIFT_SLOTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(2)
    .describe('how many steps a worker runs at once: a whole number from 1 to 256'),
  LEDGERLIFT_EXTENSIONS: ExtensionModules.default([]).describe(
    'modules of providers that are not built in: absolute paths or packages, separated by commas',
  ),
  // Used where tools are started (libs/disk-transfer/src/sandbox). A misspelt value must not pass for the default.
  LEDGERLIFT_SANDBOX: z
    .enum(['if-available', 'required'])
    .default('if-available')
    .describe('whether a disk may be opened without a sandbox: if-available or required'),
  LEDGERLIFT_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('one of fatal, error, warn, info, debug, trace, silent'),
});

export interface ServiceConfig {
  readonly natsUrl: string;
  readonly natsCreds: string | undefined;
  /** Prefix of inboxes; by default that of the credential, else NATS's own. */
  readonly natsInbox: string | undefined;
  readonly site: string;
  readonly installation: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly dataDir: string;
  readonly slots: number;
  readonly extensions: readonly string[];
  readonly logLevel: z.infer<typeof ServiceEnvironment>['LEDGERLIFT_LOG_LEVEL'];
}

/** Environment variables, as in Node's `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses environment variables by a schema. An empty variable counts as not set.
 * @throws BadSetting naming the first invalid variable, its value and what to set
 */
export function readEnvironment<S extends z.ZodObject>(
  schema: S,
  env: Environment = process.env,
): z.infer<S> {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  const variable = String(parsed.error.issues[0]?.path[0] ?? 'the environment');
  const value = set[variable];
  const wanted = schema.shape[variable]?.description ?? parsed.error.issues[0]?.message ?? 'another value';
  throw new BadSetting(variable, value === undefined ? undefined : withoutUrlPassword(value), wanted);
}

/**
 * Reads the settings that every service needs.
 * @param defaults the default port of this service; 0: any free one
 * @throws BadSetting
 */
export function readServiceConfig(
  env: Environment = process.env,
  defaults: { readonly httpPort: number } = { httpPort: 0 },
): ServiceConfig {
  const read = readEnvironment(ServiceEnvironment, env);
  return {
    natsUrl: read.LEDGERLIFT_NATS_URL,
    natsCreds: read.LEDGERLIFT_NATS_CREDS,
    natsInbox: read.LEDGERLIFT_NATS_INBOX,
    site: read.LEDGERLIFT_SITE,
    installation: read.LEDGERLIFT_INSTALLATION,
    http: { host: read.LEDGERLIFT_HTTP_HOST, port: read.LEDGERLIFT_HTTP_PORT ?? defaults.httpPort },
    dataDir: read.LEDGERLIFT_DATA_DIR,
    slots: read.LEDGERLIFT_SLOTS,
    extensions: read.LEDGERLIFT_EXTENSIONS,
    logLevel: read.LEDGERLIFT_LOG_LEVEL,
  };
}
