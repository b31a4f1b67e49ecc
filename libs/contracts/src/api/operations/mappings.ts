import { MappingSpec } from '../../specs.js';
import { MappingView } from '../catalog.js';
import { Page, pageOf } from '../request.js';
import { empty, mapping, none } from './operation.js';
import type { ApiOperation } from './operation.js';

export const mappingsOperations = {
  'mappings.create': {
    method: 'POST',
    path: '/mappings',
    summary: 'Create a network or storage mapping',
    params: none,
    query: none,
    body: MappingSpec,
    status: 201,
    out: MappingView,
  },
  'mappings.list': {
    method: 'GET',
    path: '/mappings',
    summary: 'List the mappings',
    params: none,
    query: Page,
    status: 200,
    out: pageOf(MappingView),
  },
  'mappings.get': {
    method: 'GET',
    path: '/mappings/:mapping',
    summary: 'Show a mapping',
    params: mapping,
    query: none,
    status: 200,
    out: MappingView,
  },
  'mappings.update': {
    method: 'PUT',
    path: '/mappings/:mapping',
    summary: 'Change a mapping; its kind stays',
    params: mapping,
    query: none,
    body: MappingSpec,
    status: 200,
    out: MappingView,
  },
  'mappings.delete': {
    method: 'DELETE',
    path: '/mappings/:mapping',
    summary: 'Delete a mapping that no plan uses',
    params: mapping,
    query: none,
    status: 204,
    out: empty,
  },
} as const satisfies Record<`mappings.${string}`, ApiOperation>;
