import { BIZ_STEP, IDENTITY_NAMESPACE, type StepId } from '../../identity/vocabulary.ts';
import { epcOf } from './act-events.ts';

/** A step as it is planned; things by canonical key. */
export type Plan = {
  readonly step: StepId;
  readonly orderId: string;
  readonly chain: string;
  readonly containers: readonly string[];
  readonly outputs: readonly string[];
  /** Of packing: what it is packed into. */
  readonly parent: string | null;
  /** Of samples: what they are taken from. */
  readonly from: string | null;
  readonly space: string | null;
  readonly destination: string | null;
  readonly place: string | null;
  readonly time: number;
  readonly offset: string;
  /** Further fields of the identity namespace, as they are. */
  readonly coi: Readonly<Record<string, unknown>>;
};

type Form = {
  type: 'ObjectEvent' | 'AggregationEvent' | 'TransformationEvent';
  action?: 'ADD' | 'OBSERVE' | 'DELETE';
  bizStep?: string;
  disposition?: string;
};
const seen = (bizStep?: string): Form => ({ type: 'ObjectEvent', action: 'OBSERVE', ...(bizStep !== undefined && { bizStep }) });
const made = (bizStep: string): Form => ({ type: 'ObjectEvent', action: 'ADD', bizStep });

/** The event of a step (identity-wire.md §2). Steps that are acts of people alone are seen as events without a business step. */
const FORMS: { readonly [S in StepId]?: Form } = {
  labels: seen(BIZ_STEP.printingLabels),
  collection: made('commissioning'),
  samples: made('sampling'),
  'qc-samples': made('sampling'),
  hold: seen('storing'),
  pack: { type: 'AggregationEvent', action: 'ADD', bizStep: 'packing' },
  pickup: seen(BIZ_STEP.handingOver),
  receive: seen('receiving'),
  accept: seen('accepting'),
  start: { type: 'TransformationEvent' },
  process: { type: 'TransformationEvent' },
  fill: { type: 'TransformationEvent' },
  store: seen('storing'),
  ship: seen('shipping'),
  'site-receive': seen('receiving'),
  'site-store': seen('storing'),
  thaw: seen(BIZ_STEP.thawing),
  bedside: seen(BIZ_STEP.identityCheck),
  infuse: { type: 'ObjectEvent', action: 'DELETE', bizStep: BIZ_STEP.infusing, disposition: 'dispensed' },
  residue: { type: 'ObjectEvent', action: 'DELETE', bizStep: 'destroying', disposition: 'destroyed' },
};

export function plannedEvent(plan: Plan): object {
  const { step, orderId, chain, containers, outputs, parent, from, space, destination, place, time, offset, coi } = plan;
  const { type, ...form } = FORMS[step] ?? seen();
  const epcs = containers.map(epcOf);
  const fields: Record<string, unknown> = {
    chain,
    order: orderId,
    step,
    from: from === null ? undefined : epcOf(from),
    space: space ?? undefined,
    ...coi,
  };
  const things =
    type === 'ObjectEvent'
      ? { epcList: epcs }
      : type === 'AggregationEvent'
        ? { parentID: parent === null ? undefined : epcOf(parent), childEPCs: epcs }
        : // What comes out is not known yet: then it is a piece of a making that is still on.
          {
            inputEPCList: epcs,
            ...(outputs.length > 0 ? { outputEPCList: outputs.map(epcOf) } : { transformationID: `urn:lotline:plan:${orderId}:${time}` }),
          };
  return {
    '@context': ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', { coi: IDENTITY_NAMESPACE }],
    type,
    eventTime: new Date(time).toISOString(),
    eventTimeZoneOffset: offset,
    ...form,
    ...things,
    ...(place !== null && { readPoint: { id: epcOf(place) }, bizLocation: { id: epcOf(place) } }),
    ...(destination !== null && { destinationList: [{ type: 'location', destination: epcOf(destination) }] }),
    ...Object.fromEntries(
      Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [`coi:${name}`, value]),
    ),
  };
}
