import { LotlineError } from '../../errors.ts';
import { checkName, locationKey, parseEpc, parseEpcClass } from '../../identifiers/index.ts';
import type { Thing } from '../../identifiers/thing.ts';
import type { VocabularyKind } from '../cbv/lists.ts';
import { canonicalVocabulary, unknownCbvUri, unknownCbvUrn } from '../cbv/vocabulary.ts';
import type { Action, EpcisEvent, ExactTime, Quantity, RuleBreach } from '../model.ts';
import { expandCurie, isMasterDataNamespace, TEXT_MEMBER } from '../prefixes.ts';
import { parseExactTime } from '../time.ts';
import { quoted } from '../uri.ts';
import { checkUnique } from './check.ts';
import type { Scope } from './context.ts';
import type { Faults } from './faults.ts';
import { isObject, type JsonObject } from './json-object.ts';
import { checkPersonalValue } from './personal.ts';
import { BREACHES_MAX, unknownValue } from './rules.ts';
import { pointerToken } from './split.ts';

/**
 * Reads what an event says: identifiers to things, vocabulary values to their canonical form (V-1, V-8, I-10). Faults of identifiers go to the
 * collector, what is let pass but told to `breaches`; of members with another type than the schema wants nothing is read, since the schema check has told of them.
 */
export function interpretEvent(json: JsonObject, at: string, scope: Scope, faults: Faults, breaches: RuleBreach[]): EpcisEvent {
  return new Reader(json, at, scope, faults, breaches).read();
}

class Reader {
  private readonly json: JsonObject;
  private readonly at: string;
  private readonly scope: Scope;
  private readonly faults: Faults;
  private readonly breaches: RuleBreach[];

  constructor(json: JsonObject, at: string, scope: Scope, faults: Faults, breaches: RuleBreach[]) {
    this.json = json;
    this.at = at;
    this.scope = scope;
    this.faults = faults;
    this.breaches = breaches;
  }

  read(): EpcisEvent {
    const { json } = this;
    const persistent = isObject(json['persistentDisposition']) ? json['persistentDisposition'] : {};
    const ilmd = this.readIlmd();
    return {
      type: expandCurie(this.text('type') ?? '', this.scope.prefixes),
      action: this.action(),
      eventTime: this.time(json['eventTime']),
      offset: this.text('eventTimeZoneOffset') ?? '',
      eventID: this.text('eventID'),
      bizStep: this.word('bizStep', json['bizStep'], `${this.at}/bizStep`),
      disposition: this.word('disposition', json['disposition'], `${this.at}/disposition`),
      persistentSet: this.words('set', persistent['set']),
      persistentUnset: this.words('unset', persistent['unset']),
      readPoint: this.location('readPoint'),
      bizLocation: this.location('bizLocation'),
      parentID: this.parent(),
      epcList: this.things('epcList'),
      childEPCs: this.things('childEPCs'),
      inputEPCList: this.things('inputEPCList'),
      outputEPCList: this.things('outputEPCList'),
      quantityList: this.quantities('quantityList'),
      childQuantityList: this.quantities('childQuantityList'),
      inputQuantityList: this.quantities('inputQuantityList'),
      outputQuantityList: this.quantities('outputQuantityList'),
      transformationID: this.key(json['transformationID'], `${this.at}/transformationID`),
      bizTransactionList: this.pairs('bizTransactionList', 'bizTransaction', 'bizTransactionType'),
      sourceList: this.pairs('sourceList', 'source', 'sourceDestType') as EpcisEvent['sourceList'],
      destinationList: this.pairs('destinationList', 'destination', 'sourceDestType') as EpcisEvent['destinationList'],
      ilmdLot: ilmd.lot,
      ilmdExpiry: ilmd.expiry,
      errorDeclaration: this.errorDeclaration(),
    };
  }

  private text(name: string): string | null {
    const value = this.json[name];
    return typeof value === 'string' ? value : null;
  }

  private action(): Action | null {
    const { action } = this.json;
    return action === 'ADD' || action === 'OBSERVE' || action === 'DELETE' ? action : null;
  }

  private time(value: unknown): ExactTime {
    try {
      return parseExactTime(String(value));
    } catch {
      return { ms: 0, below: '' }; // told by the schema check; the event is not used
    }
  }

  /** A text that is kept as it is written: told of if no store can. */
  private name(text: string | null, at: string): string | null {
    if (text !== null) this.faults.try(at, () => checkName(text));
    return text;
  }

  private word(kind: VocabularyKind, value: unknown, at: string): string | null {
    if (typeof value !== 'string') return null;
    const unknown = this.unknownWord(kind, value);
    if (unknown !== null) {
      this.tell(at, unknownValue(value));
      return unknown;
    }
    try {
      return canonicalVocabulary(kind, value, this.scope.prefixes);
    } catch {
      return null; // told by the vocabulary check
    }
  }

  /** V-4: partners who still speak 1.x are told, not turned away; nor are those whose XML has a value that CBV 2.0 does not know (V-2). */
  private unknownWord(kind: VocabularyKind, value: string): string | null {
    const { syntax, prefixes } = this.scope;
    if (syntax === 'json') return null;
    if (syntax === 'xml 1.x' && unknownCbvUrn(kind, value) === 'unknown') return value;
    return unknownCbvUri(kind, value, prefixes);
  }

  private tell(at: string, message: string): void {
    if (this.breaches.length < BREACHES_MAX) this.breaches.push({ code: 'EV-RULE', at, message });
  }

  private words(name: 'set' | 'unset', value: unknown): readonly string[] {
    if (!Array.isArray(value)) return [];
    const at = `${this.at}/persistentDisposition/${name}`;
    return value.map((one, i) => this.word('disposition', one, `${at}/${i}`)).filter((one) => one !== null);
  }

  private location(name: 'readPoint' | 'bizLocation'): string | null {
    const value = this.json[name];
    return isObject(value) ? this.key(value['id'], `${this.at}/${name}/id`) : null;
  }

  /** A canonical key, or the URI itself: for locations, parties and whatever else may be a GS1 key but is no object of the event. */
  private key(value: unknown, at: string): string | null {
    if (typeof value !== 'string') return null;
    if (value.includes('#') && checkPersonalValue(value, at, this.faults)) return null;
    try {
      return locationKey(value);
    } catch (error) {
      if (this.isForeignLink(value, error, at)) return value;
      this.faults.catch(error, at);
      return null;
    }
  }

  /**
   * A path on another domain than id.gs1.org may look like a Digital Link and be none (I-9): when it breaks the rules of its key it stays a URI and is
   * flagged, as official examples need it; those in XML need it on id.gs1.org too. Not so for GTIN and SSCC: there a wrong digit is a misread pack.
   */
  private isForeignLink(value: string, error: unknown, at: string): boolean {
    if (!(error instanceof LotlineError) || (error.code !== 'ID-CHECK' && error.code !== 'ID-FORM')) return false;
    if (!/^https?:\/\//i.test(value) || /\/0[01]\//.test(value)) return false;
    if (this.scope.syntax === 'json' && (error.code === 'ID-FORM' || value.startsWith('https://id.gs1.org/'))) return false;
    this.tell(at, `${error.message} (kept as a plain URI)`);
    return true;
  }

  private parent(): Thing | null {
    const value = this.json['parentID'];
    if (typeof value !== 'string') return null;
    // DM-8: things may be built into a place, so an association's parent may be a location.
    return this.thing(value, `${this.at}/parentID`, this.json['type'] === 'AssociationEvent');
  }

  private thing(value: unknown, at: string, mayBeLocation: boolean): Thing | null {
    const { faults } = this;
    if (typeof value !== 'string') {
      faults.add('EV-SCHEMA', `${quoted(value)} is not a string`, at, 'Write the identifier as a string.');
      return null;
    }
    let thing: Thing;
    try {
      thing = parseEpc(value);
    } catch (error) {
      if (checkPersonalValue(value, at, faults)) return null;
      if (!this.isForeignLink(value, error, at)) {
        faults.catch(error, at);
        return null;
      }
      thing = { class: 'uri', serial: value };
    }
    if (thing.class === 'uri' && checkPersonalValue(value, at, faults)) return null;
    if (!mayBeLocation && (thing.class === '414' || thing.class === '417')) {
      faults.add(
        'EV-RULE',
        'a location or party stands where an object is expected (DM-8)',
        at,
        'Name the object; places belong in readPoint, bizLocation, sourceList or destinationList.',
      );
      return null;
    }
    return thing;
  }

  private things(name: string): readonly Thing[] {
    const value = this.json[name];
    if (!Array.isArray(value)) return [];
    const { faults } = this;
    const at = `${this.at}/${name}`;
    const things: Thing[] = [];
    for (let i = 0; i < value.length; i++) {
      if (faults.full) return things;
      const text: unknown = value[i];
      // Most identifiers are sound: the pointer is only built for the others.
      let thing: Thing | null = null;
      if (typeof text === 'string') {
        try {
          thing = parseEpc(text);
        } catch {
          // told by the careful reading below
        }
      }
      if (thing === null || thing.class === 'uri' || thing.class === '414' || thing.class === '417')
        thing = this.thing(text, `${at}/${i}`, false);
      if (thing !== null) things.push(thing);
    }
    this.checkUnique(value, at);
    return withoutRepetition(things);
  }

  /**
   * DM-15: no entry twice. The same thing in two spellings is let pass, as an official example has it, and counts once; so does an entry that stands
   * twice in XML, whose schema does not mind.
   */
  private checkUnique(list: readonly unknown[], at: string): void {
    if (new Set(list).size === list.length) return;
    if (this.scope.syntax === 'json') checkUnique(list, at, this.faults);
    else this.tell(at, 'an entry stands twice in the list (DM-15), and counts once');
  }

  private quantities(name: string): readonly Quantity[] {
    const value = this.json[name];
    if (!Array.isArray(value)) return [];
    const read: Quantity[] = [];
    for (let i = 0; i < value.length && !this.faults.full; i++) {
      const element: unknown = value[i];
      if (!isObject(element) || typeof element['epcClass'] !== 'string') continue;
      const epcClass = element['epcClass'];
      const at = `${this.at}/${name}/${i}/epcClass`;
      if (epcClass.includes('#') && checkPersonalValue(epcClass, at, this.faults)) continue;
      const of = this.faults.try(at, () => parseEpcClass(epcClass));
      const { quantity, uom } = element;
      if (of !== undefined)
        read.push({ of, quantity: typeof quantity === 'number' ? quantity : null, uom: typeof uom === 'string' ? uom : null });
    }
    return read;
  }

  private pairs(name: string, member: string, kind: VocabularyKind): readonly { type: string | null; id: string }[] {
    const value = this.json[name];
    if (!Array.isArray(value)) return [];
    const read: { type: string | null; id: string }[] = [];
    for (let i = 0; i < value.length && !this.faults.full; i++) {
      const entry: unknown = value[i];
      if (!isObject(entry)) continue;
      const id = this.key(entry[member], `${this.at}/${name}/${i}/${member}`);
      if (id !== null) read.push({ type: this.word(kind, entry['type'], `${this.at}/${name}/${i}/type`), id });
    }
    return read;
  }

  private readIlmd(): { lot: string | null; expiry: string | null } {
    const { ilmd } = this.json;
    let lot: string | null = null;
    let expiry: string | null = null;
    if (isObject(ilmd)) {
      for (const name of Object.keys(ilmd)) {
        const read = this.scope.readName(name);
        if (typeof read === 'string' || !isMasterDataNamespace(read.namespace)) continue;
        const at = `${this.at}/ilmd/${pointerToken(name)}`;
        if (read.local === 'lotNumber') lot ??= this.name(scalarText(ilmd[name]), at);
        else if (read.local === 'itemExpirationDate') expiry ??= this.name(scalarText(ilmd[name])?.trim() ?? null, at);
      }
    }
    // A date written as a date-time, or with a zone, names the same day.
    if (expiry !== null && /^\d{4}-\d\d-\d\d(?:T|Z|[+-]\d\d:\d\d|$)/.test(expiry)) expiry = expiry.slice(0, 10);
    return { lot, expiry };
  }

  private errorDeclaration(): EpcisEvent['errorDeclaration'] {
    const value = this.json['errorDeclaration'];
    if (!isObject(value)) return null;
    const corrective = value['correctiveEventIDs'];
    return {
      declarationTime: this.time(value['declarationTime']),
      reason: this.word('errorReason', value['reason'], `${this.at}/errorDeclaration/reason`),
      correctiveEventIDs: Array.isArray(corrective) ? corrective.filter((id) => typeof id === 'string') : [],
    };
  }
}

function withoutRepetition(things: Thing[]): readonly Thing[] {
  const first = things[0]?.class;
  const seen = new Set<string>();
  if (things.every(({ class: owner, serial }) => owner === first && seen.size !== seen.add(serial).size)) return things;
  const keys = new Set<string>();
  return things.filter(({ class: owner, serial }) => keys.size !== keys.add(`${owner} ${serial}`).size);
}

/** The text of a value, or of the first of several. */
function scalarText(value: unknown): string | null {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  const one = isObject(first) ? first[TEXT_MEMBER] : first; // an XML element with attributes
  if (typeof one === 'string') return one.trim() === '' ? null : one; // a lot is what was written, byte for byte
  return typeof one === 'number' ? String(one) : null;
}
