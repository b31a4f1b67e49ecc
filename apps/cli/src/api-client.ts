import { randomUUID } from 'node:crypto';
import { LedgerliftError } from '@ledgerlift/contracts';
import { z } from 'zod';

const ErrorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    field: z.string().optional(),
    conditions: z
      .array(
        z.object({ type: z.string(), category: z.string(), message: z.string(), items: z.array(z.string()) }),
      )
      .optional(),
  }),
});

/** The planner refused, with its own code and message. */
export class ApiRefused extends LedgerliftError {
  constructor(
    readonly code: `LL-${string}`,
    message: string,
    readonly status: number,
    readonly conditions: readonly {
      readonly type: string;
      readonly category: string;
      readonly message: string;
    }[],
    field?: string,
  ) {
    super(message, field === undefined ? undefined : { field });
  }
}

/** Nobody answers at the planner's address. */
export class PlannerUnreachable extends LedgerliftError {
  readonly code = 'LL-CLI-001';
  constructor(url: string, cause: unknown) {
    super(
      `the planner does not answer at ${url} (${reasonOf(cause)}); start it with 'ledgerlift up', or name another ` +
        'address with --url or LEDGERLIFT_URL',
      { cause },
    );
  }
}

/** What answered at the planner's address is not a planner of this version. */
export class NotAPlanner extends LedgerliftError {
  readonly code = 'LL-CLI-002';
  constructor(url: string, status: number) {
    super(`what answers at ${url} is no planner that this command knows (HTTP ${status}); check --url`);
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** The planner's REST API: the only thing that this program talks to. */
export class ApiClient {
  constructor(readonly url: string) {}

  /**
   * @param path below /api/v1, such as `/plans`
   * @returns the body as its schema has it
   * @throws ApiRefused, PlannerUnreachable, NotAPlanner
   */
  async call<S extends z.ZodType>(
    method: Method,
    path: string,
    schema: S,
    body?: unknown,
  ): Promise<z.infer<S>> {
    const target = `${this.url}/api/v1${path}`;
    const response = await this.#fetch(target, method, body);
    const text = await response.text();
    const json = parseJson(text);
    if (!response.ok) throw refusal(target, response.status, json);
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw new NotAPlanner(target, response.status);
    return parsed.data;
  }

  /** A text, such as a log. */
  async text(path: string): Promise<string> {
    const target = `${this.url}/api/v1${path}`;
    const response = await this.#fetch(target, 'GET');
    const text = await response.text();
    if (!response.ok) throw refusal(target, response.status, parseJson(text));
    return text;
  }

  async #fetch(target: string, method: Method, body?: unknown): Promise<Response> {
    // The same key on each try: should the first answer be lost, the planner does not do it twice.
    const key = method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {};
    const content = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const init = {
      method,
      headers: { ...key, ...content },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    try {
      return await fetch(target, init);
    } catch {
      try {
        return await fetch(target, init);
      } catch (error) {
        throw new PlannerUnreachable(this.url, error);
      }
    }
  }
}

function refusal(target: string, status: number, json: unknown): ApiRefused | NotAPlanner {
  const parsed = ErrorBody.safeParse(json);
  if (!parsed.success) return new NotAPlanner(target, status);
  const { code, message, field, conditions = [] } = parsed.data.error;
  return new ApiRefused(
    code.startsWith('LL-') ? (code as `LL-${string}`) : 'LL-CLI-002',
    message,
    status,
    conditions,
    field,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
