import { API_BASE } from '@ledgerlift/contracts';
import { conditionsPage } from '@ledgerlift/planning';
import { Controller, Get, Param } from '@nestjs/common';
import { UnknownRoute } from '../edge/errors.js';
import { asyncApiDocument } from './asyncapi.js';
import { definitionNames, definitionSchema } from './components.js';
import { openApiDocument } from './openapi.js';

/** Every generated file of docs/reference by name. `scripts/generate-documents.mjs` writes them, and a spec compares them. */
export function referenceFiles(): Readonly<Record<string, string>> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'openapi.json': json(openApiDocument()),
    'asyncapi.json': json(asyncApiDocument()),
    ...Object.fromEntries(
      definitionNames.map((name) => [`${name}.schema.json`, json(definitionSchema(name))]),
    ),
    'conditions.md': conditionsPage(),
  };
}

/** Serves the API's own description: the same documents as in docs/reference. */
@Controller(API_BASE)
export class DocumentsController {
  @Get('openapi.json')
  openApi(): object {
    return openApiDocument();
  }

  @Get('asyncapi.json')
  asyncApi(): object {
    return asyncApiDocument();
  }

  @Get('schemas/:name')
  schema(@Param('name') asked: string): object {
    const name = definitionNames.find((known) => known === asked.replace(/\.schema\.json$/, ''));
    if (name === undefined) throw new UnknownRoute('GET', `${API_BASE}/schemas/${asked.slice(0, 100)}`);
    return definitionSchema(name);
  }
}
