import type { ReadEvent } from '../epcis/model.ts';
import { formatKey, parseEpc, partyKey } from '../identifiers/index.ts';
import type { Thing, ThingLot } from '../identifiers/thing.ts';
import { sensorPartsOf } from './cold/sensor-parts.ts';
import { chainKey } from './vocabulary.ts';
import type { Amount, CoiFields, Part, WorldEvent } from './world.ts';

/** What is kept of an event for identity: all that follows from its own bytes. Its place in the journal stands beside it. */
export type Told = Omit<WorldEvent, 'seq' | 'recorded' | 'eventID'>;

export const NO_FIELDS: CoiFields = {
  chain: [],
  donor: null,
  order: null,
  attempt: null,
  step: null,
  check: [],
  from: null,
  space: null,
  recipient: null,
  volume: null,
  bag: null,
  oos: null,
  offline: null,
  alias: [],
};

/** An event as identity sees it. Fields of its namespace that have another form than identity-wire.md §2 gives them are left aside. */
export function toldEvent({ event, identity, sensors }: Pick<ReadEvent, 'event' | 'identity' | 'sensors'>): Told {
  const keys = (things: readonly Thing[]) => things.map(formatKey);
  const parts = (list: typeof event.quantityList): Part[] =>
    list.map(({ of, quantity, uom }) => ({ key: formatKey(of as Thing | ThingLot), quantity, uom }));
  return {
    type: event.type,
    action: event.action,
    time: event.eventTime.ms,
    offset: event.offset,
    bizStep: event.bizStep,
    disposition: event.disposition,
    readPoint: event.readPoint,
    bizLocation: event.bizLocation,
    sources: [...new Set(event.sourceList.map(({ id }) => partyKey(id)))],
    destinations: [...new Set(event.destinationList.map(({ id }) => partyKey(id)))],
    parent: event.parentID === null ? null : formatKey(event.parentID),
    epcs: keys(event.epcList),
    children: keys(event.childEPCs),
    inputs: keys(event.inputEPCList),
    outputs: keys(event.outputEPCList),
    quantities: [
      ...parts(event.quantityList).map((part) => ({ ...part, side: 'epc' as const })),
      ...parts(event.childQuantityList).map((part) => ({ ...part, side: 'child' as const })),
      ...parts(event.inputQuantityList).map((part) => ({ ...part, side: 'input' as const })),
      ...parts(event.outputQuantityList).map((part) => ({ ...part, side: 'output' as const })),
    ],
    expiry: event.ilmdExpiry,
    transformationID: event.transformationID,
    coi: identity === null ? NO_FIELDS : readFields(identity.event, identity.ilmd),
    ...(sensors !== undefined && { sensor: sensorPartsOf(sensors, event.eventTime.ms) }),
  };
}

type Members = Readonly<Record<string, unknown>>;

function readFields(event: Members, ilmd: Members): CoiFields {
  const { chain, donor, order, attempt, step, check, from, space, recipient, volume, bag, oos, offline } = event;
  return {
    chain: [...new Set(textsOf(chain).map(chainKey))].sort(),
    donor: textOf(donor),
    order: textOf(order),
    attempt: numberOf(attempt),
    step: textOf(step),
    check: textsOf(check),
    from: keyOf(from),
    space: keyOf(space),
    recipient: textOf(recipient),
    volume: amountOf(volume),
    bag: bagOf(bag),
    oos: textOf(oos),
    offline: offlineOf(offline),
    alias: textsOf(ilmd['alias'] ?? event['alias']).flatMap((text) => keyOf(text) ?? []),
  };
}

/** XML says numbers as text, and one value where JSON has a list. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
  return typeof value === 'number' ? String(value) : null;
}

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).flatMap((one) => textOf(one) ?? []);

function numberOf(value: unknown): number | null {
  const text = textOf(value);
  const number = text === null ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

/** The canonical key of a URI; a text that is none stays as it is. */
export function keyOf(value: unknown): string | null {
  const text = textOf(value);
  if (text === null) return null;
  try {
    return formatKey(parseEpc(text));
  } catch {
    return text;
  }
}

function membersOf(value: unknown): Members | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  // Members of the object may bear the namespace's prefix or none.
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name.slice(name.lastIndexOf(':') + 1), one]));
}

function amountOf(value: unknown): Amount | null {
  const members = membersOf(value);
  const number = numberOf(members?.['value']);
  return members === null || number === null ? null : { value: number, uom: textOf(members['uom']) ?? '' };
}

function bagOf(value: unknown): CoiFields['bag'] {
  const members = membersOf(value);
  const [number, of] = [numberOf(members?.['number']), numberOf(members?.['of'])];
  return number === null || of === null ? null : { number, of };
}

function offlineOf(value: unknown): CoiFields['offline'] {
  const members = membersOf(value);
  const [device, counter, signature] = [textOf(members?.['device']), numberOf(members?.['counter']), textOf(members?.['signature'])];
  return device === null || counter === null || signature === null ? null : { device, counter, signature };
}
