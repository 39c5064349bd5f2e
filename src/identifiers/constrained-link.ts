import { readEpcUrn } from './epc-urn.ts';
import { readHashLink } from './event-links.ts';
import { BARE_IN_CONSTRAINED, encodeConstrained, isWithin } from './gs1/characters.ts';
import type { Gs1Key } from './gs1/keys.ts';
import { orNull } from './refusal.ts';

/** Heads already turned, as in epc.ts: `urn:epc:id:sgtin:9520123.000011.` → `https://id.gs1.org/01/09520123000110/21/`. */
type Head = { readonly from: string; readonly to: string };
const HEADS_MAX = 20_000;
const heads = new Map<string, Head>();
let lastHead: Head = { from: '\0', to: '' };

/**
 * The constrained canonical Digital Link of the event hash (codes.md §1.7): `https://id.gs1.org`, the key, its finest qualifier, and a
 * percent-encoding of its own. Whatever is no GS1 identifier by those rules comes back unchanged. Check digits of links are not looked at.
 */
export function constrainedDigitalLink(uri: string): string {
  const head = uri.startsWith(lastHead.from) ? lastHead : heads.get(uri.slice(0, headEnd(uri)));
  if (head !== undefined) {
    lastHead = head;
    const from = head.from.length;
    if (uri.length > from && uri.length - from <= 20 && isWithin(BARE_IN_CONSTRAINED, uri, from)) return head.to + uri.slice(from);
  }
  const key = readHashKey(uri);
  if (key === null) return uri;
  const link = write(key);
  remember(uri, key, link);
  return link;
}

function readHashKey(uri: string): Gs1Key | null {
  if (!uri.startsWith('urn:epc:')) return readHashLink(uri);
  // The hash leaves what it cannot read as it stands; capture refuses it elsewhere.
  return orNull(() => readEpcUrn(uri).key);
}

function write({ ai, value, qualifier, part }: Gs1Key): string {
  const base = `https://id.gs1.org/${ai}/${encodeConstrained(value)}`;
  return qualifier === '' ? base : `${base}/${qualifier}/${encodeConstrained(part)}`;
}

/** Behind the second dot of an SGTIN or LGTIN URN, or behind the last slash of a link without query: the forms that come by the thousand. */
function headEnd(uri: string): number {
  if (uri.startsWith('http')) return uri.includes('?') || uri.includes('#') ? 0 : uri.lastIndexOf('/') + 1;
  if (!uri.startsWith('urn:epc:id:sgtin:') && !uri.startsWith('urn:epc:class:lgtin:')) return 0;
  const dot = uri.indexOf('.');
  return dot < 0 ? 0 : uri.indexOf('.', dot + 1) + 1;
}

function remember(uri: string, key: Gs1Key, link: string): void {
  if (key.qualifier !== '21' && key.qualifier !== '10') return;
  const from = uri.slice(0, headEnd(uri));
  if (from === '' || uri.length - from.length !== key.part.length || !uri.endsWith(key.part) || !link.endsWith(key.part)) return;
  if (heads.size >= HEADS_MAX) heads.clear();
  heads.set(from, { from, to: link.slice(0, link.length - key.part.length) });
}
