import { API_BASE } from '@ledgerlift/contracts';
import { Controller, Get, Param } from '@nestjs/common';
import { UnknownRoute } from '../edge/errors.js';
import { asyncApiDocument } from './asyncapi.js';
import { definitionNames, definitionSchema } from './definition-schemas.js';
import { openApiDocument } from './openapi.js';

/** The API's description of itself: the same documents as in docs/reference. */
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
