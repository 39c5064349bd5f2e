import { toDigitalLink } from '../../identifiers/index.ts';
import { IDENTITY_NAMESPACE } from '../../identity/vocabulary.ts';

/** The EPCIS event with which an act tells partners what was done: on things that are known here already. */
export type ToldEvent = {
  readonly bizStep: string;
  readonly time: number;
  readonly offset: string;
  readonly things: readonly string[];
  readonly place: string | null;
  /** Fields of the identity namespace, without prefix. */
  readonly coi: Readonly<Record<string, unknown>>;
};

const CONTEXT = ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', { coi: IDENTITY_NAMESPACE }];

/** A canonical key as an EPC of an event. */
export const epcOf = (key: string): string => toDigitalLink(key) ?? key;

export function bareEvent({ bizStep, time, offset, things, place, coi }: ToldEvent): object {
  const fields = Object.entries(coi).filter(([, value]) => value !== undefined && value !== null);
  return {
    '@context': CONTEXT,
    type: 'ObjectEvent',
    eventTime: new Date(time).toISOString(),
    eventTimeZoneOffset: offset,
    action: 'OBSERVE',
    bizStep,
    epcList: things.map(epcOf),
    ...(place !== null && { readPoint: { id: epcOf(place) } }),
    ...Object.fromEntries(fields.map(([name, value]) => [`coi:${name}`, value])),
  };
}
