import { type SQL, sql } from 'drizzle-orm';
import { inBaseUnit, parseHashId } from '../epcis/index.ts';
import {
  type Comparison,
  elementKeys,
  type GrammarName,
  keyRange,
  numberKey,
  type Taken,
  textKey,
  timeKey,
  type ValueOf,
} from '../epcis/query/index.ts';
import { actionCode } from '../lifecycle/rows.ts';
import { ROLE, type Role } from '../lifecycle/state.ts';
import { eachAmount, eachBytes, eachFact, eachNumber, eachRun, eachText, exists } from '../store/sql.ts';
import { ARMS_MAX, inList, type LookUp } from './look-up.ts';
import { elementsWithAttribute, withDescendants } from './masterdata-keys.ts';

/** What one parameter of a query says of an event `e`. */
export type Filter =
  | ColumnFilter
  /** Rows of another table that lead to the events (`seq`, may repeat), and the same said of one event `e`. */
  | { readonly find: SQL; readonly test: SQL; readonly keyed?: KeyedField }
  /** The same for what several parameters say together: each of these leads to the events and to others. */
  | { readonly leads: readonly SQL[]; readonly test: SQL }
  /** Said of a sensor report: all that a query says of reports holds for one and the same (Q-9). */
  | { readonly reading: Reading }
  | { readonly test: SQL }
  /** Sequence numbers from `from` on, or below `below`. */
  | { readonly from: number }
  | { readonly below: number }
  | typeof NOTHING;
/** A column of `event` that has an index. `values`: it equals one of these. */
export type ColumnFilter = { readonly column: IndexedColumn; readonly holds: (column: SQL) => SQL; readonly values?: readonly number[] };
export type IndexedColumn = 'time' | 'biz_step' | 'disposition' | 'read_point' | 'biz_location' | 'transformation';

/** A field of the event itself that has one of these keys: rows of each lie in the order of seq. */
export type KeyedField = { readonly field: number; readonly keys: readonly string[] };

/** A term of event_field, and what its key has to be. */
export type Reading = { readonly field: number; readonly holds: (key: SQL) => SQL };

/** No event of this store meets it. */
export const NOTHING = 'nothing';

const { epc, parent, child, input, output } = ROLE;
const EVERY_ROLE: readonly Role[] = [epc, parent, child, input, output];
const EVERY_LIST: readonly Role[] = [epc, child, input, output];

/** epcis-2.0.md §9.2, row by row. */
export const conditions = {
  eventType: async (value, look) => ofType(await look.terms(value)),
  GE_eventTime: (value) => ({ column: 'time', holds: (time) => sql`(${time}, e.below) >= (${value.ms}, ${value.below})` }),
  LT_eventTime: (value) => ({ column: 'time', holds: (time) => sql`(${time}, e.below) < (${value.ms}, ${value.below})` }),
  GE_recordTime: async (value, look) => ({ from: await look.firstRecordedFrom(value) }),
  LT_recordTime: async (value, look) => ({ below: await look.firstRecordedFrom(value) }),
  EQ_action: (value) => ({ test: sql`+e.action IN ${inList(value.map((action) => actionCode(action) as number))}` }),
  EQ_bizStep: async (value, look) => equals('biz_step', await look.terms(value)),
  EQ_disposition: async (value, look) => equals('disposition', await look.terms(value)),
  EQ_persistentDisposition_set: (value, look) => keyed(look, 'persistentDisposition_set', value.map(textKey)),
  EQ_persistentDisposition_unset: (value, look) => keyed(look, 'persistentDisposition_unset', value.map(textKey)),
  EQ_readPoint: async (value, look) => equals('read_point', await look.terms(value)),
  WD_readPoint: async (value, look) => equals('read_point', await look.terms(await withDescendants(look.db, value))),
  EQ_bizLocation: async (value, look) => equals('biz_location', await look.terms(value)),
  WD_bizLocation: async (value, look) => equals('biz_location', await look.terms(await withDescendants(look.db, value))),
  EQ_bizTransaction: (value, look, type) => keyed(look, `bizTransaction_${type}`, value.map(textKey)),
  EQ_source: (value, look, type) => keyed(look, `source_${type}`, value.map(textKey)),
  EQ_destination: (value, look, type) => keyed(look, `destination_${type}`, value.map(textKey)),
  EQ_transformationID: async (value, look) => equals('transformation', await look.terms(value)),
  MATCH_epc: (value, look) => things(value, [epc, child], look),
  MATCH_parentID: (value, look) => things(value, [parent], look),
  MATCH_inputEPC: (value, look) => things(value, [input], look),
  MATCH_outputEPC: (value, look) => things(value, [output], look),
  MATCH_anyEPC: (value, look) => things(value, EVERY_ROLE, look),
  MATCH_epcClass: (value, look) => lots(value, [epc, child], look),
  MATCH_inputEPCClass: (value, look) => lots(value, [input], look),
  MATCH_outputEPCClass: (value, look) => lots(value, [output], look),
  MATCH_anyEPCClass: (value, look) => lots(value, EVERY_LIST, look),
  EQ_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} IN ${eachAmount(value)}`),
  GT_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} > ${value}`),
  GE_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} >= ${value}`),
  LT_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} < ${value}`),
  LE_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} <= ${value}`),
  EQ_eventID: (value) => namedBy(value),
  EXISTS_errorDeclaration: (_, look) => field(look, 'errorDeclarationTime', isAny), // which every declaration has (DM-9)
  GE_errorDeclarationTime: (value, look) => field(look, 'errorDeclarationTime', isWithin('GE', timeKey(value))),
  LT_errorDeclarationTime: (value, look) => field(look, 'errorDeclarationTime', isWithin('LT', timeKey(value))),
  EQ_errorReason: (value, look) => keyed(look, 'errorReason', value.map(textKey)),
  EQ_correctiveEventID: (value, look) => keyed(look, 'correctiveEventID', value.map(textKey)),
  EQ_extension: (value, look, name) => keyed(look, name, value),
  GT_extension: (value, look, name) => field(look, name, isWithin('GT', value)),
  GE_extension: (value, look, name) => field(look, name, isWithin('GE', value)),
  LT_extension: (value, look, name) => field(look, name, isWithin('LT', value)),
  LE_extension: (value, look, name) => field(look, name, isWithin('LE', value)),
  EXISTS_extension: (_, look, name) => field(look, name, isAny),
  HASATTR: async (value, look, place) => element(look, place, await elementsWithAttribute(look.db, value)),
  EQATTR: async (value, look, tail) => {
    const [place, attribute] = (tail as string).split(' ') as [string, string];
    return await element(look, place, await elementsWithAttribute(look.db, [attribute], value));
  },
  EXISTS_sensorElementList: (_, look) => field(look, 'sensorElementList', isAny),
  GE_time: (value, look) => reading(look, 'time', isWithin('GE', timeKey(value))),
  LT_time: (value, look) => reading(look, 'time', isWithin('LT', timeKey(value))),
  GE_startTime: (value, look) => reading(look, 'startTime', isWithin('GE', timeKey(value))),
  LT_startTime: (value, look) => reading(look, 'startTime', isWithin('LT', timeKey(value))),
  GE_endTime: (value, look) => reading(look, 'endTime', isWithin('GE', timeKey(value))),
  LT_endTime: (value, look) => reading(look, 'endTime', isWithin('LT', timeKey(value))),
  EQ_type: (value, look) => reading(look, 'type', isText(value)),
  EQ_deviceID: (value, look) => reading(look, 'deviceID', isText(value)),
  EQ_dataProcessingMethod: (value, look) => reading(look, 'dataProcessingMethod', isText(value)),
  EQ_microorganism: (value, look) => reading(look, 'microorganism', isText(value)),
  EQ_chemicalSubstance: (value, look) => reading(look, 'chemicalSubstance', isText(value)),
  EQ_bizRules: (value, look) => reading(look, 'bizRules', isText(value)),
  EQ_stringValue: (value, look) => reading(look, 'stringValue', isText(value)),
  EQ_hexBinaryValue: (value, look) => reading(look, 'hexBinaryValue', isText(value)),
  EQ_uriValue: (value, look) => reading(look, 'uriValue', isText(value)),
  EQ_booleanValue: (value, look) => reading(look, 'booleanValue', isText([String(value)])),
  EQ_amount: (value, look, measure) => amount(look, measure, value, isKey),
  GT_amount: (value, look, measure) => amount(look, measure, [value], ([key]) => isWithin('GT', key)),
  GE_amount: (value, look, measure) => amount(look, measure, [value], ([key]) => isWithin('GE', key)),
  LT_amount: (value, look, measure) => amount(look, measure, [value], ([key]) => isWithin('LT', key)),
  LE_amount: (value, look, measure) => amount(look, measure, [value], ([key]) => isWithin('LE', key)),
  GT_percRank: (value, look) => reading(look, 'percRank', isWithin('GT', numberKey(value))),
  GE_percRank: (value, look) => reading(look, 'percRank', isWithin('GE', numberKey(value))),
  LT_percRank: (value, look) => reading(look, 'percRank', isWithin('LT', numberKey(value))),
  LE_percRank: (value, look) => reading(look, 'percRank', isWithin('LE', numberKey(value))),
} satisfies { [N in GrammarName]: (value: ValueOf<N>, look: LookUp, tail: string | null) => Filter | Promise<Filter> };

// ── Columns of event ─────────────────────────────────────────────────────────────────────────

function isOneOf(ids: readonly number[], filter: (ids: readonly number[]) => Filter): Filter {
  return ids.length === 0 ? NOTHING : filter(ids);
}

function equals(column: IndexedColumn, ids: readonly number[]): Filter {
  return isOneOf(ids, (values) => ({ column, values, holds: (name) => sql`${name} IN ${inList(values)}` }));
}

/** Most events are of one type: worth an index only where few are. */
function ofType(ids: readonly number[]): Filter {
  return isOneOf(ids, (types) => ({
    find: sql`SELECT e.seq FROM event e WHERE e.type IN ${inList(types)}`,
    test: sql`+e.type IN ${inList(types)}`,
  }));
}

/** Events by their ids; one without an id of its own goes by its hash (C-3). */
function namedBy(ids: readonly string[]): Filter {
  const hashes = ids.filter((id) => HASH_ID.test(id)).map((id) => Buffer.from(parseHashId(id)).toString('hex'));
  return {
    find: sql`SELECT e.seq FROM event e WHERE e.event_id IN ${eachText(ids)}
      UNION ALL SELECT e.seq FROM event e WHERE e.hash IN ${eachBytes(hashes)} AND e.event_id IS NULL`,
    test: sql`(e.event_id IN ${eachText(ids)} OR (e.event_id IS NULL AND e.hash IN ${eachBytes(hashes)}))`,
  };
}

export const HASH_ID = /^ni:\/\/\/sha-256;[0-9a-f]{64}\?ver=CBV2\.0$/;

// ── Fields ───────────────────────────────────────────────────────────────────────────────────

/** What has to hold for a key of event_field. */
type Holds = (key: SQL) => SQL;

const isAny: Holds = () => sql`1 = 1`;

function isKey(keys: readonly string[]): Holds {
  const list =
    keys.length > ARMS_MAX
      ? eachText(keys)
      : sql`(${sql.join(
          keys.map((key) => sql`${key}`),
          sql`, `,
        )})`;
  return (key) => sql`${key} IN ${list}`;
}

const isText = (texts: readonly string[]): Holds => isKey(texts.map(textKey));

function isWithin(comparison: Comparison, than: string): Holds {
  const [from, below] = keyRange(comparison, than);
  return (key) => sql`${key} >= ${from} AND ${key} < ${below}`;
}

async function reading(look: LookUp, name: string, holds: Holds): Promise<Filter> {
  const term = await look.field(name);
  return term === null ? NOTHING : { reading: { field: term, holds } };
}

/** A field of the event itself. */
async function field(look: LookUp, name: string | null, holds: Holds): Promise<Filter> {
  const term = await look.field(name as string);
  return term === null ? NOTHING : oneReport([{ field: term, holds }]);
}

/** The same with one of some keys. */
async function keyed(look: LookUp, name: string | null, keys: readonly string[]): Promise<Filter> {
  const term = await look.field(name as string);
  return term === null ? NOTHING : { ...oneReport([{ field: term, holds: isKey(keys) }]), keyed: { field: term, keys } };
}

/** All of these hold for one report: the rows of a report have its number in common. */
export function oneReport(readings: readonly Reading[]): Exclude<Filter, typeof NOTHING> {
  const row = ({ field: name, holds }: Reading, alias: SQL) => sql`${alias}.field = ${name} AND ${holds(sql`${alias}.key`)}`;
  const leads = readings.map((said) => sql`SELECT v.seq FROM event_field v WHERE ${row(said, sql`v`)}`);
  const [first, ...others] = readings as [Reading, ...Reading[]];
  const also = others.map(
    (said) => sql` AND ${exists(sql`SELECT 1 FROM event_field o WHERE o.seq = v.seq AND o.part = v.part AND ${row(said, sql`o`)}`)}`,
  );
  const test = exists(sql`SELECT 1 FROM event_field v WHERE v.seq = e.seq AND ${row(first, sql`v`)}${sql.join(also)}`);
  return others.length === 0 ? { find: leads[0] as SQL, test } : { leads, test };
}

/** Q-13: a measure and its unit, such as `value_CEL`. Values lie in the base unit of their kind. */
async function amount(
  look: LookUp,
  measure: string | null,
  values: readonly number[],
  holds: (keys: readonly [string, ...string[]]) => Holds,
): Promise<Filter> {
  const [name, code] = (measure as string).split('_') as [string, string];
  const converted = values.map((value) => inBaseUnit(code, value, name === 'sDev'));
  const keys = converted.map(({ value }) => numberKey(value)) as [string, ...string[]];
  return await reading(look, `${name}_${converted[0]?.unit}`, holds(keys));
}

/** A place or an extension field of the event names one of these vocabulary elements. */
async function element(look: LookUp, place: string | null, ids: readonly string[]): Promise<Filter> {
  if (ids.length === 0) return NOTHING;
  if (place === 'readPoint') return equals('read_point', await look.terms(ids));
  if (place === 'bizLocation') return equals('biz_location', await look.terms(ids));
  return await keyed(look, place, elementKeys(ids));
}

// ── Things and quantities ────────────────────────────────────────────────────────────────────

/** Q-15: one of the things, or one that a pattern fits, took part in one of the roles. */
async function things(value: Taken['epcs'], roles: readonly Role[], look: LookUp): Promise<Filter> {
  const finds: SQL[] = [];
  const tests: SQL[] = [];
  const items = await look.items(value.things);
  const inRole = sql`ei.role IN ${inList(roles)}`;
  if (items.length > 0) {
    finds.push(sql`SELECT ei.seq FROM ${eachNumber(items)} j CROSS JOIN event_item ei ON ei.item = j.value AND ${inRole}`);
    tests.push(sql`EXISTS (SELECT 1 FROM event_item ei WHERE ei.item IN ${inList(items)} AND ei.seq = e.seq AND ${inRole})`);
  }
  for (const pattern of value.patterns) {
    const classes = await look.classes(pattern.classes);
    const serials = classes.length === 0 ? null : await look.ranges(pattern.serials);
    if (serials === null) continue;
    const ofClass = inList(classes);
    // A range at a time, so that each is read from the index of class and serial.
    for (const range of serials.ranges(sql`i.serial`)) {
      finds.push(
        sql`SELECT ei.seq FROM item_name i CROSS JOIN event_item ei ON ei.item = i.id AND ${inRole} WHERE i.class IN ${ofClass} AND ${range} AND ${serials.rest(sql`i.serial`)}`,
      );
    }
    const fits = sql`+i.class IN ${ofClass} AND ${serials.test(sql`i.serial`)}`;
    for (const role of roles) {
      tests.push(
        sql`EXISTS (SELECT 1 FROM ${eachRun(sql`e.facts`, role)} r CROSS JOIN item i ON i.id >= r.first AND i.id < r.first + r.count WHERE ${fits})`,
      );
    }
  }
  return anyOf(finds, tests);
}

/** Q-16, Q-18: one of the lots or classes, or one that a pattern fits, stands in one of the quantity lists. */
async function lots(value: Taken['classes'], roles: readonly Role[], look: LookUp): Promise<Filter> {
  const ids = await look.lots(value.lots);
  for (const pattern of value.patterns) {
    const classes = await look.classes(pattern.classes);
    const ranges = classes.length === 0 ? null : await look.ranges(pattern.lots);
    if (ranges !== null) ids.push(...(await look.lotsIn(classes, ranges)));
  }
  if (ids.length === 0) return NOTHING;
  const nodes = inList(ids.map((id) => -id));
  return {
    find: sql`SELECT el.seq FROM ${eachNumber(ids)} j CROSS JOIN event_lot el ON el.lot = j.value AND el.role IN ${inList(roles)}`,
    test: sql`EXISTS (SELECT 1 FROM ${eachFact(sql`e.facts`, 'q')} q WHERE CAST(q.value ->> 0 AS INTEGER) IN ${inList(roles)} AND CAST(q.value ->> 1 AS BIGINT) IN ${nodes})`,
  };
}

/** A quantity with this unit, or with none, in any of the lists. The facts are asked, because event_lot adds up what an event says of one lot. */
function quantity(uom: string | null, compares: (amount: SQL) => SQL): Filter {
  const unit = uom === null ? sql`q.value ->> 3 IS NULL` : sql`q.value ->> 3 = ${uom}`;
  return {
    test: sql`EXISTS (SELECT 1 FROM ${eachFact(sql`e.facts`, 'q')} q WHERE ${unit} AND ${compares(sql`CAST(q.value ->> 2 AS DOUBLE PRECISION)`)})`,
  };
}

function anyOf(finds: readonly SQL[], tests: readonly SQL[]): Filter {
  if (finds.length === 0) return NOTHING;
  return { find: sql.join([...finds], sql` UNION ALL `), test: sql`(${sql.join([...tests], sql` OR `)})` };
}
