import { LotlineError } from '../../errors.ts';
import { locationKey } from '../../identifiers/index.ts';
import type { Thing, ThingLot } from '../../identifiers/thing.ts';
import type { VocabularyKind } from '../cbv/lists.ts';
import { canonicalVocabulary } from '../cbv/vocabulary.ts';
import { readContext, Scope } from '../json/context.ts';
import type { Action, ExactTime } from '../model.ts';
import { EPCIS_PREFIXES, expandCurie, type Prefixes } from '../prefixes.ts';
import { parseExactTime } from '../time.ts';
import { isAbsoluteUri, quoted } from '../uri.ts';
import { ifKeptAsUri, type LotPattern, parseClassPattern, parseEpcPattern, type ThingPattern } from './thing-pattern.ts';

/** What a parameter may take, and what its value has become once it is read: plain data, canonical. */
export type Taken = {
  eventTypes: readonly string[];
  actions: readonly Action[];
  /** The canonical form of vocabulary values: a bare word, or the URI. */
  words: readonly string[];
  /** Canonical keys of locations and other objects that a URI names, or the URI itself. */
  keys: readonly string[];
  uris: readonly string[];
  epcs: { readonly things: readonly Thing[]; readonly patterns: readonly ThingPattern[] };
  classes: { readonly lots: readonly ThingLot[]; readonly patterns: readonly LotPattern[] };
  time: ExactTime;
  number: number;
  numbers: readonly number[];
  flag: true;
};

type Row = {
  readonly takes: keyof Taken;
  /** The vocabulary of `words`. */
  readonly of?: VocabularyKind;
  /** What may follow the name and a `_`: a unit of measure. Without it the parameter speaks of values that have none. */
  readonly tail?: 'uom';
};

/**
 * The parameters of SimpleEventQuery (epcis-2.0.md §9.2) that are supported, in the standard's order. A row here asks for a row in
 * query/events-sql.ts: it does not compile without.
 */
export const GRAMMAR = {
  eventType: { takes: 'eventTypes' },
  GE_eventTime: { takes: 'time' },
  LT_eventTime: { takes: 'time' },
  GE_recordTime: { takes: 'time' },
  LT_recordTime: { takes: 'time' },
  EQ_action: { takes: 'actions' },
  EQ_bizStep: { takes: 'words', of: 'bizStep' },
  EQ_disposition: { takes: 'words', of: 'disposition' },
  EQ_readPoint: { takes: 'keys' },
  EQ_bizLocation: { takes: 'keys' },
  EQ_transformationID: { takes: 'keys' },
  MATCH_epc: { takes: 'epcs' },
  MATCH_parentID: { takes: 'epcs' },
  MATCH_inputEPC: { takes: 'epcs' },
  MATCH_outputEPC: { takes: 'epcs' },
  MATCH_anyEPC: { takes: 'epcs' },
  MATCH_epcClass: { takes: 'classes' },
  MATCH_inputEPCClass: { takes: 'classes' },
  MATCH_outputEPCClass: { takes: 'classes' },
  MATCH_anyEPCClass: { takes: 'classes' },
  EQ_quantity: { takes: 'numbers', tail: 'uom' },
  GT_quantity: { takes: 'number', tail: 'uom' },
  GE_quantity: { takes: 'number', tail: 'uom' },
  LT_quantity: { takes: 'number', tail: 'uom' },
  LE_quantity: { takes: 'number', tail: 'uom' },
  EQ_eventID: { takes: 'uris' },
  EXISTS_errorDeclaration: { takes: 'flag' },
} as const satisfies Record<string, Row>;

export type GrammarName = keyof typeof GRAMMAR;
export type ValueOf<N extends GrammarName> = Taken[(typeof GRAMMAR)[N]['takes']];

/** One parameter of a query: its row, what followed the name, and its value. */
export type Parameter = { [N in GrammarName]: { readonly name: N; readonly tail: string | null; readonly value: ValueOf<N> } }[GrammarName];

export type EventOrder = { readonly by: 'eventTime' | 'recordTime'; readonly direction: 'ASC' | 'DESC' };

/** A query as plain data. Queries that ask the same are equal texts as JSON: parameters and list values are in one order, nothing is repeated. */
export type EventQuery = {
  readonly parameters: readonly Parameter[];
  /** Null: no order was asked for. */
  readonly order: EventOrder | null;
  readonly eventCountLimit: number | null;
  readonly maxEventCount: number | null;
};

/** What only a URL may say: how to page through the answer. */
export type PageRequest = { readonly perPage: number; readonly nextPageToken: string | null };

/** the standard's page size, and the largest one; who asks for more gets this many. */
export const PER_PAGE = 30;
export const PER_PAGE_MAX = 1000;

/** Parameters that are not about single events (§9.2, at the end). */
const CONTROLS = new Set(['orderBy', 'orderDirection', 'eventCountLimit', 'maxEventCount']);
const PAGING = new Set(['perPage', 'nextPageToken']);

// Known to the standard (§9.2) and not supported yet: refused as such, so that nobody looks for a typing error.
const NOT_YET = new Set(
  `EQ_persistentDisposition_set EQ_persistentDisposition_unset WD_readPoint WD_bizLocation GE_errorDeclarationTime LT_errorDeclarationTime
  GE_errorDeclaration_Time LT_errorDeclaration_Time EQ_errorReason EQ_correctiveEventID EXISTS_sensorElementList EXISTS_sensorElement GE_time LT_time
  GE_startTime LT_startTime GE_endTime LT_endTime EQ_type EQ_deviceID EQ_dataProcessingMethod EQ_microorganism EQ_chemicalSubstance EQ_bizRules
  EQ_stringValue EQ_hexBinaryValue EQ_uriValue EQ_booleanValue GE_percRank LT_percRank GT_percRank LE_percRank`.split(/\s+/),
);
const NOT_YET_FAMILIES = [
  /^EQ_(?:bizTransaction|source|destination)_./,
  /^(?:HASATTR|EQATTR|EQ_ATTR)_./,
  /^(?:EQ|GT|GE|LT|LE)_(?:value|minValue|maxValue|meanValue|sDev|percValue)_[A-Z0-9]{2,3}$/,
  // Extension fields at every place: a name with a prefix, or <namespace>#<local> (Q-8).
  /^(?:EQ|GT|GE|LT|LE|EXISTS)_(?:[A-Za-z]+_)*[^_]*[:#]./,
];

/** What reading one query needs to know besides its parameters. */
type Reading = {
  readonly prefixes: Prefixes /** Stands before a parameter's name where an error says where: `?`, or a JSON pointer. */;
  readonly at: string;
};

/**
 * Reads the query string of a URL (Q-1 to; R-6: lists are divided by `|`). `prefixes` are those that the client declared in
 * GS1-Extensions. Refuses what is wrong with QRY-PARAM, naming the parameter.
 */
export function parseUrlQuery(search: URLSearchParams, options: { prefixes?: Prefixes } = {}): { query: EventQuery; page: PageRequest } {
  const reading: Reading = { prefixes: options.prefixes ?? EPCIS_PREFIXES, at: '?' };
  const texts = new Map<string, string>();
  for (const [name, text] of search) {
    if (texts.has(name)) throw fault(reading, name, 'is given twice', 'Give it once, with its values divided by |.');
    texts.set(name, text);
  }
  const query = new QueryReader(reading);
  for (const [name, text] of texts) {
    if (PAGING.has(name)) continue;
    query.take(name, text === '' ? undefined : (row) => fromText(row, text));
  }
  const perPage = texts.get('perPage') || null;
  return {
    query: query.result(),
    page: {
      perPage: perPage === null ? PER_PAGE : Math.min(positive(reading, 'perPage', perPage), PER_PAGE_MAX),
      nextPageToken: texts.get('nextPageToken') || null,
    },
  };
}

/**
 * Reads the `query` object of a named query (§9.1): lists are arrays, numbers numbers. Its `@context` declares the prefixes it uses.
 * Null, '' and [] are values left out, but for the EXISTS_ flags, whose value says nothing (T-4).
 */
export function parseQueryBody(json: unknown, options: { pointer?: string } = {}): EventQuery {
  const pointer = options.pointer ?? '';
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new LotlineError('QRY-PARAM', 'the query is not a JSON object', { at: pointer, fix: 'Give an object of parameters.' });
  const { '@context': context, ...members } = json as Record<string, unknown>;
  const outer = new Scope(EPCIS_PREFIXES);
  const prefixes = context === undefined ? EPCIS_PREFIXES : readContext(context, `${pointer}/@context`, { outer }).prefixes;
  const query = new QueryReader({ prefixes, at: `${pointer}/` });
  for (const [name, value] of Object.entries(members)) query.take(name, fromJson(value));
  return query.result();
}

/** A value in the shape its row asks for; the answer is text, number or a list of them, still to be read. Undefined: left out. */
type Raw = ((takes: keyof Taken | 'text' | 'integer') => unknown) | undefined;

const LISTS: ReadonlySet<string> = new Set<keyof Taken>(['eventTypes', 'actions', 'words', 'keys', 'uris', 'epcs', 'classes', 'numbers']);
const NUMBERS: ReadonlySet<string> = new Set(['number', 'numbers', 'integer']);
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

function fromText(takes: keyof Taken | 'text' | 'integer', text: string): unknown {
  const number = (part: string) => (DECIMAL.test(part) ? Number(part) : part);
  if (takes === 'flag') return text === 'true' || text === '1' ? true : text === 'false' ? false : text;
  if (LISTS.has(takes)) return NUMBERS.has(takes) ? text.split('|').map(number) : text.split('|');
  return NUMBERS.has(takes) ? number(text) : text;
}

function fromJson(value: unknown): Raw {
  const empty = value === null || value === '' || (Array.isArray(value) && value.length === 0);
  return (takes) => {
    if (takes === 'flag') return value === null || typeof value === 'number' ? true : empty ? undefined : value;
    if (empty) return undefined;
    return takes === 'numbers' && !Array.isArray(value) ? [value] : value; // T-5
  };
}

/** Collects the parameters of one query and checks what goes with what. */
class QueryReader {
  private readonly reading: Reading;
  private readonly parameters: Parameter[] = [];
  private readonly controls = new Map<string, unknown>();

  constructor(reading: Reading) {
    this.reading = reading;
  }

  take(name: string, raw: Raw): void {
    if (CONTROLS.has(name)) {
      const value = raw?.(name === 'orderBy' || name === 'orderDirection' ? 'text' : 'integer');
      if (value !== undefined) this.controls.set(name, value);
      return;
    }
    const { row, tail } = this.rowOf(name);
    const value = raw?.(GRAMMAR[row].takes);
    if (value === undefined || (value === false && GRAMMAR[row].takes === 'flag')) return;
    try {
      this.parameters.push({ name: row, tail, value: readValue(GRAMMAR[row], value, this.reading.prefixes) } as Parameter);
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
      throw new LotlineError('QRY-PARAM', `${name}: ${error.message}`, {
        at: `${this.reading.at}${name}`,
        fix: error.fix,
        cause: error,
      });
    }
  }

  result(): EventQuery {
    const order = this.order();
    const eventCountLimit = this.count('eventCountLimit');
    const maxEventCount = this.count('maxEventCount');
    if (eventCountLimit !== null && maxEventCount !== null)
      throw fault(this.reading, 'maxEventCount', 'cannot stand beside eventCountLimit', 'Give one of the two.');
    if (eventCountLimit !== null && order === null)
      throw fault(
        this.reading,
        'eventCountLimit',
        'needs orderBy, which says what comes first',
        'Add orderBy=eventTime or orderBy=recordTime.',
      );
    const place = (p: Parameter) => ORDER.get(p.name) as number;
    const parameters = this.parameters.sort((a, b) => place(a) - place(b) || (`${a.tail}` < `${b.tail}` ? -1 : 1));
    return { parameters, order, eventCountLimit, maxEventCount };
  }

  /** The row of a parameter's name; the longest name that a row begins with wins. */
  private rowOf(name: string): { row: GrammarName; tail: string | null } {
    if (isRow(name)) return { row: name, tail: null };
    for (let at = name.lastIndexOf('_'); at > 0; at = name.lastIndexOf('_', at - 1)) {
      const row = name.slice(0, at);
      const tail = name.slice(at + 1);
      if (isRow(row) && (GRAMMAR[row] as Row).tail === 'uom' && /^[A-Z0-9]{2,3}$/.test(tail)) return { row, tail };
    }
    if (NOT_YET.has(name) || NOT_YET_FAMILIES.some((family) => family.test(name)))
      throw new LotlineError('NOT-SUPPORTED', `the query parameter ${quoted(name)} is not supported by this version`, {
        at: `${this.reading.at}${name}`,
        fix: 'Leave it out, and filter the answer.',
      });
    if (PAGING.has(name)) throw fault(this.reading, name, 'belongs in the URL, not in the query', 'Move it to the URL.');
    throw fault(this.reading, name, 'is no query parameter', 'Correct the name; it is case-sensitive.');
  }

  private order(): EventOrder | null {
    const by = this.controls.get('orderBy');
    const direction = this.controls.get('orderDirection') ?? 'DESC';
    if (direction !== 'ASC' && direction !== 'DESC')
      throw fault(this.reading, 'orderDirection', `is ${quoted(direction)}`, 'Give ASC or DESC.');
    if (by === undefined) return null;
    if (by === 'eventTime' || by === 'recordTime') return { by, direction };
    if (typeof by === 'string' && /[:#]/.test(by))
      throw new LotlineError('NOT-SUPPORTED', 'ordering by an extension field is not supported by this version', {
        at: `${this.reading.at}orderBy`,
        fix: 'Order by eventTime or recordTime.',
      });
    throw fault(this.reading, 'orderBy', `is ${quoted(by)}`, 'Order by eventTime or recordTime.');
  }

  private count(name: 'eventCountLimit' | 'maxEventCount'): number | null {
    const value = this.controls.get(name);
    return value === undefined ? null : positive(this.reading, name, value);
  }
}

const ORDER: ReadonlyMap<string, number> = new Map(Object.keys(GRAMMAR).map((name, i) => [name, i]));

function isRow(name: string): name is GrammarName {
  return Object.hasOwn(GRAMMAR, name);
}

function positive(reading: Reading, name: string, value: unknown): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1)
    throw fault(reading, name, `is ${quoted(value)}`, 'Give a whole number from 1 on.');
  return number;
}

// ── Values ───────────────────────────────────────────────────────────────────────────────────

function readValue(row: Row, value: unknown, prefixes: Prefixes): Taken[keyof Taken] {
  switch (row.takes) {
    case 'eventTypes':
      return distinct(texts(value).flatMap((text) => eventType(text, prefixes)));
    case 'actions':
      return distinct(texts(value).map(action));
    case 'words':
      return distinct(texts(value).map((text) => canonicalVocabulary(row.of as VocabularyKind, text, prefixes)));
    case 'keys':
      return distinct(texts(value).map((text) => ifKeptAsUri(text, () => locationKey(text), text)));
    case 'uris':
      return distinct(texts(value).map(uri));
    case 'epcs': {
      const read = distinct(texts(value)).map(parseEpcPattern);
      return { things: read.filter((one) => 'serial' in one), patterns: read.filter((one) => 'serials' in one) };
    }
    case 'classes': {
      const read = distinct(texts(value)).flatMap(parseClassPattern);
      return { lots: read.filter((one) => 'lot' in one), patterns: read.filter((one) => 'lots' in one) };
    }
    case 'time':
      return time(value);
    case 'number':
      return number(value);
    case 'numbers':
      return distinct(list(value).map(number));
    case 'flag':
      if (value !== true) throw bad(value, 'is no flag', 'Give true or false.');
      return true;
  }
}

function distinct<T extends string | number>(values: readonly T[]): readonly T[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(value, 'is no list', 'Give an array of values.');
  return value;
}

function texts(value: unknown): readonly string[] {
  return list(value).map((one) => {
    if (typeof one !== 'string' || one === '') throw bad(one, 'is no text', 'Give every value of the list as text that is not empty.');
    return one;
  });
}

const EVENT_TYPES = new Set(['ObjectEvent', 'AggregationEvent', 'TransactionEvent', 'TransformationEvent', 'AssociationEvent']);
const EPCIS_NAMESPACE = EPCIS_PREFIXES.get('epcis') as string;

/** A standard type, or one of an extension by its full URI, as events have it (model.ts). */
function eventType(text: string, prefixes: Prefixes): string[] {
  const full = expandCurie(text, prefixes);
  const type = full.startsWith(EPCIS_NAMESPACE) ? full.slice(EPCIS_NAMESPACE.length) : full;
  if (!EVENT_TYPES.has(type) && !type.includes(':'))
    throw bad(text, 'is no event type', `Use ${[...EVENT_TYPES].join(', ')}, or the URI of a type of your own.`);
  return [type];
}

function action(text: string): Action {
  if (text !== 'ADD' && text !== 'OBSERVE' && text !== 'DELETE') throw bad(text, 'is no action', 'Use ADD, OBSERVE or DELETE.');
  return text;
}

function uri(text: string): string {
  if (!isAbsoluteUri(text)) throw bad(text, 'is no absolute URI', 'Give the URI in full.');
  return text;
}

function time(value: unknown): ExactTime {
  if (typeof value !== 'string') throw bad(value, 'is no date-time', 'Write the time as text, such as 2026-03-01T08:15:00Z.');
  // In a URL a bare + is a blank.
  if (/T[\d:.]+ \d\d:\d\d$/.test(value)) throw bad(value, 'has a blank where its zone begins', 'Write the + of the zone as %2B in a URL.');
  return parseExactTime(value);
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw bad(value, 'is no number', 'Give a decimal number.');
  return value;
}

function bad(value: unknown, what: string, fix: string): LotlineError {
  return new LotlineError('QRY-PARAM', `${quoted(value)} ${what}`, { fix });
}

function fault(reading: Reading, name: string, what: string, fix: string): LotlineError {
  return new LotlineError('QRY-PARAM', `the query parameter ${quoted(name)} ${what}`, { at: `${reading.at}${name}`, fix });
}
