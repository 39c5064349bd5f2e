import type { FastifyRequest } from 'fastify';
import { LotlineError } from '../errors.ts';

/** The media type to answer in: the one among `offered` that Accept likes best, the first where it does not care (R-10, RFC 9110 §12.5.1). */
export function accepted<Offer extends string>(request: FastifyRequest, offered: readonly [Offer, ...Offer[]]): Offer {
  const { accept } = request.headers;
  if (accept === undefined || accept.trim() === '') return offered[0];
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { range, q: q === undefined ? 1 : Number(q.slice(2)) };
  });
  let best: { offer: Offer; q: number } | null = null;
  for (const offer of offered) {
    // The most specific range that names an offer decides over it.
    const mine = ranges.filter(({ range }) => covers(range, offer)).sort((a, b) => b.range.length - a.range.length || b.q - a.q)[0];
    if (mine !== undefined && mine.q > 0 && (best === null || mine.q > best.q)) best = { offer, q: mine.q };
  }
  if (best !== null) return best.offer;
  throw new LotlineError('REQ-ACCEPT', `nothing here is ${accept.slice(0, 200)}`, { fix: `Accept ${offered.join(' or ')}.` });
}

function covers(range: string, offer: string): boolean {
  if (range === '*/*' || range === offer) return true;
  return range.endsWith('/*') && offer.startsWith(range.slice(0, -1));
}
