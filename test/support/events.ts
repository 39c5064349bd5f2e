/**
 * Small builders of EPCIS events: what happened, to what, when. Numbers are of GS1's example range (company prefix 9520123).
 *
 *     documentOf(commission(0, packs(1, 3), { lot: 'L1' }), pack(5, caseOf(1), packs(1, 3)), ship(9, caseOf(1), { from: MAKER, to: SHOP }))
 *
 * Times are minutes after START; fractions reach below the minute. Ids are left out unless asked for: an event then goes by its hash.
 */
export type Json = Record<string, unknown>;

export const EPCIS_CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
export const START = Date.parse('2026-03-01T08:00:00Z');

const PREFIX = '9520123';
const digits = (n: number, width: number) => String(n).padStart(width, '0');

/** A pack: `urn:epc:id:sgtin:9520123.000011.P1`. `item` is the indicator and item reference, six digits in all. */
export const packOf = (serial: string | number, item = 11): string => `urn:epc:id:sgtin:${PREFIX}.${digits(item, 6)}.P${serial}`;
export const packs = (from: number, to: number, item = 11): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => packOf(from + i, item));
/** A case with a GTIN of its own: indicator 1. */
export const caseOf = (serial: string | number): string => `urn:epc:id:sgtin:${PREFIX}.100011.C${serial}`;
/** A pallet's SSCC: seventeen digits in all, the check digit is not part of the URN. */
export const palletOf = (number: number): string => `urn:epc:id:sscc:${PREFIX}.${digits(number, 10)}`;
export const lotOf = (lot: string, item = 11): string => `urn:epc:class:lgtin:${PREFIX}.${digits(item, 6)}.${lot}`;
export const siteOf = (number: number, extension = '0'): string => `urn:epc:id:sgln:${PREFIX}.${digits(number, 5)}.${extension}`;
export const partyOf = (number: number): string => `urn:epc:id:pgln:${PREFIX}.${digits(number, 5)}`;
export const sensorOf = (number: number): string => `urn:epc:id:giai:${PREFIX}.sensor${number}`;

export const MAKER = 1;
export const DISTRIBUTOR = 2;
export const SHOP = 3;

/** `at` as it stands in eventTime: milliseconds where it has them. */
export const timeAt = (at: number): string => new Date(START + Math.round(at * 60_000)).toISOString();

const event = (type: string, at: number, members: Json): Json => {
  const all: Json = { type, eventTime: timeAt(at), eventTimeZoneOffset: '+00:00', ...members };
  for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name];
  return all;
};
const list = (things: string | readonly string[]): string[] => (typeof things === 'string' ? [things] : [...things]);

export const standingAt = (site: number | undefined): Json =>
  site === undefined ? {} : { readPoint: { id: siteOf(site, 'dock') }, bizLocation: { id: siteOf(site) } };

export type Where = { site?: number };

/** Commissioning. */
export const commission = (
  at: number,
  things: string | readonly string[],
  o: { lot?: string; expiry?: string } & Where = {},
  more: Json = {},
): Json => {
  const ilmd = {
    ...(o.lot !== undefined && { 'cbvmda:lotNumber': o.lot }),
    ...(o.expiry !== undefined && { 'cbvmda:itemExpirationDate': o.expiry }),
  };
  return event('ObjectEvent', at, {
    action: 'ADD',
    bizStep: 'commissioning',
    disposition: 'active',
    epcList: list(things),
    ...standingAt(o.site),
    ...(Object.keys(ilmd).length > 0 && { ilmd }),
    ...more,
  });
};

/** Something is seen, moved or told about: an ObjectEvent with action OBSERVE. */
export const observe = (
  at: number,
  things: string | readonly string[],
  o: { step?: string; disposition?: string } & Where = {},
  more: Json = {},
): Json =>
  event('ObjectEvent', at, {
    action: 'OBSERVE',
    epcList: list(things),
    bizStep: o.step ?? 'inspecting',
    disposition: o.disposition,
    ...standingAt(o.site),
    ...more,
  });

/** Observes quantities of lots. */
export const observeLot = (
  at: number,
  quantities: readonly Json[],
  o: { step?: string; disposition?: string; action?: string } & Where = {},
  more: Json = {},
): Json =>
  event('ObjectEvent', at, {
    action: o.action ?? 'OBSERVE',
    quantityList: quantities,
    bizStep: o.step ?? 'inspecting',
    disposition: o.disposition,
    ...standingAt(o.site),
    ...more,
  });

type Deal = { from?: number; to?: number } & Where;
const parties = ({ from, to }: Deal): Json => ({
  ...(from !== undefined && {
    sourceList: [
      { type: 'owning_party', source: partyOf(from) },
      { type: 'possessing_party', source: partyOf(from) },
    ],
  }),
  ...(to !== undefined && {
    destinationList: [
      { type: 'owning_party', destination: partyOf(to) },
      { type: 'possessing_party', destination: partyOf(to) },
    ],
  }),
});

export const ship = (at: number, things: string | readonly string[], o: Deal = {}, more: Json = {}): Json =>
  observe(
    at,
    things,
    { step: 'shipping', disposition: 'in_transit' },
    { ...(o.site !== undefined && { readPoint: { id: siteOf(o.site, 'dock') } }), ...parties(o), ...more },
  );
export const receive = (at: number, things: string | readonly string[], o: Deal = {}, more: Json = {}): Json =>
  observe(
    at,
    things,
    { step: 'receiving', disposition: 'in_progress', ...(o.site !== undefined && { site: o.site }) },
    { ...parties(o), ...more },
  );
export const voidShipping = (at: number, things: string | readonly string[], more: Json = {}): Json =>
  observe(at, things, { step: 'void_shipping' }, more);
export const destroy = (at: number, things: string | readonly string[], more: Json = {}): Json =>
  event('ObjectEvent', at, { action: 'DELETE', bizStep: 'destroying', disposition: 'destroyed', epcList: list(things), ...more });
export const decommission = (at: number, things: string | readonly string[], more: Json = {}): Json =>
  event('ObjectEvent', at, { action: 'DELETE', bizStep: 'decommissioning', disposition: 'inactive', epcList: list(things), ...more });

export const pack = (at: number, parent: string, children: string | readonly string[], o: Where = {}, more: Json = {}): Json =>
  event('AggregationEvent', at, {
    action: 'ADD',
    bizStep: 'packing',
    parentID: parent,
    childEPCs: list(children),
    ...standingAt(o.site),
    ...more,
  });
export const unpack = (at: number, parent: string, children: string | readonly string[], o: Where = {}, more: Json = {}): Json =>
  event('AggregationEvent', at, {
    action: 'DELETE',
    bizStep: 'unpacking',
    parentID: parent,
    childEPCs: list(children),
    ...standingAt(o.site),
    ...more,
  });
/** Everything leaves: DELETE that names no child. */
export const unpackAll = (at: number, parent: string, o: Where = {}, more: Json = {}): Json =>
  event('AggregationEvent', at, { action: 'DELETE', bizStep: 'unpacking', parentID: parent, ...standingAt(o.site), ...more });
/** Looks into a container without changing it. */
export const lookInto = (
  at: number,
  parent: string | undefined,
  children: string | readonly string[],
  o: { step?: string } & Where = {},
  more: Json = {},
): Json =>
  event('AggregationEvent', at, {
    action: 'OBSERVE',
    bizStep: o.step ?? 'inspecting',
    parentID: parent,
    childEPCs: list(children),
    ...standingAt(o.site),
    ...more,
  });

export const associate = (at: number, parent: string, children: string | readonly string[], more: Json = {}): Json =>
  event('AssociationEvent', at, { action: 'ADD', bizStep: 'assembling', parentID: parent, childEPCs: list(children), ...more });
export const dissociate = (at: number, parent: string, children: string | readonly string[] = [], more: Json = {}): Json =>
  event('AssociationEvent', at, {
    action: 'DELETE',
    bizStep: 'disassembling',
    parentID: parent,
    ...(list(children).length > 0 && { childEPCs: list(children) }),
    ...more,
  });

export const transact = (
  at: number,
  things: string | readonly string[],
  o: { step?: string; action?: string } & Where = {},
  more: Json = {},
): Json =>
  event('TransactionEvent', at, {
    action: o.action ?? 'ADD',
    bizStep: o.step,
    epcList: list(things),
    bizTransactionList: [{ type: 'po', bizTransaction: 'urn:epcglobal:cbv:bt:9520123000011:PO-1' }],
    ...standingAt(o.site),
    ...more,
  });

export const quantityOf = (epcClass: string, quantity?: number, uom?: string): Json => ({
  epcClass,
  ...(quantity !== undefined && { quantity }),
  ...(uom !== undefined && { uom }),
});

/** What became what. Names of lots go as quantities, names of things as EPCs. */
export const transform = (
  at: number,
  inputs: readonly (string | Json)[],
  outputs: readonly (string | Json)[],
  o: { id?: string; lot?: string; expiry?: string; step?: string } & Where = {},
  more: Json = {},
): Json => {
  const epcs = (parts: readonly (string | Json)[]) => parts.filter((part) => typeof part === 'string');
  const quantities = (parts: readonly (string | Json)[]) => parts.filter((part) => typeof part !== 'string');
  const some = (name: string, values: readonly unknown[]) => values.length > 0 && { [name]: values };
  const ilmd = {
    ...(o.lot !== undefined && { 'cbvmda:lotNumber': o.lot }),
    ...(o.expiry !== undefined && { 'cbvmda:itemExpirationDate': o.expiry }),
  };
  return event('TransformationEvent', at, {
    ...some('inputEPCList', epcs(inputs)),
    ...some('inputQuantityList', quantities(inputs)),
    ...some('outputEPCList', epcs(outputs)),
    ...some('outputQuantityList', quantities(outputs)),
    ...(o.id !== undefined && { transformationID: o.id }),
    bizStep: o.step ?? 'commissioning',
    ...standingAt(o.site),
    ...(Object.keys(ilmd).length > 0 && { ilmd }),
    ...more,
  });
};

/** The same event, declared erroneous: with its eventID if it has one, else by its content (and so its hash). */
export const declareError = (wrong: Json, o: { at?: number; reason?: string } = {}, more: Json = {}): Json => ({
  ...wrong,
  errorDeclaration: { declarationTime: timeAt(o.at ?? 1_000), reason: o.reason ?? 'did_not_occur' },
  ...more,
});

export const withID = (json: Json, id: string | number): Json => ({ ...json, eventID: eventID(id) });
/** A well-formed eventID that is easy to tell from others. */
export const eventID = (id: string | number): string =>
  typeof id === 'number' ? `urn:uuid:00000000-0000-4000-8000-${digits(id, 12)}` : id;

export const documentOf = (events: readonly unknown[], more: Json = {}): Json => ({
  '@context': EPCIS_CONTEXT,
  type: 'EPCISDocument',
  schemaVersion: '2.0',
  creationDate: '2026-03-01T09:00:00Z',
  ...more,
  epcisBody: { eventList: events },
});

/** An event that stands by itself carries the context. */
export const bare = (json: Json): Json => ({ '@context': EPCIS_CONTEXT, ...json });
