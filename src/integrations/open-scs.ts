import { LotlineError } from '../errors.ts';
import { formatKey, gs1Date, hasValidCheckDigit, parseThing, toDigitalLink } from '../identifiers/index.ts';
import { gtinIn, lotIn } from '../numbers/index.ts';

/** The messages of OPEN-SCS by their names (domain.md §4.2), and what each is here. */
export const POOL_MESSAGES = {
  SNRequestUnassigned: 'grant',
  SNRequestUnallocated: 'grant',
  SNRequestAllocated: 'grant',
  SNReturnUnallocated: 'return',
  SNReturnAllocated: 'return',
  SNInvalidatingEvent: 'invalidate',
  SNtoUnallocated: 'import',
  SNtoAllocated: 'import',
} as const;

type Shape = {
  readonly type: 'ObjectEvent' | 'AggregationEvent';
  readonly action: string;
  readonly bizStep: string;
  readonly disposition: string;
};
const object = (action: string, bizStep: string, disposition: string): Shape => ({ type: 'ObjectEvent', action, bizStep, disposition });
const aggregation = (action: string, bizStep: string): Shape => ({ type: 'AggregationEvent', action, bizStep, disposition: 'in_progress' });

/**
 * Messages that tell of what happened, and the event that each becomes (domain.md §4). What happens to a label happens to a number that is on no pack
 * yet: its business step is encoding, and it states no lot.
 */
export const EVENT_MESSAGES = {
  SNtoEncoded: object('OBSERVE', 'encoding', 'encoded'),
  LabelsEncodingEvent: object('OBSERVE', 'encoding', 'encoded'),
  LabelsInspectingEvent: object('OBSERVE', 'encoding', 'encoded'),
  LabelsScrappingEvent: object('OBSERVE', 'encoding', 'destroyed'),
  LabelsSamplingEvent: object('OBSERVE', 'encoding', 'inactive'),
  SIDCommissioningEvent: object('ADD', 'commissioning', 'active'),
  SIDDestroyingEvent: object('DELETE', 'destroying', 'destroyed'),
  SIDShippingEvent: object('OBSERVE', 'shipping', 'in_transit'),
  SIDInspectingEvent: object('OBSERVE', 'inspecting', 'in_progress'),
  SIDDecommissioningEvent: object('DELETE', 'decommissioning', 'inactive'),
  AggregationPackingEvent: aggregation('ADD', 'packing'),
  AggregationUnpackingEvent: aggregation('DELETE', 'unpacking'),
} as const satisfies Record<string, Shape>;

export type PoolMessage = keyof typeof POOL_MESSAGES;
export type EventMessage = keyof typeof EVENT_MESSAGES;
export const isPoolMessage = (name: string): name is PoolMessage => Object.hasOwn(POOL_MESSAGES, name);

/** Messages that one call may hold: each is captured by itself, so that each has a status. */
export const MESSAGES_MAX = 100;
/** Labels that one message may hold. */
export const LABELS_MAX = 100_000;

/** What a message tells of labels: serials of one format and state, with lot, expiry and made date (domain.md §4.2). */
export type Told = {
  message: EventMessage;
  eventTime: string;
  eventTimeZoneOffset?: string | undefined;
  serialFormat: { gtin: string } | { sscc: true };
  labels: { serials: readonly string[]; lot?: string | undefined; expiry?: string | undefined; madeDate?: string | undefined };
  /** Of an aggregation: the container, in any spelling. */
  parent?: string | undefined;
  /** GLNs. */
  readPoint?: string | undefined;
  bizLocation?: string | undefined;
  context?: Readonly<Record<string, string>> | undefined;
};

const CBV_CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
/** What EPCIS has no place for stands in the event under these names. */
const OPEN_SCS = { scs: 'urn:lotline:openscs:' };

/** The EPCIS event that a message tells of. It has no eventID, so that a message that is sent again is the same event. Errors point into the message. */
export function eventOf(told: Told): Record<string, unknown> {
  const shape = EVENT_MESSAGES[told.message];
  const things = thingsOf(told);
  const { labels, context } = told;
  const places = (name: 'readPoint' | 'bizLocation') =>
    told[name] === undefined ? {} : { [name]: { id: `https://id.gs1.org/414/${told[name]}` } };
  return {
    '@context': [CBV_CONTEXT, OPEN_SCS],
    type: shape.type,
    eventTime: told.eventTime,
    eventTimeZoneOffset: told.eventTimeZoneOffset ?? offsetOf(told.eventTime),
    action: shape.action,
    bizStep: shape.bizStep,
    disposition: shape.disposition,
    ...(shape.type === 'AggregationEvent' ? { parentID: parentOf(told), childEPCs: things } : { epcList: things }),
    ...places('readPoint'),
    ...(shape.bizStep !== 'shipping' && places('bizLocation')),
    ...(told.message === 'SIDCommissioningEvent' && statedOf(labels)),
    'scs:message': told.message,
    ...(context !== undefined && Object.keys(context).length > 0 && { 'scs:context': contextOf(context) }),
  };
}

function thingsOf({ serialFormat, labels }: Told): string[] {
  if ('gtin' in serialFormat) {
    const gtin = at('/serialFormat', () => gtinIn(serialFormat.gtin));
    return labels.serials.map((serial, i) => linkOf(formatKey({ class: `01/${gtin}`, serial }), `/labels/serials/${i}`));
  }
  return labels.serials.map((sscc, i) => {
    if (sscc.length === 18 && hasValidCheckDigit(sscc)) return linkOf(`00/${sscc}`, `/labels/serials/${i}`);
    throw new LotlineError('ID-CHECK', `${sscc} is no SSCC`, {
      at: `/labels/serials/${i}`,
      fix: 'Write its 18 digits, the check digit included.',
    });
  });
}

function parentOf({ parent, message }: Told): string {
  if (parent === undefined) throw new LotlineError('REQ-FORM', `${message} names no parent`, { at: '/parent', fix: 'Name the container.' });
  return linkOf(
    at('/parent', () => formatKey(parseThing(parent))),
    '/parent',
  );
}

function linkOf(key: string, where: string): string {
  const link = at(where, () => toDigitalLink(key));
  if (link !== null) return link;
  throw new LotlineError('ID-FORM', `${key.slice(0, 100)} is no GS1 key`, { at: where, fix: 'Write serials as AI 21 takes them.' });
}

/** Lot, expiry and made date of what is commissioned. */
function statedOf({ lot, expiry, madeDate }: Told['labels']): { ilmd?: Record<string, string> } {
  const date = (name: 'expiry' | 'madeDate', text: string) =>
    at(`/labels/${name}`, () => (/^\d{6}$/.test(text) ? gs1Date(text, new Date().getUTCFullYear()) : text));
  const ilmd = {
    ...(lot !== undefined && { 'cbvmda:lotNumber': at('/labels/lot', () => lotIn(lot)) }),
    ...(expiry !== undefined && { 'cbvmda:itemExpirationDate': date('expiry', expiry) }),
    ...(madeDate !== undefined && { 'scs:madeDate': date('madeDate', madeDate) }),
  };
  return Object.keys(ilmd).length > 0 ? { ilmd } : {};
}

/** Context goes into an entry that is never erased: an operator is a number or a badge, and no name. */
function contextOf(context: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => {
      if (name.toLowerCase() === 'operator' && !/^[A-Za-z0-9._-]{1,40}$/.test(value))
        throw new LotlineError('PII-FOUND', 'the operator is told by what may be a name', {
          at: '/context/operator',
          fix: 'Send the number of a badge.',
        });
      return [`scs:${name}`, value];
    }),
  );
}

/** The offset that a time is written with. */
const offsetOf = (time: string): string => /[+-]\d{2}:\d{2}$/.exec(time)?.[0] ?? '+00:00';

/** Runs a reading of one part of the message: what it refuses has that part's place. */
function at<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof LotlineError) throw new LotlineError(error.code, error.message, { at: where, fix: error.fix, cause: error });
    throw error;
  }
}
