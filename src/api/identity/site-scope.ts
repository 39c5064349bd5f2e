import type { FastifyRequest } from 'fastify';
import { mayActAt } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import { principalOf } from '../authenticate.ts';

/** Whoever has sites acts at those (domain.md §17.1); a place that is not told is one of them. */
export function requireSite(request: FastifyRequest, place: string | null): void {
  if (place === null || mayActAt(principalOf(request), place)) return;
  throw new LotlineError('ACC-SCOPE', 'this is none of the sites that you act for', {
    at: '/place',
    fix: 'Correct the place, or have it done by somebody of that site.',
  });
}
