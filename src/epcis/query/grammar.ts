import { LotlineError } from '../../errors.ts';
import { locationKey } from '../../identifiers/index.ts';
import type { Thing, ThingLot } from '../../identifiers/thing.ts';
import type { VocabularyKind } from '../cbv/lists.ts';
import { canonicalVocabulary } from '../cbv/vocabulary.ts';
import { readContext, Scope } from '../json/context.ts';
import { extensionName, qualifiedName, SCOPES } from '../json/extension-fields.ts';
import type { Action, ExactTime } from '../model.ts';
import { EPCIS_PREFIXES, expandCurie, type Prefixes, readName } from '../prefixes.ts';
import { parseExactTime } from '../time.ts';
import { isAbsoluteUri, quoted } from '../uri.ts';
import { comparableKey, DECIMAL, equalKeys, timeKey } from './field-key.ts';
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
  texts: readonly string[];
  /** In capitals. */
  hex: readonly string[];
  /** Keys (field-key.ts) of what equals one of the values of an extension field. */
  equals: readonly string[];
  /** The key of the number or time that an extension field is compared with. */
  compares: string;
  /** Names of master data attributes, as `attributeName` has them. */
  attributes: readonly string[];
  epcs: { readonly things: readonly Thing[]; readonly patterns: readonly ThingPattern[] };
  classes: { readonly lots: readonly ThingLot[]; readonly patterns: readonly LotPattern[] };
  time: ExactTime;
  number: number;
  numbers: readonly number[];
  boolean: boolean;
  flag: true;
};

/**
 * What follows a name and a `_`. `uom`: a unit, without which the parameter speaks of quantities that have none; `type`: of a transaction, source or
 * destination; `element`: where a vocabulary element stands, `bizLocation` or an extension's name; `attribute`: the same and, behind a blank, an attribute
 * of it. Two take the place of the name itself: `amount`, as GE_value_CEL is GE_amount with the tail `value_CEL`, and `extension`, as EQ_ILMD_ex:f is
 * EQ_extension with the tail `ILMD_http://ns.example.com/#f`.
 */
type Tail = 'uom' | 'type' | 'element' | 'attribute' | 'amount' | 'extension';

type Row = {
  readonly takes: keyof Taken;
  /** The vocabulary of `words`, or of a `type`. */
  readonly of?: VocabularyKind;
  readonly tail?: Tail;
};

/**
 * The parameters of SimpleEventQuery (epcis-2.0.md §9.2), in the standard's order. A row here asks for a row in query/event-conditions.ts: it does not
 * compile without.
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
  EQ_persistentDisposition_set: { takes: 'words', of: 'disposition' },
  EQ_persistentDisposition_unset: { takes: 'words', of: 'disposition' },
  EQ_readPoint: { takes: 'keys' },
  WD_readPoint: { takes: 'keys' },
  EQ_bizLocation: { takes: 'keys' },
  WD_bizLocation: { takes: 'keys' },
  EQ_bizTransaction: { takes: 'keys', tail: 'type', of: 'bizTransactionType' },
  EQ_source: { takes: 'keys', tail: 'type', of: 'sourceDestType' },
  EQ_destination: { takes: 'keys', tail: 'type', of: 'sourceDestType' },
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
  GE_errorDeclarationTime: { takes: 'time' },
  LT_errorDeclarationTime: { takes: 'time' },
  EQ_errorReason: { takes: 'words', of: 'errorReason' },
  EQ_correctiveEventID: { takes: 'uris' },
  EQ_extension: { takes: 'equals', tail: 'extension' },
  GT_extension: { takes: 'compares', tail: 'extension' },
  GE_extension: { takes: 'compares', tail: 'extension' },
  LT_extension: { takes: 'compares', tail: 'extension' },
  LE_extension: { takes: 'compares', tail: 'extension' },
  EXISTS_extension: { takes: 'flag', tail: 'extension' },
  HASATTR: { takes: 'attributes', tail: 'element' },
  EQATTR: { takes: 'texts', tail: 'attribute' },
  EXISTS_sensorElementList: { takes: 'flag' },
  GE_time: { takes: 'time' },
  LT_time: { takes: 'time' },
  GE_startTime: { takes: 'time' },
  LT_startTime: { takes: 'time' },
  GE_endTime: { takes: 'time' },
  LT_endTime: { takes: 'time' },
  EQ_type: { takes: 'words', of: 'measurementType' },
  EQ_deviceID: { takes: 'keys' },
  EQ_dataProcessingMethod: { takes: 'keys' },
  EQ_microorganism: { takes: 'keys' },
  EQ_chemicalSubstance: { takes: 'keys' },
  EQ_bizRules: { takes: 'keys' },
  EQ_stringValue: { takes: 'texts' },
  EQ_hexBinaryValue: { takes: 'hex' },
  EQ_uriValue: { takes: 'uris' },
  EQ_booleanValue: { takes: 'boolean' },
  EQ_amount: { takes: 'numbers', tail: 'amount' },
  GT_amount: { takes: 'number', tail: 'amount' },
  GE_amount: { takes: 'number', tail: 'amount' },
  LT_amount: { takes: 'number', tail: 'amount' },
  LE_amount: { takes: 'number', tail: 'amount' },
  GT_percRank: { takes: 'number' },
  GE_percRank: { takes: 'number' },
  LT_percRank: { takes: 'number' },
  LE_percRank: { takes: 'number' },
} as const satisfies Record<string, Row>;

/** Spellings that only one of the standard's artefacts has (T-3). */
const ALIASES: ReadonlyMap<string, GrammarName> = new Map([
  ['EXISTS_sensorElement', 'EXISTS_sensorElementList'],
  ['GE_errorDeclaration_Time', 'GE_errorDeclarationTime'],
  ['LT_errorDeclaration_Time', 'LT_errorDeclarationTime'],
]);

export type GrammarName = keyof typeof GRAMMAR;
export type ValueOf<N extends GrammarName> = Taken[(typeof GRAMMAR)[N]['takes']];

/** One parameter of a query: its row, what followed the name, and its value. */
export type Parameter = { [N in GrammarName]: { readonly name: N; readonly tail: string | null; readonly value: ValueOf<N> } }[GrammarName];

/** `field` is an extension field of the event, as `<namespace>#<local>`. */
export type EventOrder = { readonly direction: 'ASC' | 'DESC' } & (
  | { readonly by: 'eventTime' | 'recordTime' }
  | { readonly by: 'extension'; readonly field: string }
);

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

const LISTS: ReadonlySet<string> = new Set<keyof Taken>([
  'eventTypes', 'actions', 'words', 'keys', 'uris', 'texts', 'hex', 'equals', 'attributes', 'epcs', 'classes', 'numbers',
]); // biome-ignore format: a list
const NUMBERS: ReadonlySet<string> = new Set(['number', 'numbers', 'integer']);

function fromText(takes: keyof Taken | 'text' | 'integer', text: string): unknown {
  const number = (part: string) => (DECIMAL.test(part) ? Number(part) : part);
  if (takes === 'flag') return text === 'true' || text === '1' ? true : text === 'false' ? false : text;
  if (takes === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (LISTS.has(takes)) return NUMBERS.has(takes) ? text.split('|').map(number) : text.split('|');
  return NUMBERS.has(takes) ? number(text) : text;
}

function fromJson(value: unknown): Raw {
  const empty = value === null || value === '' || (Array.isArray(value) && value.length === 0);
  return (takes) => {
    if (takes === 'flag') return value === null || typeof value === 'number' ? true : empty ? undefined : value;
    if (empty) return undefined;
    return (takes === 'numbers' || takes === 'equals') && !Array.isArray(value) ? [value] : value; // T-5
  };
}

/** Collects the parameters of one query and checks what goes with what. */
class QueryReader {
  private readonly reading: Reading;
  private readonly parameters: Parameter[] = [];
  /** Row and tail of the parameters so far: one parameter has several names. */
  private readonly taken = new Set<string>();
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
    if (this.taken.size === this.taken.add(`${row} ${tail}`).size)
      throw fault(this.reading, name, 'is given twice', 'Give it once, with all its values.');
    const value = raw?.(GRAMMAR[row].takes);
    if (value === undefined || (value === false && GRAMMAR[row].takes === 'flag')) return;
    const read = this.within(name, () => readValue(GRAMMAR[row], value, this.reading.prefixes));
    this.parameters.push({ name: row, tail, value: read } as Parameter);
  }

  /** What `read` answers; what it refuses is told with the parameter's name. */
  private within<T>(name: string, read: () => T): T {
    try {
      return read();
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
  private rowOf(written: string): { row: GrammarName; tail: string | null } {
    const name = ALIASES.get(written) ?? written.replace(/^EQ_ATTR_/, 'EQATTR_');
    if (isRow(name) && (tailOf(name) === undefined || tailOf(name) === 'uom')) return { row: name, tail: null };
    for (let at = name.lastIndexOf('_'); at > 0; at = name.lastIndexOf('_', at - 1)) {
      const row = name.slice(0, at);
      if (!isRow(row)) continue;
      const tail = this.within(written, () => readTail(GRAMMAR[row], name.slice(at + 1), this.reading.prefixes));
      if (tail !== null) return { row, tail };
    }
    const [, comparison, rest = ''] = /^(EQ|GT|GE|LT|LE|EXISTS)_(.+)$/s.exec(name) ?? [];
    if (comparison !== undefined && comparison !== 'EXISTS' && AMOUNT.test(rest))
      return { row: `${comparison as 'EQ'}_amount`, tail: rest };
    if (comparison !== undefined && /[:#]/.test(rest))
      return { row: `${comparison as 'EQ'}_extension`, tail: this.within(written, () => readExtension(rest, this.reading.prefixes)) };
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
      return { by: 'extension', field: this.within('orderBy', () => readQualified(by, this.reading.prefixes)), direction };
    throw fault(this.reading, 'orderBy', `is ${quoted(by)}`, 'Order by eventTime, recordTime, or an extension field.');
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

const tailOf = (name: GrammarName): Tail | undefined => (GRAMMAR[name] as Row).tail;

// ── Names ────────────────────────────────────────────────────────────────────────────────────

/** What follows the name of a row, null where that row takes no such thing. */
function readTail(row: Row, text: string, prefixes: Prefixes): string | null {
  switch (row.tail) {
    case 'uom':
      return /^[A-Z0-9]{2,3}$/.test(text) ? text : null;
    case 'type':
      return canonicalVocabulary(row.of as VocabularyKind, text, prefixes);
    case 'element':
      return readElement(text, prefixes);
    case 'attribute':
      return readElementAttribute(text, prefixes);
    default:
      return null;
  }
}

/** What a sensor measured, and the unit to compare it in. */
const AMOUNT = /^(?:value|minValue|maxValue|meanValue|sDev|percValue)_[A-Z0-9]{2,3}$/;
const INNER = 'INNER_';
const PLACES = Object.entries(SCOPES) as [keyof typeof SCOPES, string][];

/** `INNER_ILMD_ex:f`: where the field is, and its name. */
function readExtension(text: string, prefixes: Prefixes): string {
  const inner = text.startsWith(INNER);
  const rest = inner ? text.slice(INNER.length) : text;
  const [scope, before] = PLACES.find(([, place]) => place !== '' && rest.startsWith(place)) ?? ['event' as const, ''];
  return extensionName({ scope, inner, name: readQualified(rest.slice(before.length), prefixes) });
}

/** A CURIE with a declared prefix, a full URI, or `<namespace>#<local>`. */
function readQualified(text: string, prefixes: Prefixes): string {
  const declared = prefixes.has(text.slice(0, Math.max(0, text.indexOf(':'))));
  const hash = declared ? -1 : text.lastIndexOf('#');
  const name = hash > 0 ? { namespace: text.slice(0, hash), local: text.slice(hash + 1) } : readName(text, prefixes);
  if (name === 'undeclared')
    throw bad(text, 'has a prefix that is not declared', 'Declare it in GS1-Extensions or @context, or write <namespace>#<local>.');
  if (name === 'bare' || name.local === '' || !isAbsoluteUri(name.namespace))
    throw bad(text, 'is no name of an extension field', 'Write it with its prefix, or as <namespace>#<local>.');
  return qualifiedName(name);
}

const LOCATIONS = ['readPoint', 'bizLocation'];

/** Where a vocabulary element stands: a location of the event, or an extension field of it. */
function readElement(text: string, prefixes: Prefixes): string {
  return LOCATIONS.includes(text) ? text : readQualified(text, prefixes);
}

/** `bizLocation_cbvmda:countryCode`. Where underscores leave open which of them stands between field and attribute, it is refused. */
function readElementAttribute(text: string, prefixes: Prefixes): string {
  const location = LOCATIONS.find((one) => text.startsWith(`${one}_`));
  if (location !== undefined) return `${location} ${attributeName(text.slice(location.length + 1), prefixes)}`;
  const read = new Set<string>();
  for (let at = text.indexOf('_'); at > 0; at = text.indexOf('_', at + 1)) {
    try {
      read.add(`${readQualified(text.slice(0, at), prefixes)} ${attributeName(text.slice(at + 1), prefixes)}`);
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
    }
  }
  const [first] = read;
  if (first === undefined || read.size > 1)
    throw bad(
      text,
      first === undefined ? 'does not name a field and an attribute' : 'can be read as more than one field and attribute',
      'Write bizLocation, readPoint or an extension field, then _ and the attribute with its prefix or as an absolute URI.',
    );
  return first;
}

/** An attribute of master data: one of the CBV by its bare name, whatever separates it (MD-3); any other as an absolute URI. */
function attributeName(text: string, prefixes: Prefixes): string {
  const name = masterDataAttribute(expandCurie(text, prefixes));
  if (!/^\w+$/.test(name) && !isAbsoluteUri(name))
    throw bad(text, 'is no name of an attribute', 'Give a name of the CBV such as countryCode, or an absolute URI.');
  return name;
}

const CBV_ATTRIBUTE = /^urn:epcglobal:cbv:mda[#:]/;

/** The name by which an attribute is compared: that of the CBV without its namespace. */
export function masterDataAttribute(uri: string): string {
  return uri.replace(CBV_ATTRIBUTE, '');
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
    case 'texts':
      return distinct(texts(value));
    case 'hex':
      return distinct(texts(value).map(hexDigits));
    case 'equals':
      return distinct(list(value).flatMap((one) => equalKeys(scalar(one))));
    case 'compares':
      return comparable(value);
    case 'attributes':
      return distinct(texts(value).map((text) => attributeName(text, prefixes)));
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
    case 'boolean':
      if (typeof value !== 'boolean') throw bad(value, 'is neither true nor false', 'Give true or false.');
      return value;
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

function hexDigits(text: string): string {
  if (!/^[0-9A-Fa-f]+$/.test(text)) throw bad(text, 'is not hexadecimal', 'Use the digits 0 to 9 and A to F.');
  return text.toUpperCase();
}

function scalar(value: unknown): string | number | boolean {
  const whole =
    typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean' || (typeof value === 'string' && value !== '');
  if (!whole) throw bad(value, 'is no value of a field', 'Give texts that are not empty, numbers, or times as text.');
  return value as string | number | boolean;
}

function comparable(value: unknown): string {
  const key = typeof value === 'number' && !Number.isFinite(value) ? null : comparableKey(value);
  return key ?? timeKey(time(value));
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
