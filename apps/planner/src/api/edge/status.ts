import type { LedgerliftError } from '@ledgerlift/contracts';
import { MalformedRequest } from './errors.js';

/** HTTP status of every refusal; what is not listed is a failure of ours, or of what we depend on. */
const statusOfCode: Readonly<Record<string, number>> = {
  'LL-API-001': 400,
  'LL-API-002': 400,
  'LL-API-003': 413,
  'LL-API-004': 404,
  'LL-API-005': 405,
  'LL-API-006': 400,
  'LL-API-007': 422,
  'LL-API-008': 415,
  'LL-API-010': 500,
  'LL-API-011': 421,
  'LL-EXT-002': 422,
  'LL-EXT-003': 400,
  'LL-MIG-001': 409,
  'LL-MIG-012': 409,
  'LL-PLN-101': 404,
  'LL-PLN-102': 409,
  'LL-PLN-103': 409,
  'LL-PLN-104': 409,
  'LL-PLN-105': 409,
  'LL-PLN-106': 409,
  'LL-PLN-107': 409,
  'LL-PLN-108': 409,
  'LL-PLN-109': 404,
  'LL-PLN-110': 404,
  'LL-PLN-111': 409,
  'LL-PLN-112': 409,
  'LL-PLN-113': 409,
  'LL-PLN-114': 404,
  'LL-PLN-115': 503,
  'LL-PLN-116': 502,
  'LL-PLN-117': 404,
  'LL-PLN-123': 404,
  'LL-PLN-118': 404,
  'LL-PLN-121': 422,
  'LL-PLN-122': 422,
};

export function statusOf(error: LedgerliftError): number {
  if (error instanceof MalformedRequest) return error.status;
  return statusOfCode[error.code] ?? (error.failure === 'transient' ? 503 : 500);
}
