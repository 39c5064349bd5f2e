import type { FastifyRequest } from 'fastify';
import { allows, type Keys, type People, type Principal, type Role } from '../access/index.ts';
import { LotlineError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Roles that may use a route; every route says this or `public`. */
    roles?: readonly Role[];
    public?: boolean;
  }
  interface FastifyRequest {
    /** Who sends this; null on public routes. */
    principal: Principal | null;
  }
}

/** Who may bear witness of themselves: keys, and people by their sessions. */
export type Bearers = { readonly keys: Pick<Keys, 'principalOf'>; readonly people: Pick<People, 'principalOf'> };

/** Who sends a request to a route that is not public: 401 without a good key or session, 403 when its roles do not reach. */
export async function authenticate({ keys, people }: Bearers, request: FastifyRequest): Promise<Principal | null> {
  const { roles, public: open } = request.routeOptions.config;
  if (open || isPreflightRoute(request)) return null;
  const { authorization } = request.headers;
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization ?? '') ?? [];
  if (token === undefined) {
    throw new LotlineError(
      'ACC-DENIED',
      authorization === undefined ? 'the request bears no key' : 'the Authorization header bears no key',
      {
        at: 'Authorization',
        fix: 'Send the header Authorization: Bearer <key>.',
      },
    );
  }
  const ofPerson = token.startsWith('ls_');
  const principal = await (ofPerson ? people : keys).principalOf(token);
  if (principal === null && ofPerson)
    throw new LotlineError('ACC-EXPIRED', 'the session is unknown, or has ended', {
      at: 'Authorization',
      fix: 'Log in again: POST /api/v1/sessions.',
    });
  if (principal === null)
    throw new LotlineError('ACC-DENIED', 'the key is unknown or was ended', {
      at: 'Authorization',
      fix: 'Ask an administrator for a key.',
    });
  if (!principal.roles.some((role) => (roles as readonly string[] | undefined)?.includes(role)))
    throw new LotlineError('ACC-SCOPE', `the ${ofPerson ? 'person' : 'key'}'s role (${principal.roles.join(', ')}) does not reach here`, {
      at: 'Authorization',
      fix: `Use ${ofPerson ? 'the account of somebody' : 'a key'} with the role ${(roles ?? []).join(' or ')}.`,
    });
  return principal;
}

/** The principal of a request on a route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new Error(`${request.routeOptions.url} is public, yet asks who sends it`);
  return request.principal;
}

/** Whether the sender may see captures of others. */
export const seesAllJobs = (request: FastifyRequest): boolean => allows(principalOf(request).roles, 'see-jobs');

const isPreflightRoute = (request: FastifyRequest) => request.routeOptions.url === '*';
