import { text } from 'node:stream/consumers';
import type { HttpsConnection } from './connection.js';
import { element } from './render.js';

const TRUST = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity';
const PATH = '/sts/STSService';
const ANSWER_MS = 20_000;
const LIFETIME_MS = 60_000;

/**
 * Asks vCenter's single sign-on for a token, to learn why it gives none: of a locked account a login says no more than
 * that it is refused. It counts as one more try of the same password.
 *
 * @returns false also where that cannot be learnt
 */
export async function isLocked(
  connection: HttpsConnection,
  server: URL,
  credentials: { readonly user: string; readonly password: string },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const response = await connection.exchange({
      method: 'POST',
      url: new URL(PATH, server),
      headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: `${TRUST}/RST/Issue` },
      body: request(credentials),
      signal,
      silenceMs: ANSWER_MS,
    });
    // Of VMware's identity manager: "The account of the user trying to authenticate is locked."
    return /<[^>]*faultstring[^>]*>[^<]*\blocked\b/i.test(await text(response));
  } catch {
    return false;
  }
}

function request({ user, password }: { readonly user: string; readonly password: string }): string {
  const [from, to] = [0, LIFETIME_MS].map((ms) => new Date(Date.now() + ms).toISOString());
  const times = (prefix: string): string =>
    `<${prefix}Created>${from}</${prefix}Created><${prefix}Expires>${to}</${prefix}Expires>`;
  const security =
    `<wsse:Security xmlns:wsse="${WSS}-secext-1.0.xsd" xmlns:wsu="${WSS}-utility-1.0.xsd">` +
    `<wsu:Timestamp>${times('wsu:')}</wsu:Timestamp>` +
    `<wsse:UsernameToken>${element('wsse:Username', user)}${element('wsse:Password', password)}</wsse:UsernameToken>` +
    '</wsse:Security>';
  const asked =
    `<RequestSecurityToken xmlns="${TRUST}"><TokenType>urn:oasis:names:tc:SAML:2.0:assertion</TokenType>` +
    `<RequestType>${TRUST}/Issue</RequestType><Lifetime xmlns:wsu="${WSS}-utility-1.0.xsd">${times('wsu:')}</Lifetime>` +
    `<KeyType>${TRUST}/Bearer</KeyType></RequestSecurityToken>`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">' +
    `<soapenv:Header>${security}</soapenv:Header><soapenv:Body>${asked}</soapenv:Body></soapenv:Envelope>`
  );
}
