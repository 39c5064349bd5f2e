import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { LotlineError } from '../errors.ts';

/** Rows of a page where the client asks for no number. */
export const PER_PAGE_DEFAULT = 30;
/** A page never has more, whatever was asked for. */
export const PER_PAGE_MAX = 1_000;
/** How long a link to the next page is good for. */
export const TOKEN_MS = 24 * 60 * 60 * 1000;

/** The paging parameters of a list, for its route schema. */
export const PAGE_PARAMETERS = {
  perPage: Type.Optional(
    Type.Integer({ minimum: 1, description: `Rows a page; ${PER_PAGE_DEFAULT} when not given, ${PER_PAGE_MAX} at most.` }),
  ),
  nextPageToken: Type.Optional(Type.String({ description: 'From the Link header of the page before. Follow that link; do not build it.' })),
};

export type Page = { readonly limit: number; readonly cursor: string | null };

/**
 * Which page of a list is asked for. `query` is every parameter of the request: a token goes with the parameters it was made for.
 * An unknown or expired token is a 404, one used with other parameters a 400.
 */
export function pageOf(query: Readonly<Record<string, unknown>>): Page {
  const limit = Math.min(typeof query['perPage'] === 'number' ? query['perPage'] : PER_PAGE_DEFAULT, PER_PAGE_MAX);
  const token = query['nextPageToken'];
  if (typeof token !== 'string' || token === '') return { limit, cursor: null };
  const [expires, digest, cursor] = readToken(token) ?? [];
  if (expires === undefined || digest === undefined || cursor === undefined || !(Number(expires) > Date.now())) {
    throw new LotlineError('QRY-TOKEN', 'the nextPageToken is unknown or has expired', {
      at: '?nextPageToken',
      fix: 'Ask for the first page again, without nextPageToken.',
    });
  }
  if (digest !== parameterDigest(query)) {
    throw new LotlineError('QRY-PARAM', 'the nextPageToken was made for other parameters', {
      at: '?nextPageToken',
      fix: 'Follow the link of the page before as it is.',
    });
  }
  return { limit, cursor };
}

/** Sets the headers that lead to the next page. */
export function linkNext(reply: FastifyReply, path: string, query: Readonly<Record<string, unknown>>, cursor: string): void {
  const expires = Date.now() + TOKEN_MS;
  const token = Buffer.from(JSON.stringify([String(expires), parameterDigest(query), cursor])).toString('base64url');
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (name !== 'nextPageToken' && value !== undefined) parameters.set(name, String(value as string | number | boolean));
  if (!parameters.has('perPage')) parameters.set('perPage', String(PER_PAGE_DEFAULT));
  parameters.set('nextPageToken', token);
  void reply.header('link', `<${path}?${parameters.toString()}>; rel="next"`);
  void reply.header('gs1-next-page-token-expires', new Date(expires).toISOString());
}

function readToken(token: string): [string, string, string] | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === 'string')
      ? (value as [string, string, string])
      : null;
  } catch {
    return null;
  }
}

/** perPage may change from page to page; everything else that selects may not. */
function parameterDigest(query: Readonly<Record<string, unknown>>): string {
  const selecting = Object.entries(query)
    .filter(([name]) => name !== 'nextPageToken' && name !== 'perPage')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(selecting)).digest('base64url').slice(0, 16);
}

/** A cursor that is a number. */
export function numberCursor(page: Page): number | undefined {
  return page.cursor === null ? undefined : parseCursorNumber(page.cursor);
}

export function parseCursorNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number))
    throw new LotlineError('QRY-TOKEN', 'the nextPageToken is unknown', { at: '?nextPageToken', fix: 'Ask for the first page again.' });
  return number;
}
