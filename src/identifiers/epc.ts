import { readEpcUrn } from './epc-urn.ts';
import { readEventLink } from './event-links.ts';
import { BARE_IN_URN, isWithin } from './gs1/characters.ts';
import { keyOf, lotOf, serialRule, thingOf } from './gs1/keys.ts';
import { checkName } from './name.ts';
import { refusal, shown } from './refusal.ts';
import type { Thing, ThingLot } from './thing.ts';

/**
 * Heads already read: `urn:epc:id:sgtin:9520123.000011.` → what every serial behind it has in common. An event of a thousand serials
 * of one product costs one full reading and a thousand scans of the serial.
 */
type Head = { readonly text: string; readonly class: string; readonly serialMax: number };
const HEADS_MAX = 20_000;
const heads = new Map<string, Head>();
let lastHead: Head = { text: '\0', class: '', serialMax: 0 };

/**
 * The thing that an EPC names, as it stands in epcList, childEPCs, parentID and the like (epcis-2.0.md V-8, §14): EPC URN, GS1 Digital
 * Link of any domain, or another absolute URI, which stays as it is. URN and link of one thing give the same answer (I-10).
 * Refuses a broken GS1 identifier (ID-FORM, ID-LENGTH, ID-CHECK, ID-CHARSET, ID-AI), patterns and tag URNs (I-6), and what is no URI.
 */
export function parseEpc(uri: string): Thing {
  const head = uri.startsWith(lastHead.text) ? lastHead : knownHead(uri);
  if (head !== undefined) {
    const from = head.text.length;
    if (uri.length > from && uri.length - from <= head.serialMax && isWithin(BARE_IN_URN, uri, from))
      return { class: head.class, serial: uri.slice(from) };
  }
  const thing = readEpc(uri);
  remember(uri, thing);
  return thing;
}

function knownHead(uri: string): Head | undefined {
  const cut = headEnd(uri);
  if (cut === 0) return undefined;
  const head = heads.get(uri.slice(0, cut));
  if (head !== undefined) lastHead = head;
  return head;
}

/** Where a serial would begin: behind the second dot of a URN (the fourth of an ITIP), behind the last slash of a link without query; 0 = nowhere. */
function headEnd(uri: string): number {
  if (uri.startsWith('http')) return uri.includes('?') || uri.includes('#') ? 0 : uri.lastIndexOf('/') + 1;
  if (!uri.startsWith('urn:epc:id:')) return 0;
  let at = -1;
  for (let dots = uri.startsWith('itip:', 11) ? 4 : 2; dots > 0; dots--) {
    at = uri.indexOf('.', at + 1);
    if (at < 0) return 0;
  }
  return at + 1;
}

/** Keeps the head of a thing whose serial is free text, all of it behind the head. Check digits and totals are part of the head then. */
function remember(uri: string, thing: Thing): void {
  const cut = headEnd(uri);
  if (cut === 0 || !thing.class.includes('/') || uri.length - cut !== thing.serial.length || !uri.endsWith(thing.serial)) return;
  const key = keyOf(thing);
  const rule = key === null ? null : serialRule(key.ai, key.qualifier);
  if (rule === null || rule.set !== 'X') return;
  if (heads.size >= HEADS_MAX) heads.clear();
  const head = { text: uri.slice(0, cut), class: thing.class, serialMax: rule.max };
  heads.set(head.text, head);
}

function readEpc(uri: string): Thing {
  checkName(uri);
  if (isEpcUrn(uri)) {
    const urn = readEpcUrn(uri);
    if (urn.level !== 'id')
      throw refusal(
        'ID-FORM',
        `${shown(uri)}: names a class, not one thing`,
        'Give the instance, urn:epc:id:…, or move the class to a quantity list.',
      );
    return urn.key === null ? { class: 'uri', serial: urn.text } : thingOf(urn.key);
  }
  checkUri(uri);
  const key = readEventLink(uri);
  return key === null ? { class: 'uri', serial: uri } : thingOf(key);
}

/**
 * The class or lot that an epcClass names (§14.1): `urn:epc:class:lgtin:`, `urn:epc:idpat:….*`, a Digital Link of a class or lot,
 * or another absolute URI. An identifier of one instance is kept as class 'uri' with its canonical key.
 */
export function parseEpcClass(uri: string): ThingLot {
  checkName(uri);
  if (isEpcUrn(uri)) {
    const urn = readEpcUrn(uri);
    return urn.key === null ? { class: 'uri', lot: urn.text } : lotOf(urn.key);
  }
  checkUri(uri);
  const key = readEventLink(uri);
  return key === null ? { class: 'uri', lot: uri } : lotOf(key);
}

/** An EPC URN, in whatever case it begins. Raw ones say of themselves that they could not be decoded: plain URIs (I-6). */
function isEpcUrn(uri: string): boolean {
  return (uri.startsWith('urn:epc:') || /^urn:epc:/i.test(uri)) && !uri.startsWith('urn:epc:raw:');
}

/** Refuses text that is no absolute URI: no scheme, nothing behind it, blanks or characters that no URI holds. */
export function checkUri(uri: string): void {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\s\p{Cc}<>"{}|\\^`]+$/u.test(uri))
    throw refusal(
      'ID-FORM',
      `${shown(uri) || 'empty text'}: not an absolute URI`,
      'Give an EPC URN, a GS1 Digital Link or another absolute URI.',
    );
}
