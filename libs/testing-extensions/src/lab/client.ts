import { type ProviderSpec, settingsOf } from '@ledgerlift/contracts';
import { z } from 'zod';
import { LabInventory, LabSnapshot, LabTask, LabVm, Nothing, Refusal } from './answers.js';
import { LabAnswerMalformed, LabDenied, LabRefused, LabUnreachable } from './errors.js';
import { tokenOf } from './token.js';

export const LabSettings = z.strictObject({ url: z.url({ protocol: /^https?$/ }) });

const ANSWER_MS = 30_000;

export interface LabRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/** The lab's API for one provider. Each request ends in time, and with the signal, whose reason is then thrown. */
export class LabClient {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #signal: AbortSignal;

  private constructor(url: string, token: string | undefined, signal: AbortSignal) {
    this.#url = url;
    this.#token = token;
    this.#signal = signal;
  }

  /** @throws SecretMissing, ExtensionSettingsNotValid */
  static async of(
    spec: ProviderSpec,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<LabClient> {
    const { url } = settingsOf(spec, 'x-lab', LabSettings);
    return new LabClient(url.replace(/\/+$/, ''), await tokenOf(spec), signal);
  }

  inventory(): Promise<z.infer<typeof LabInventory>> {
    return this.ask({ method: 'GET', path: '/inventory' }, LabInventory);
  }

  /** @throws LabRefused `no-such-vm` when it is gone */
  vm(id: string): Promise<LabVm> {
    return this.ask({ method: 'GET', path: vmPath(id) }, LabVm);
  }

  /** @returns undefined when there is none of that name */
  async snapshot(vmId: string, name: string): Promise<LabSnapshot | undefined> {
    const request = { method: 'GET', path: snapshotPath(vmId, name) } as const;
    return unless('no-such-snapshot', this.ask(request, LabSnapshot));
  }

  /** @returns undefined for one that the lab does not know, such as one from before it was started again */
  async task(id: string): Promise<LabTask | undefined> {
    const request = { method: 'GET', path: `/tasks/${encodeURIComponent(id)}` } as const;
    return unless('no-such-task', this.ask(request, LabTask));
  }

  /** Begins what the lab does as a task. */
  begin(request: LabRequest): Promise<LabTask> {
    return this.ask(request, LabTask);
  }

  async post(path: string, body: unknown): Promise<void> {
    await this.ask({ method: 'POST', path, body }, Nothing);
  }

  /** @throws LabUnreachable, LabDenied, LabRefused, LabAnswerMalformed; the signal's reason once it is aborted */
  async ask<T>({ method, path, body }: LabRequest, answer: z.ZodType<T>): Promise<T> {
    const request = `${method} ${path}`;
    const [status, text] = await this.#exchange(request, method, path, body);
    const content = parsed(text);
    if (status === 401 || status === 403) throw new LabDenied(this.#url, status);
    if (status >= 500) throw new LabUnreachable(request, `it answered with ${status}${messageOf(content)}`);
    if (status >= 400) {
      const { error } = Refusal.safeParse(content).data ?? {
        error: { code: 'unknown', message: 'it says no more' },
      };
      throw new LabRefused(request, status, error.code, error.message);
    }
    const { data, error } = answer.safeParse(content);
    if (error !== undefined) throw new LabAnswerMalformed(request, z.prettifyError(error));
    return data as T;
  }

  async #exchange(
    request: string,
    method: string,
    path: string,
    body: unknown,
  ): Promise<readonly [status: number, text: string]> {
    this.#signal.throwIfAborted();
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method,
        // Followed nowhere: the token would be shown to whoever is there.
        redirect: 'manual',
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_MS)]),
        headers: {
          'content-type': 'application/json',
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return [response.status, await response.text()];
    } catch (error) {
      this.#signal.throwIfAborted();
      throw new LabUnreachable(request, reasonOf(error), error);
    }
  }
}

export const vmPath = (id: string): string => `/vms/${encodeURIComponent(id)}`;
export const snapshotPath = (vmId: string, name: string): string =>
  `${vmPath(vmId)}/snapshots/${encodeURIComponent(name)}`;

/** What is thrown when the lab refuses for the reason given, as undefined. */
async function unless<T>(reason: string, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isRefusal(error, reason)) return undefined;
    throw error;
  }
}

/** @param reason what the lab calls it, such as `name-taken` */
export const isRefusal = (error: unknown, reason: string): boolean =>
  error instanceof LabRefused && error.reason === reason;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function messageOf(content: unknown): string {
  const refusal = Refusal.safeParse(content).data;
  return refusal === undefined ? '' : `: ${refusal.error.message}`;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { readonly message?: unknown; readonly cause?: unknown };
  const deeper = (cause as { readonly message?: unknown } | undefined)?.message;
  return typeof deeper === 'string' && deeper !== '' ? deeper : String(message ?? error);
}
