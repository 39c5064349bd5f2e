import { attributeName } from '../epcis/index.ts';
import type { EpcisEvent } from '../epcis/model.ts';
import { glnOf, parseKey } from '../identifiers/index.ts';
import { expiredFrom } from '../lifecycle/expiry.ts';
import type { Shipment } from './shipment.ts';

/** One line of the completeness check of a shipment (epcis-2.0.md §16.4): `ok` is null where there is nothing to hold it to. */
export type CompletenessLine = { line: number; name: string; ok: boolean | null; missing: string[] };

/** What is known of a class or party from master data, by canonical key: attributes by their short names. */
export type KnownAttributes = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/** What the document says outside of its events. */
export type Enclosed = { readonly header: Readonly<Record<string, unknown>> | null };

const PRODUCT = [
  'additionalTradeItemIdentification', 'regulatedProductName', 'strengthDescription', 'dosageFormType', 'netContentDescription',
  'manufacturerOfTradeItemPartyName',
]; // biome-ignore format: a list
const PARTY = ['name', 'streetAddressOne', 'city', 'countryCode'];
const REFERENCES: ReadonlySet<string | null> = new Set(['po', 'desadv', 'inv', 'prodorder', 'rma', 'poc', 'bol']);

/** Whether the data of a shipment are whole by the ten lines of epcis-2.0.md §16.4; each line names what it misses. */
export function completenessOf(event: EpcisEvent, shipment: Shipment, known: KnownAttributes, { header }: Enclosed): CompletenessLine[] {
  const { units, unknown, opaque, containers, findings } = shipment;
  const classes = [...new Set(units.map(({ key }) => parseKey(key).class))];
  const owners = [...event.sourceList, ...event.destinationList].filter(({ type }) => type === 'owning_party').map(({ id }) => id);
  const lines: CompletenessLine[] = [];
  const line = (name: string, missing: readonly string[], ok: boolean | null = missing.length === 0) =>
    lines.push({ line: lines.length + 1, name, ok, missing: [...new Set(missing)] });

  line('every shipped thing leads to saleable units', [...unknown, ...opaque]);
  line(
    'every unit has a lot and an expiry that is not past',
    units
      .filter(({ lot, expiry }) => lot === 0 || expiry === null || (expiredFrom(expiry) ?? 0) <= event.eventTime.ms)
      .map(({ key }) => key),
    units.length === 0 ? false : undefined,
  );
  line(
    'every product is described in master data',
    classes.flatMap((key) => lacking(key, PRODUCT, known)),
  );
  line(
    'seller and buyer have a name and an address',
    owners.length < 2 ? ['owning_party'] : owners.flatMap((id) => lacking(id, PARTY, known)),
  );
  line('the shipment names an order, and both parties and places', namesMissing(event));
  const affirmed = statementAffirmed(header);
  line('the transaction statement is affirmed', affirmed ? [] : ['dscsaTransactionStatement'], affirmed);
  const ended = ['SN-AFTER-END', 'SHIP-TWICE', 'SN-UNKNOWN'];
  line(
    'nothing in it is decommissioned, shipped already, or unknown',
    findings.filter(({ code }) => ended.includes(code)).flatMap(({ things }) => things),
  );
  line(`its units (${units.length}) and containers (${containers}) can be counted`, opaque, units.length > 0 && opaque.length === 0);
  line('sender and receiver are the owning parties', ...partnersOf(event, header));
  line('the national drug code agrees with the GTIN', ...codesDisagreeing(classes, known));
  return lines;
}

function lacking(key: string, wanted: readonly string[], known: KnownAttributes): string[] {
  const gln = glnOf(key);
  const attributes = gln === null ? known.get(key) : (known.get(`414/${gln}`) ?? known.get(`417/${gln}`));
  return wanted.filter((name) => !isSaid(attributes?.get(name))).map((name) => `${key} ${name}`);
}

const isSaid = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

function namesMissing(event: EpcisEvent): string[] {
  const missing: string[] = [];
  if (!event.bizTransactionList.some(({ type }) => REFERENCES.has(type))) missing.push('bizTransactionList po');
  for (const [name, list] of [['sourceList', event.sourceList], ['destinationList', event.destinationList]] as const) // biome-ignore format: a list
    for (const type of ['owning_party', 'location']) if (!list.some((entry) => entry.type === type)) missing.push(`${name} ${type}`);
  return missing;
}

/** Members of a header go by whatever prefix their sender gave the namespace. */
function memberNamed(of: unknown, name: string): unknown {
  if (typeof of !== 'object' || of === null) return undefined;
  return Object.entries(of).find(([key]) => key.replace(/^.*[:#/]/, '') === name)?.[1];
}

function statementAffirmed(header: Enclosed['header']): boolean {
  const said = memberNamed(memberNamed(header, 'dscsaTransactionStatement'), 'affirmTransactionStatement');
  return said === true || said === 'true' || said === '1';
}

/** Line 9 holds only for documents with a standard business document header, which JSON has not. */
function partnersOf(event: EpcisEvent, header: Enclosed['header']): [string[], boolean | null] {
  const sbdh = memberNamed(header, 'StandardBusinessDocumentHeader');
  if (sbdh === undefined) return [[], null];
  const missing: string[] = [];
  for (const [role, list] of [
    ['Sender', event.sourceList],
    ['Receiver', event.destinationList],
  ] as const) {
    // biome-ignore format: a list
    const identifier = textIn(memberNamed(memberNamed(sbdh, role), 'Identifier'));
    const owner = list.find((entry) => entry.type === 'owning_party')?.id ?? '';
    if (glnOfText(identifier) === null || glnOfText(identifier) !== glnOfText(owner)) missing.push(role);
  }
  return [missing, missing.length === 0];
}

const textIn = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'object' && value !== null
      ? textIn(Object.values(value).find((one) => typeof one === 'string'))
      : '';

function glnOfText(text: string): string | null {
  return /^\d{13}$/.test(text) ? text : glnOf(text);
}

/** A GTIN-14 of a US drug is indicator, 03, the ten digits of its code, check digit; of other products nothing is said. */
function codesDisagreeing(classes: readonly string[], known: KnownAttributes): [string[], boolean | null] {
  const wrong: string[] = [];
  let held = 0;
  for (const key of classes) {
    const attributes = known.get(key);
    const type = attributes?.get('additionalTradeItemIdentificationTypeCode');
    const code = attributes?.get('additionalTradeItemIdentification');
    if (typeof code !== 'string' || typeof type !== 'string' || !/NDC/.test(type)) continue;
    held++;
    if (!agrees(code.replace(/[^0-9-]/g, ''), key.slice(4, 16))) wrong.push(key);
  }
  return [wrong, held === 0 ? null : wrong.length === 0];
}

/** `body` is the GTIN from its second digit to the one before the check digit. A code of eleven digits has a zero put in where a part was too short. */
function agrees(code: string, body: string): boolean {
  if (!body.startsWith('03')) return false;
  const ten = body.slice(2);
  const digits = code.replaceAll('-', '');
  if (digits.length === 10) return digits === ten;
  return digits.length === 11 && [0, 5, 9].some((at) => digits[at] === '0' && digits.slice(0, at) + digits.slice(at + 1) === ten);
}

/** Attributes by their short names, of elements as they are kept. */
export function byShortName(rows: readonly { id: string; attributes: Readonly<Record<string, unknown>> }[]): KnownAttributes {
  const known = new Map<string, Map<string, unknown>>();
  for (const { id, attributes } of rows) {
    const of = known.get(id) ?? new Map<string, unknown>();
    for (const [name, value] of Object.entries(attributes)) of.set(attributeName(name).replace(/^.*[:#]/, ''), value);
    known.set(id, of);
  }
  return known;
}
