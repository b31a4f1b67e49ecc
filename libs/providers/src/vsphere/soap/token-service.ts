import { text } from 'node:stream/consumers';
import { element } from '@ledgerlift/xml';
import type { HttpsConnection } from './connection.js';
import { soapEnvelope } from './xml.js';

const TRUST = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity';
const PATH = '/sts/STSService';
const ANSWER_MS = 20_000;
const LIFETIME_MS = 60_000;

/**
 * Asks vCenter's single sign-on for a token to find out whether the account is locked, because a normal login only reports a
 * refusal. Counts as one more attempt with the same password.
 *
 * @returns false also if unknown
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
    // VMware's identity manager says: "The account of the user trying to authenticate is locked."
    return /<[^>]*faultstring[^>]*>[^<]*\blocked\b/i.test(await text(response));
  } catch {
    return false;
  }
}

function request({ user, password }: { readonly user: string; readonly password: string }): string {
  const wsu = { 'xmlns:wsu': `${WSS}-utility-1.0.xsd` };
  const [from = '', to = ''] = [0, LIFETIME_MS].map((ms) => new Date(Date.now() + ms).toISOString());
  const times = [element('wsu:Created', {}, from), element('wsu:Expires', {}, to)];
  return soapEnvelope({
    header: [
      element('wsse:Security', { 'xmlns:wsse': `${WSS}-secext-1.0.xsd`, ...wsu }, [
        element('wsu:Timestamp', {}, times),
        element('wsse:UsernameToken', {}, [
          element('wsse:Username', {}, user),
          element('wsse:Password', {}, password),
        ]),
      ]),
    ],
    body: [
      element('RequestSecurityToken', { xmlns: TRUST }, [
        element('TokenType', {}, 'urn:oasis:names:tc:SAML:2.0:assertion'),
        element('RequestType', {}, `${TRUST}/Issue`),
        element('Lifetime', wsu, times),
        element('KeyType', {}, `${TRUST}/Bearer`),
      ]),
    ],
  });
}
