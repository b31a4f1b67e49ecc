/** Where a log is: one server can hold several. */
export interface KurrentPlace {
  /** What the client connects by; with the password. */
  readonly connection: string;
  /** For messages: without user, password and settings, which may hold one. */
  readonly shown: string;
  /** Streams of events are named by this prefix and their name in the log. */
  readonly prefix: string;
  /** Gets one event from each owner, so that its revision is the owner's epoch. */
  readonly epochStream: string;
  /** Gets the owner's signs of life. */
  readonly leaseStream: string;
}

const SCHEME = /^(?:kurrentdb|kurrent|kdb|esdb)(?:\+discover)?:\/\//;
const URL =
  /^(?<scheme>[^:]+):\/\/(?<user>[^?]*@)?(?<hosts>[^/?@:,]+(?::\d+)?(?:,[^/?@:,]+(?::\d+)?)*)(?:\/(?<log>[\w-]*)\/?)?(?<settings>\?[^@]*)?$/;
const DEFAULT_LOG = 'ledgerlift';
/** The client waits that long before each connection, and half a second by default. What fails is repeated here anyway. */
const DISCOVERY = 'discoveryInterval=50';

// https://github.com/kurrent-io/KurrentDB-Client-NodeJS, parseConnectionString.ts
const SETTINGS: ReadonlySet<string> = new Set([
  ...['tls', 'tlsverifycert', 'tlscafile', 'usercertfile', 'userkeyfile', 'nodepreference', 'connectionname'],
  ...['maxdiscoverattempts', 'discoveryinterval', 'gossiptimeout', 'defaultdeadline'],
  ...['keepaliveinterval', 'keepalivetimeout'],
]);

export const isKurrentUrl = (place: string): boolean => SCHEME.test(place);

/** @returns undefined if the URL is none, or names the log by other characters than letters, digits, `_` and `-` */
export function kurrentPlace(url: string): KurrentPlace | undefined {
  const { scheme = '', user = '', hosts, log, settings = '' } = URL.exec(url)?.groups ?? {};
  if (hosts === undefined) return undefined;
  const name = log || DEFAULT_LOG;
  const withDiscovery = /discoveryinterval=/i.test(settings)
    ? settings
    : `${settings === '' ? '?' : `${settings}&`}${DISCOVERY}`;
  return {
    // The client knows no path, and warns of the old name of its scheme.
    connection: `${scheme.replace('esdb', 'kurrentdb')}://${user}${hosts}${withDiscovery}`,
    shown: `${scheme}://${hosts}/${name}`,
    prefix: `${name}.events.`,
    epochStream: `${name}.epoch`,
    leaseStream: `${name}.lease`,
  };
}

export const shownKurrentUrl = (url: string): string => kurrentPlace(url)?.shown ?? 'the KurrentDB server';

/** A setting that the client does not know: it would print the whole URL, with the password. */
export function unknownSetting({ connection }: KurrentPlace): string | undefined {
  const [, settings = ''] = connection.split('?');
  const names = settings.split(/[&?]/).map((setting) => setting.replace(/=.*/, ''));
  return names.find((name) => !SETTINGS.has(name.toLowerCase().replace(/[_-]/g, '')));
}
