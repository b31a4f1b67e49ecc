import { ProviderSpec } from '../../specs.js';
import { InventoryView, ProviderView } from '../catalog.js';
import { FoundVm, TreeNode, TreeQuery, VmSearch } from '../inventory.js';
import { Page, pageOf } from '../request.js';
import { empty, none, provider } from './operation.js';
import type { ApiOperation } from './operation.js';

export const providersOperations = {
  'providers.create': {
    method: 'POST',
    path: '/providers',
    summary: 'Create a provider',
    params: none,
    query: none,
    body: ProviderSpec,
    status: 201,
    out: ProviderView,
  },
  'providers.list': {
    method: 'GET',
    path: '/providers',
    summary: 'List the providers',
    params: none,
    query: Page,
    status: 200,
    out: pageOf(ProviderView),
  },
  'providers.get': {
    method: 'GET',
    path: '/providers/:provider',
    summary: 'Show a provider',
    params: provider,
    query: none,
    status: 200,
    out: ProviderView,
  },
  'providers.update': {
    method: 'PUT',
    path: '/providers/:provider',
    summary: 'Change a provider; its type stays',
    params: provider,
    query: none,
    body: ProviderSpec,
    status: 200,
    out: ProviderView,
  },
  'providers.delete': {
    method: 'DELETE',
    path: '/providers/:provider',
    summary: 'Delete a provider that no mapping or plan uses',
    params: provider,
    query: none,
    status: 204,
    out: empty,
  },
  'providers.inventory': {
    method: 'GET',
    path: '/providers/:provider/inventory',
    summary: 'Show what a source provider holds, with the age of that knowledge',
    params: provider,
    query: none,
    status: 200,
    out: InventoryView,
  },
  'providers.vms': {
    method: 'GET',
    path: '/providers/:provider/vms',
    summary: 'Search the VMs of a source by what a plan may select them by',
    params: provider,
    query: VmSearch,
    status: 200,
    out: pageOf(FoundVm),
  },
  'providers.tree': {
    method: 'GET',
    path: '/providers/:provider/tree',
    summary: 'Show the VMs of a source as a tree of folders or of hosts, a few levels at a time',
    params: provider,
    query: TreeQuery,
    status: 200,
    out: TreeNode,
  },
  'providers.refresh': {
    method: 'POST',
    path: '/providers/:provider/inventory/refresh',
    summary: 'Read the inventory of a source provider again',
    params: provider,
    query: none,
    body: none,
    status: 200,
    out: InventoryView,
  },
} as const satisfies Record<`providers.${string}`, ApiOperation>;
