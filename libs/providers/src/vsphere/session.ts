import { createHash } from 'node:crypto';
import type { LedgerliftError, ProviderSpec, VsphereSettings } from '@ledgerlift/contracts';
import { readSecret } from '@ledgerlift/secrets';
import { abortable } from '../waiting.js';
import { VsphereAccountLocked, VsphereFault, VsphereLoginRefused } from './errors.js';
import { createView, filterOn } from './inventory/read.js';
import { type CallOptions, SoapClient, type VimArguments } from './soap/client.js';
import { HttpsConnection } from './soap/connection.js';
import type { ObjectRef, VimNode } from './soap/xml.js';
import { retrieveFiltered, type VimObject } from './soap/properties.js';
import { isLocked } from './soap/token-service.js';

export type VsphereSpec = Extract<ProviderSpec, { type: 'vsphere' }>;
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** The fields of a server's ServiceContent that we need. */
export interface ServiceContent {
  /** `VirtualCenter` or `HostAgent`. */
  readonly apiType: string;
  readonly apiVersion: string;
  readonly version: string;
  readonly instanceUuid: string;
  readonly rootFolder: ObjectRef;
  readonly propertyCollector: ObjectRef;
  readonly sessionManager: ObjectRef;
  readonly viewManager: ObjectRef;
  readonly authorizationManager: ObjectRef | undefined;
  readonly customFieldsManager: ObjectRef | undefined;
  readonly fileManager: ObjectRef | undefined;
  readonly eventManager: ObjectRef | undefined;
  readonly searchIndex: ObjectRef | undefined;
}

/** How long not to retry refused credentials, because more attempts could lock the account. */
const REFUSED_MS = 180_000;
const LOGOUT_MS = 5000;

/**
 * A session with one server, shared by the whole process. Logs in at first use, and again when the server has forgotten the
 * session; concurrent callers share one login.
 */
export class VsphereSession {
  readonly connection: HttpsConnection;
  readonly #soap: SoapClient;
  #content: ServiceContent | undefined;
  #entering: Promise<ServiceContent> | undefined;
  /** Increases with each login, so that a caller that failed under an older one does not log in again. */
  #epoch = 0;
  #refused:
    { readonly credentials: string; readonly until: number; readonly error: LedgerliftError } | undefined;

  constructor(readonly spec: VsphereSpec) {
    const url = new URL(spec.settings.url);
    this.connection = new HttpsConnection(url.host, spec.settings);
    this.#soap = new SoapClient(this.connection, url);
  }

  get settings(): VsphereSettings {
    return this.spec.settings;
  }

  get url(): URL {
    return new URL(this.spec.settings.url);
  }

  /** Returns the server's ServiceContent; logs in if needed. */
  async content(signal: AbortSignal): Promise<ServiceContent> {
    return this.#content ?? this.#enter(this.#epoch, signal);
  }

  /** Returns the session's cookie, for reads over HTTPS; logs in if needed. */
  async cookie(signal: AbortSignal): Promise<string> {
    await this.content(signal);
    return this.#soap.cookie ?? '';
  }

  /** @throws SecretMissing */
  async credentials(): Promise<Credentials> {
    const secret = this.#secret();
    const [user, password] = await Promise.all([readSecret(secret, 'user'), readSecret(secret, 'password')]);
    return { user, password };
  }

  /**
   * Calls a method. `check` may throw the fault for an ended session that it finds in the answer. `on` may be a function that
   * picks an object from the service content.
   *
   * @throws as SoapClient.call; VsphereLoginRefused, VsphereAccountLocked, SecretMissing
   */
  async call(
    method: string,
    on: ObjectRef | ((content: ServiceContent) => ObjectRef),
    args: VimArguments,
    options: CallOptions & { readonly check?: (answer: VimNode) => void },
  ): Promise<VimNode> {
    const epoch = this.#epoch;
    const content = await this.content(options.signal);
    const ask = async (at: ServiceContent): Promise<VimNode> => {
      const answer = await this.#soap.call(method, typeof on === 'function' ? on(at) : on, args, options);
      options.check?.(answer);
      return answer;
    };
    try {
      return await ask(content);
    } catch (error) {
      if (!isExpired(error)) throw error;
    }
    return ask(await this.#enter(Math.max(epoch, 1), options.signal));
  }

  /** Logs out and closes connections. The object can be used again. */
  async close(): Promise<void> {
    const content = this.#content;
    this.#content = undefined;
    if (content !== undefined) {
      const signal = AbortSignal.timeout(LOGOUT_MS);
      await this.#soap.call('Logout', content.sessionManager, {}, { signal }).catch(() => undefined);
    }
    this.#soap.forgetCookie();
    this.connection.close();
  }

  /** @param seen the login that the caller found too old */
  async #enter(seen: number, signal: AbortSignal): Promise<ServiceContent> {
    if (this.#content !== undefined && seen < this.#epoch) return this.#content;
    // Ignore the signals of single callers, because others wait for the same login.
    this.#entering ??= this.#login().finally(() => {
      this.#entering = undefined;
    });
    return abortable(this.#entering, signal);
  }

  async #login(): Promise<ServiceContent> {
    const credentials = await this.credentials();
    const digest = createHash('sha256').update(JSON.stringify(credentials)).digest('hex');
    const refused = this.#refused;
    if (refused?.credentials === digest && performance.now() < refused.until) throw refused.error;
    const signal = AbortSignal.timeout(120_000);
    this.#content = undefined;
    this.#soap.forgetCookie();
    const content = contentOf(
      await this.#soap.call(
        'RetrieveServiceContent',
        { type: 'ServiceInstance', id: 'ServiceInstance' },
        {},
        { signal },
      ),
    );
    this.#soap.apiVersion = content.apiVersion;
    try {
      await this.#soap.call(
        'Login',
        content.sessionManager,
        { userName: credentials.user, password: credentials.password },
        { signal },
      );
    } catch (error) {
      const told = await this.#refusal(error, credentials, content, signal);
      if (told === undefined) throw error;
      this.#refused = { credentials: digest, until: performance.now() + REFUSED_MS, error: told };
      throw told;
    }
    this.#refused = undefined;
    this.#epoch += 1;
    this.#content = content;
    return content;
  }

  /** Turns a refused login into an error; undefined if it failed for another reason. */
  async #refusal(
    error: unknown,
    credentials: Credentials,
    { apiType }: ServiceContent,
    signal: AbortSignal,
  ): Promise<VsphereLoginRefused | VsphereAccountLocked | undefined> {
    const { server } = this.connection;
    if (!(error instanceof VsphereFault)) return undefined;
    const hasSingleSignOn = error.fault === 'InvalidLogin' && apiType === 'VirtualCenter';
    if (
      /\blocked\b/i.test(error.says) ||
      (hasSingleSignOn && (await isLocked(this.connection, this.url, credentials, signal)))
    )
      return new VsphereAccountLocked(server, this.#secret());
    const reason = REFUSALS[error.fault];
    if (reason === undefined) return undefined;
    // A host also locks accounts, but does not report it.
    const orLocked = hasSingleSignOn || error.fault !== 'InvalidLogin' ? '' : ', or the account is locked';
    return new VsphereLoginRefused(server, this.#secret(), reason + orLocked);
  }

  #secret(): string {
    return this.spec.secret?.name ?? this.spec.name;
  }
}

const isExpired = (error: unknown): boolean =>
  error instanceof VsphereFault && error.fault === 'NotAuthenticated';

/** Reasons for a refused login, by the fault's name. */
const REFUSALS: Readonly<Record<string, string>> = {
  InvalidLogin: 'the user name or the password is wrong',
  PasswordExpired: 'the password has expired; set a new one',
};

function contentOf(answer: VimNode): ServiceContent {
  const content = answer.at('returnval');
  const text = (path: string): string => content?.textAt(path) ?? '';
  const ref = (path: string, type: string): ObjectRef => content?.refAt(path) ?? { type, id: text(path) };
  return {
    apiType: text('about.apiType'),
    apiVersion: text('about.apiVersion'),
    version: text('about.version'),
    instanceUuid: text('about.instanceUuid'),
    rootFolder: ref('rootFolder', 'Folder'),
    propertyCollector: ref('propertyCollector', 'PropertyCollector'),
    sessionManager: ref('sessionManager', 'SessionManager'),
    viewManager: ref('viewManager', 'ViewManager'),
    authorizationManager: content?.refAt('authorizationManager'),
    customFieldsManager: content?.refAt('customFieldsManager'),
    fileManager: content?.refAt('fileManager'),
    eventManager: content?.refAt('eventManager'),
    searchIndex: content?.refAt('searchIndex'),
  };
}

const sessions = new Map<string, VsphereSession>();

/** Returns the session for a provider's current settings. Callers with the same settings share it. */
export function sessionOf(spec: ProviderSpec): VsphereSession {
  if (spec.type !== 'vsphere')
    throw new TypeError(`the vSphere provider was given a provider of type ${spec.type}`);
  const key = JSON.stringify([spec.name, spec.secret, spec.settings]);
  const known = sessions.get(key) ?? new VsphereSession(spec);
  sessions.set(key, known);
  return known;
}

/** Logs out everywhere. Call it when the process ends. */
export async function closeSessions(): Promise<void> {
  await Promise.all([...sessions.values()].map((session) => session.close()));
  sessions.clear();
}

const DESTROY_MS = 10_000;

/** Reads some properties of all objects of a type, in all folders. @throws errors of a call */
export async function allOf(
  session: VsphereSession,
  type: string,
  pathSet: readonly string[],
  signal: AbortSignal,
): Promise<readonly VimObject[]> {
  const view = await createView(session, [type], signal);
  try {
    return await retrieveFiltered(session, filterOn(view, [{ type, all: false, pathSet }]), signal);
  } finally {
    // The view ends with the session at the latest.
    const ending = AbortSignal.timeout(DESTROY_MS);
    await session.call('DestroyView', view, {}, { signal: ending }).catch(() => undefined);
  }
}
