import {
  API_BASE,
  ApiErrorBody,
  type ApiOperation,
  IdempotencyKey,
  apiOperations,
} from '@ledgerlift/contracts';
import { z } from 'zod';
import { SchemaComponents, usedOnly } from './components.js';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the API, from the table of operations. */
export function openApiDocument(): Json {
  const components = new SchemaComponents();
  const paths: Record<string, Json> = {};
  for (const [name, operation] of Object.entries(apiOperations) as [string, ApiOperation][]) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[operation.method.toLowerCase()] = operationObject(name, operation, components);
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Ledgerlift planner',
      version: '1.0.0',
      description:
        'Moves virtual machines to KubeVirt. The same operations are available over NATS; see asyncapi.json. ' +
        'There is no sign-in yet: the API listens on the loopback address, and anyone who can reach it is the user `local`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: API_BASE }],
    tags: [...new Set(Object.keys(apiOperations).map(resourceOf))].map((name) => ({ name })),
    paths,
  };
  return { ...document, components: { schemas: usedOnly(document, components.all()) } };
}

function operationObject(name: string, operation: ApiOperation, components: SchemaComponents): Json {
  const { status, out, body } = operation;
  const content = operation.plainText
    ? { 'text/plain': { schema: { type: 'string' } } }
    : { 'application/json': { schema: components.of(out, 'output') } };
  return {
    operationId: name,
    summary: operation.summary,
    tags: [resourceOf(name)],
    parameters: [
      ...parametersOf(operation.params, 'path'),
      ...parametersOf(operation.query, 'query'),
      ...(operation.method === 'POST' ? [idempotencyHeader()] : []),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !body.safeParse({}).success,
            content: { 'application/json': { schema: components.of(body, 'input') } },
          },
        }),
    responses: {
      [status]: status === 204 ? { description: 'Done' } : { description: 'Done', content },
      default: {
        description: 'Refused or failed: docs/errors lists the codes',
        content: { 'application/json': { schema: components.of(ApiErrorBody, 'output') } },
      },
    },
  };
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || (required.includes(name) && !hasDefault(property)),
    schema: property,
  }));
}

const hasDefault = (property: unknown): boolean =>
  typeof property === 'object' && property !== null && 'default' in property;

const idempotencyHeader = (): Json => ({
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  description:
    'Send a new key with each new request, and the same key when you repeat a request. A repeated request is carried out ' +
    'only once, and gets the same status and resource, even after a restart of the planner.',
  schema: z.toJSONSchema(IdempotencyKey, { io: 'input' }),
});

const resourceOf = (name: string): string => name.split('.')[0] ?? name;
