import { X509Certificate } from 'node:crypto';
import { Agent, type RequestOptions, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import tls, { type PeerCertificate, type TLSSocket } from 'node:tls';
import type { LedgerliftError } from '@ledgerlift/contracts';
import { VsphereCertificateRefused, VsphereThumbprintDiffers, VsphereUnreachable } from '../errors.js';

/** How to verify a server's certificate: by its thumbprint if set, otherwise by its authority. */
export interface Trust {
  /** SHA-256 or SHA-1, upper case, with colons. */
  readonly thumbprint?: string | undefined;
  readonly caCertificate?: string | undefined;
  readonly insecureSkipVerify?: boolean;
}

/** A verified certificate. */
export interface TrustedCertificate {
  readonly sha1: string;
  readonly sha256: string;
  readonly pem: string;
  /** Why a client without the thumbprint would reject it, such as a wrong name; undefined if it would not. */
  readonly flaw: string | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  readonly url: URL;
  /** Name of the request in errors, if its path is a secret. */
  readonly called?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** How long the server may be silent. */
  readonly silenceMs: number;
}

const CONNECT_MS = 20_000;
const RENEW = "Renew it at the server; until then the provider can name this very one by 'thumbprint'";
const TRUST_IT = "Give the provider 'caCertificate' or 'thumbprint'";
const UNKNOWN = ['the authority that signed it is not known here', TRUST_IT] as const;
const CERTIFICATE_REASONS: Readonly<Record<string, readonly [reason: string, wayOut: string]>> = {
  CERT_HAS_EXPIRED: ['it has expired', RENEW],
  CERT_NOT_YET_VALID: ['it is not valid yet', `See that both clocks are right. ${RENEW}`],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['it signed itself', TRUST_IT],
  SELF_SIGNED_CERT_IN_CHAIN: ['the authority that signed it is not trusted here', TRUST_IT],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'it is for another name',
    "Give the provider's 'url' the name that it is for, or name the certificate by 'thumbprint'",
  ],
};

/**
 * HTTPS to one server. Verifies the certificate of each connection before sending any request, so that no credential reaches an
 * impostor.
 */
export class HttpsConnection {
  readonly #agent: TrustingAgent;

  constructor(
    readonly server: string,
    trust: Trust,
  ) {
    this.#agent = new TrustingAgent(server, trust);
  }

  /** The server's last trusted certificate; undefined before the first exchange. */
  get seen(): TrustedCertificate | undefined {
    return this.#agent.seen;
  }

  /**
   * Sends a request and resolves when the answer's head has arrived. The caller reads the body.
   *
   * @throws VsphereUnreachable, VsphereThumbprintDiffers, VsphereCertificateRefused; the signal's reason if aborted
   */
  async exchange(asked: HttpRequest): Promise<IncomingMessage> {
    const { method, url, headers, body, signal, silenceMs } = asked;
    signal.throwIfAborted();
    const what = asked.called ?? `${method} ${url.pathname}`;
    return new Promise((resolve, reject) => {
      const call = request(url, { method, headers, agent: this.#agent, signal }, resolve);
      call.setTimeout(silenceMs, () => {
        call.destroy(new VsphereUnreachable(this.server, what, `it was silent for ${silenceMs} ms`));
      });
      call.once('error', (error) => {
        reject(signal.aborted ? (signal.reason as Error) : this.failureOf(what, error));
      });
      call.end(body);
    });
  }

  /** Turns a failure of a connection or a body into one of our errors. */
  failureOf(what: string, error: unknown): LedgerliftError {
    const { code } = error as { readonly code?: unknown };
    if (isOurs(error)) return error;
    const certificate = typeof code === 'string' ? CERTIFICATE_REASONS[code] : undefined;
    if (certificate !== undefined) return new VsphereCertificateRefused(this.server, ...certificate);
    const message = error instanceof Error ? error.message : String(error);
    return new VsphereUnreachable(this.server, what, typeof code === 'string' ? code : message);
  }

  close(): void {
    this.#agent.destroy();
  }
}

const isOurs = (error: unknown): error is LedgerliftError =>
  typeof (error as { readonly code?: unknown } | undefined)?.code === 'string' &&
  (error as { readonly code: string }).code.startsWith('LL-');

/** Hands out a connection only after verifying its certificate. */
class TrustingAgent extends Agent {
  seen: TrustedCertificate | undefined;

  constructor(
    private readonly server: string,
    private readonly trust: Trust,
  ) {
    // A vCenter closes idle connections, and has few sockets.
    super({ keepAlive: true, maxSockets: 16, timeout: 120_000, ALPNProtocols: ['http/1.1'] });
  }

  override createConnection(
    options: RequestOptions,
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { thumbprint, caCertificate, insecureSkipVerify } = this.trust;
    const isJudgedHere = thumbprint !== undefined || insecureSkipVerify === true;
    const socket = tls.connect({
      host: options.host ?? 'localhost',
      port: Number(options.port ?? 443),
      ...(isIp(options.host) ? {} : { servername: options.host ?? '' }),
      rejectUnauthorized: !isJudgedHere,
      ...(caCertificate === undefined ? {} : { ca: caCertificate }),
    });
    const fail = (error: Error): void => {
      socket.destroy();
      callback(error, socket);
    };
    const late = setTimeout(() => {
      socket.removeAllListeners('error').on('error', () => undefined);
      fail(new VsphereUnreachable(this.server, 'connect', `no connection within ${CONNECT_MS} ms`));
    }, CONNECT_MS);
    socket.once('error', (error) => {
      clearTimeout(late);
      callback(error, socket);
    });
    socket.once('secureConnect', () => {
      clearTimeout(late);
      const seen = thumbprint && fingerprintOf(socket, thumbprint);
      if (seen !== thumbprint) fail(new VsphereThumbprintDiffers(this.server, thumbprint ?? '', seen ?? ''));
      else {
        this.seen = trusted(socket, options.host ?? 'localhost');
        callback(null, socket);
      }
    });
    return undefined;
  }
}

const SHA1_LENGTH = 59;
/** Returns the certificate's fingerprint with the same hash as the pinned one. */
function fingerprintOf(socket: TLSSocket, like: string): string {
  const certificate: PeerCertificate = socket.getPeerCertificate();
  return like.length === SHA1_LENGTH ? certificate.fingerprint : certificate.fingerprint256;
}

function trusted(socket: TLSSocket, host: string): TrustedCertificate {
  const certificate = socket.getPeerCertificate();
  const isOver = new Date(certificate.valid_to).getTime() < Date.now();
  const flaw = isOver ? 'it has expired' : tls.checkServerIdentity(host, certificate)?.message;
  const pem = new X509Certificate(certificate.raw).toString();
  return { sha1: certificate.fingerprint, sha256: certificate.fingerprint256, pem, flaw };
}

const isIp = (host: string | null | undefined): boolean => /^[\d.]+$|:/.test(host ?? '');
