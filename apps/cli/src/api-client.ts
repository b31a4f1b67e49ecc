import { randomUUID } from 'node:crypto';
import {
  API_BASE,
  ApiErrorBody,
  type ApiOperation,
  type ApiOperationName,
  type ApiOutput,
  type Condition,
  type CsvProblem,
  LedgerliftError,
  apiOperations,
} from '@ledgerlift/contracts';

/** The planner refused, with its own code and message. */
export class ApiRefused extends LedgerliftError {
  constructor(
    readonly code: `LL-${string}`,
    message: string,
    readonly status: number,
    readonly conditions: readonly Condition[],
    field?: string,
    /** Problems in the rows of a CSV file. */
    readonly rows: readonly CsvProblem[] = [],
  ) {
    super(message, field === undefined ? undefined : { field });
  }
}

/** Nothing answers at the planner's address. */
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

/** The server at the planner's address is not a planner of this version. */
export class NotAPlanner extends LedgerliftError {
  readonly code = 'LL-CLI-002';
  constructor(url: string, status: number) {
    super(
      `the server at ${url} is not a planner of this version (HTTP ${status}); check --url and the versions`,
    );
  }
}

export interface CallInput {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

/** Client for the planner's REST API, the only server that this program talks to. */
export class ApiClient {
  /** @param user the name of the caller for the history */
  constructor(
    readonly url: string,
    private readonly user?: string,
  ) {}

  /**
   * Calls one operation of `apiOperations`.
   *
   * @throws ApiRefused, PlannerUnreachable, NotAPlanner
   */
  async call<N extends ApiOperationName>(name: N, input: CallInput = {}): Promise<ApiOutput<N>> {
    const operation: ApiOperation = apiOperations[name];
    const target = this.#target(operation, input);
    const response = await this.#fetch(target, operation.method, input.body ?? (operation.body && {}));
    const text = await response.text();
    const json = parseJson(text);
    if (!response.ok) throw refusal(target, response.status, json);
    const parsed = operation.out.safeParse(operation.status === 204 ? null : json);
    if (!parsed.success) throw new NotAPlanner(target, response.status);
    return parsed.data as ApiOutput<N>;
  }

  /** Fetches all items of a paged operation. */
  async all<N extends PagedOperation>(name: N, input: CallInput = {}): Promise<ItemOf<N>[]> {
    const items: ItemOf<N>[] = [];
    for (;;) {
      const page = await this.call(name, {
        ...input,
        query: { ...input.query, offset: items.length, limit: PAGE },
      });
      items.push(...(page.items as ItemOf<N>[]));
      if (items.length >= page.total || page.items.length === 0) return items;
    }
  }

  /** A log, as plain text. */
  async text(name: 'vms.log', input: CallInput): Promise<string> {
    const target = this.#target(apiOperations[name], input);
    const response = await this.#fetch(target, 'GET');
    const text = await response.text();
    if (!response.ok) throw refusal(target, response.status, parseJson(text));
    return text;
  }

  #target(operation: ApiOperation, { params = {}, query = {} }: CallInput): string {
    const path = operation.path.replaceAll(/:(\w+)/g, (_, field: string) =>
      encodeURIComponent(String(params[field] ?? '')),
    );
    const set = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      set.map(([key, value]): [string, string] => [key, String(value)]),
    ).toString();
    return `${this.url}${API_BASE}${path}${search === '' ? '' : `?${search}`}`;
  }

  async #fetch(target: string, method: ApiOperation['method'], body?: unknown): Promise<Response> {
    // All attempts use the same key, so that the planner acts only once if an answer is lost.
    const key = method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {};
    const content = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const init = {
      method,
      headers: { ...key, ...content, ...(this.user === undefined ? {} : { 'Ledgerlift-User': this.user }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    for (let tries = 1; ; tries += 1) {
      try {
        return await fetch(target, init);
      } catch (error) {
        if (tries === TRIES) throw new PlannerUnreachable(this.url, error);
        await new Promise((resolve) => setTimeout(resolve, 300 * tries));
      }
    }
  }
}

const PAGE = 1000;
const TRIES = 3;

type PagedOperation = {
  [N in ApiOperationName]: ApiOutput<N> extends { readonly items: unknown[]; readonly total: number }
    ? N
    : never;
}[ApiOperationName];
type ItemOf<N extends PagedOperation> = ApiOutput<N>['items'][number];

function refusal(target: string, status: number, json: unknown): ApiRefused | NotAPlanner {
  const parsed = ApiErrorBody.safeParse(json);
  if (!parsed.success) return new NotAPlanner(target, status);
  const { code, message, field, conditions = [], rows = [] } = parsed.data.error;
  return new ApiRefused(
    code.startsWith('LL-') ? (code as `LL-${string}`) : 'LL-CLI-002',
    message,
    status,
    conditions,
    field,
    rows,
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
