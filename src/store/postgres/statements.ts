import { inWrittenOrder } from './written-order.ts';

/** A question's text as the server gets it; under a name it is parsed and planned once a connection. */
export type Prepared = { readonly text: string; readonly name?: string };

/** After so many times a text is taken for one that comes again and again. */
const OFTEN = 5;
/** Each connection keeps what it has prepared, so there is an end to it. */
const NAMES_MAX = 200;
/** Texts vary with what a caller names; beyond this many the counting starts anew. */
const TEXTS_MAX = 2_000;

const named = new Map<string, Prepared>();
const others = new Map<string, { readonly prepared: Prepared; times: number }>();

/** How to send a question of this text. Names are the same on every connection of the process. */
export function prepared(text: string): Prepared {
  const known = named.get(text);
  if (known !== undefined) return known;
  let seen = others.get(text);
  if (seen === undefined) {
    if (others.size >= TEXTS_MAX) others.clear();
    seen = { prepared: { text: inWrittenOrder(text) }, times: 0 };
    others.set(text, seen);
  }
  if (++seen.times < OFTEN || named.size >= NAMES_MAX) return seen.prepared;
  const mine = { ...seen.prepared, name: `q${named.size}` };
  named.set(text, mine);
  others.delete(text);
  return mine;
}
