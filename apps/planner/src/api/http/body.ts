import type { IncomingMessage } from 'node:http';
import { reasonOf } from '../../inventory/index.js';
import { BodyTooLarge, MalformedJson, MalformedRequest, UnsupportedBody } from '../edge/errors.js';

/** Ten thousand VMs with their labels fit well into it. */
export const BODY_LIMIT = 8 * 1024 * 1024;

/**
 * Reads a JSON body; Nest's own parser is off, because its errors name neither code nor field.
 *
 * @returns undefined where there is no body
 * @throws UnsupportedBody, BodyTooLarge, MalformedJson, MalformedRequest when the client went away
 */
export async function readJsonBody(request: IncomingMessage, limit = BODY_LIMIT): Promise<unknown> {
  const bytes = await readBytes(request, limit);
  if (bytes.length === 0) return undefined;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new UnsupportedBody('Content-Encoding', encoding);
  // A browser sends JSON across origins only after asking, and the answer to that is no: so this also keeps foreign
  // web pages from commanding a planner that listens on loopback.
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/(json|[\w.-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type))
    throw new UnsupportedBody('Content-Type', type);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.trim() === '' ? undefined : JSON.parse(text);
  } catch (error) {
    throw new MalformedJson(reasonOf(error));
  }
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw new BodyTooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > limit) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new MalformedRequest(reasonOf(error));
  }
  if (size > limit) throw new BodyTooLarge(limit);
  return Buffer.concat(chunks);
}
