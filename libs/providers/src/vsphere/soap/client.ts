import type { XmlReader } from '@ledgerlift/xml';
import {
  VsphereAnswerMalformed,
  VsphereDatastoreFull,
  VsphereFault,
  VspherePermissionDenied,
  VsphereUnreachable,
} from '../errors.js';
import type { HttpsConnection } from './connection.js';
import { envelope, type ObjectRef, type VimNode, vimReader, type VimValue } from './xml.js';

const ANSWER_MS = 60_000;
/** vCenter's fault for a missing privilege. */
const DENIED = 'NoPermission';

export type VimArguments = Readonly<Record<string, VimValue | undefined>>;

export interface CallOptions {
  readonly signal: AbortSignal;
  /** How long the server may be silent; must exceed the wait that the call itself asks for. */
  readonly silenceMs?: number;
}

/** Calls methods of a vSphere server's SOAP interface (vim25). Knows only the session's cookie. */
export class SoapClient {
  #cookie: string | undefined;

  constructor(
    readonly connection: HttpsConnection,
    private readonly url: URL,
    /** Such as `8.0.2.0`; none: whatever the server takes for the oldest. */
    public apiVersion: string | undefined = undefined,
  ) {}

  get cookie(): string | undefined {
    return this.#cookie;
  }

  forgetCookie(): void {
    this.#cookie = undefined;
  }

  /**
   * @returns the `…Response` element
   * @throws VsphereFault, VspherePermissionDenied, VsphereDatastoreFull, VsphereUnreachable, VsphereAnswerMalformed, what the certificate
   * deserves; the signal's reason once it is aborted
   */
  async call(method: string, on: ObjectRef, args: VimArguments, options: CallOptions): Promise<VimNode> {
    const { connection } = this;
    const response = await connection.exchange({
      method: 'POST',
      url: this.url,
      headers: {
        'content-type': 'text/xml; charset=utf-8',
        soapaction: this.apiVersion === undefined ? 'urn:vim25' : `urn:vim25/${this.apiVersion}`,
        ...(this.#cookie === undefined ? {} : { cookie: this.#cookie }),
      },
      body: envelope(method, on, args),
      signal: options.signal,
      silenceMs: options.silenceMs ?? ANSWER_MS,
    });
    const session = response.headers['set-cookie']?.find((cookie) =>
      cookie.startsWith('vmware_soap_session'),
    );
    if (session !== undefined) this.#cookie = session.split(';')[0];
    const status = response.statusCode ?? 0;
    const reader = vimReader();
    let malformed: unknown;
    try {
      response.setEncoding('utf8');
      for await (const text of response as AsyncIterable<string>) {
        if (malformed !== undefined) continue;
        try {
          reader.take(text);
        } catch (error) {
          malformed = error;
        }
      }
    } catch (error) {
      options.signal.throwIfAborted();
      throw connection.failureOf(method, error);
    }
    const body = malformed === undefined ? finished(reader) : undefined;
    const fault = body?.at('Body.Fault');
    if (fault !== undefined) throw faultOf(method, on, fault);
    // While a vCenter starts, its proxy answers in HTML.
    if (status >= 500 || status === 429)
      throw new VsphereUnreachable(connection.server, method, `HTTP ${status}`);
    const answer = body?.at(`Body.${method}Response`);
    if (status >= 400 || answer === undefined) {
      throw new VsphereAnswerMalformed(connection.server, method, `HTTP ${status}, and no answer of the SDK`);
    }
    return answer;
  }
}

function finished(reader: XmlReader<VimNode>): VimNode | undefined {
  try {
    return reader.end();
  } catch {
    return undefined;
  }
}

function faultOf(method: string, on: ObjectRef, fault: VimNode): OfFault {
  const detail = fault.at('detail')?.parts[0];
  return vimFault(`${method} on ${on.type} ${on.id}`, detail, fault.textAt('faultstring') ?? '');
}

type OfFault = VsphereFault | VspherePermissionDenied | VsphereDatastoreFull;
const FULL = new Set(['NoDiskSpace', 'InsufficientStorageSpace']);
/** A host reports lack of space for a snapshot in the text of another fault, such as GenericVmConfigFault. */
const NO_ROOM =
  /insufficient (disk )?space|\b(no|not enough|no more)( more)?( free)?( disk)? space|snapshot\.error-nospace/i;

/**
 * A fault by its own name.
 *
 * @param detail of a SOAP fault, or of a task's error; its name is its type, or that of its element without `Fault`
 */
export function vimFault(request: string, detail: VimNode | undefined, says: string): OfFault {
  const name = detail === undefined ? '' : detail.kind || detail.name.replace(/Fault$/, '');
  if (name === DENIED) {
    const privilege = detail?.textAt('privilegeId') ?? 'that is not named';
    return new VspherePermissionDenied(request, privilege, detail?.textAt('object') ?? 'the object');
  }
  const messages = (detail?.list('faultMessage') ?? []).flatMap((each) => [
    each.textAt('key') ?? '',
    each.textAt('message') ?? '',
  ]);
  if (FULL.has(name) || NO_ROOM.test([says, ...messages].join('\n')))
    return new VsphereDatastoreFull(request, detail?.textAt('datastore'), says);
  const property = detail?.textAt('invalidProperty');
  return new VsphereFault(
    request,
    name || 'an unnamed fault',
    property === undefined ? says : `${says} [${property}]`,
  );
}
