import { createHash } from 'node:crypto';
import type { LedgerliftError, ProviderSpec, VsphereSettings } from '@ledgerlift/contracts';
import { readSecret } from '@ledgerlift/secrets';
import { abortable } from '../waiting.js';
import { VsphereAccountLocked, VsphereFault, VsphereLoginRefused } from './errors.js';
import { type CallOptions, SoapClient, type VimArguments } from './soap/client.js';
import { HttpsConnection } from './soap/connection.js';
import type { ObjectRef, VimNode } from './soap/node.js';
import { isLocked } from './soap/token-service.js';

export type VsphereSpec = Extract<ProviderSpec, { type: 'vsphere' }>;
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What a server says of itself, as far as it matters here. */
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

/** After a refused login the same credentials are not tried again for so long: more tries would lock the account. */
const REFUSED_MS = 180_000;
const LOGOUT_MS = 5000;

/**
 * A session with one server, for all who use it in this process. It logs in when it is first needed and again when the
 * server has forgotten it, once for all who find out at the same time.
 */
export class VsphereSession {
  readonly connection: HttpsConnection;
  readonly #soap: SoapClient;
  #content: ServiceContent | undefined;
  #entering: Promise<ServiceContent> | undefined;
  /** Grows with each login: who failed under an older one need not log in again. */
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

  /** What the server says of itself; logs in where that was not done yet. */
  async content(signal: AbortSignal): Promise<ServiceContent> {
    return this.#content ?? this.#enter(this.#epoch, signal);
  }

  /** The cookie that stands for the session, for what is read over HTTPS. Logs in where that was not done yet. */
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
   * Calls a method. `check` may find in the answer that the session has ended, by throwing the fault. `on` may be a function of the service content, for what is named there.
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

  /** Logs out, and closes what is open. It can be used again afterwards. */
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
    // Not ended by the signal of one who waits: the others wait for the same.
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

  /** What a refused login means; undefined where it failed for another reason. */
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
    // A host locks accounts too, and does not tell.
    const orLocked = hasSingleSignOn || error.fault !== 'InvalidLogin' ? '' : ', or the account is locked';
    return new VsphereLoginRefused(server, this.#secret(), reason + orLocked);
  }

  #secret(): string {
    return this.spec.secret?.name ?? this.spec.name;
  }
}

const isExpired = (error: unknown): boolean =>
  error instanceof VsphereFault && error.fault === 'NotAuthenticated';

/** Why a login was refused, in words, by the fault's name. */
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

/** The session of a provider as it is configured now; it is kept for all who ask with the same settings. */
export function sessionOf(spec: ProviderSpec): VsphereSession {
  if (spec.type !== 'vsphere')
    throw new TypeError(`the vSphere provider was given a provider of type ${spec.type}`);
  const key = JSON.stringify([spec.name, spec.secret, spec.settings]);
  const known = sessions.get(key) ?? new VsphereSession(spec);
  sessions.set(key, known);
  return known;
}

/** Logs out everywhere. For the end of a process. */
export async function closeSessions(): Promise<void> {
  await Promise.all([...sessions.values()].map((session) => session.close()));
  sessions.clear();
}
