import { readBagKey } from '../../identifiers/index.ts';
import type { ChainView, ContainerView } from '../view.ts';
import type { AnyAct, Binding, ChainWorld, Key } from '../world.ts';
import { orderFacts } from './order-facts.ts';
import { iso } from './timeline.ts';

/**
 * A container as a FHIR R5 BiologicallyDerivedProduct (domain.md §12.1), for systems of hospitals. Export only: nothing of it comes back. It names no
 * person: `collection.sourcePatient` is the pseudonym, and stands there only towards who may know it.
 */
export type FhirResource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;

const SYSTEM = 'urn:lotline';
const PROPERTY = `${SYSTEM}:property`;

export type FhirFacts = {
  readonly key: Key;
  readonly binding: Binding;
  readonly container: ContainerView | null;
  readonly view: ChainView | null;
  readonly world: ChainWorld | null;
  readonly held: boolean;
  /** Whether who asks may know whose pseudonym it is. */
  readonly entitled: boolean;
};

export function fhirProduct({ key, binding, container, view, world, held, entitled }: FhirFacts): FhirResource {
  const order = world === null ? null : orderFacts(world, view);
  const bag = readBagKey(key);
  const collection = world === null ? null : collectionOf(world, container);
  const storage = world === null || order === null ? null : storageOf(world, order.product, container);
  const available = container !== null && container.end === null && !held;
  const properties = [
    ...(container?.attempt == null ? [] : [{ type: word('attempt'), valueInteger: container.attempt }]),
    ...binding.chains.map((chain) => ({ type: word('chain-of-identity'), valueString: chain })),
    ...(container?.volume == null ? [] : [{ type: word('volume'), valueQuantity: quantity(container.volume.value, container.volume.uom) }]),
    ...(world === null || container === null ? [] : doseProperties(world, container)),
  ];
  return {
    resourceType: 'BiologicallyDerivedProduct',
    id: idOf(key),
    productCategory: {
      coding: [{ system: 'http://hl7.org/fhir/product-category', code: container?.kind === 'sample' ? 'biologicalAgent' : 'cells' }],
    },
    ...(bag !== null && { productCode: { coding: [{ system: 'http://www.iccbba.org/ISBT128/productcode', code: bag.productCode }] } }),
    ...((container?.from.length ?? 0) > 0 && { parent: container?.from.map((from) => reference('BiologicallyDerivedProduct', from)) }),
    ...(order !== null && { request: [{ identifier: { system: `${SYSTEM}:order`, value: order.orderId } }] }),
    identifier: [
      { use: 'official', system: `${SYSTEM}:thing`, value: key },
      ...(container?.aliases ?? []).map((alias) => ({ use: 'secondary', system: `${SYSTEM}:thing`, value: alias })),
    ],
    ...(bag !== null && { biologicalSourceEvent: { system: 'http://www.iccbba.org/ISBT128/din', value: bag.din } }),
    ...(order !== null && { processingFacility: [{ identifier: { system: `${SYSTEM}:location`, value: order.manufacturer } }] }),
    ...(divisionOf(key, container) !== null && { division: divisionOf(key, container) }),
    productStatus: { system: 'http://hl7.org/fhir/biologicallyderived-product-status', code: available ? 'available' : 'unavailable' },
    ...(container?.expiry != null && { expirationDate: dateTime(container.expiry) }),
    ...((collection !== null || (entitled && order !== null)) && {
      collection: {
        ...(collection?.place != null && { collector: { identifier: { system: `${SYSTEM}:location`, value: collection.place } } }),
        ...(entitled &&
          order !== null && { sourcePatient: { type: 'Patient', identifier: { system: `${SYSTEM}:patient`, value: order.patientRef } } }),
        ...(collection !== null && { collectedDateTime: iso(collection.time) }),
      },
    }),
    ...(storage !== null && { storageTempRequirements: storage }),
    ...(properties.length > 0 && { property: properties }),
  };
}

/** The product with what was done to give it: a dispense for each passed bedside check, and for each infusion. */
export function fhirBundle(facts: FhirFacts): FhirResource {
  const product = fhirProduct(facts);
  const resources = [product, ...dispenses(facts)];
  return {
    resourceType: 'Bundle',
    id: `bundle-${product.id}`,
    type: 'collection',
    timestamp: iso(facts.world?.now ?? 0),
    entry: resources.map((resource) => ({ fullUrl: `urn:lotline:fhir:${resource.resourceType}:${resource.id}`, resource })),
  };
}

function dispenses({ key, view, world, entitled }: FhirFacts): FhirResource[] {
  const order = world === null ? null : orderFacts(world, view);
  if (world === null || order === null) return [];
  const canonical = (one: Key) => world.aliases.get(one) ?? one;
  const checks = world.acts.filter(
    (act): act is Extract<AnyAct, { kind: 'check' }> =>
      act.kind === 'check' && act.body.checkpoint === 'bedside' && act.body.containers.some((one) => canonical(one) === key),
  );
  const infusions = world.events.filter(
    ({ coi, bizStep, epcs }) =>
      (coi.recipient !== null || bizStep?.endsWith(':infusing') === true) && epcs.some((one) => canonical(one) === key),
  );
  const patient = {
    type: 'Patient',
    ...(entitled ? { identifier: { system: `${SYSTEM}:patient`, value: order.patientRef } } : { display: 'not shown' }),
  };
  const common = {
    resourceType: 'BiologicallyDerivedProductDispense',
    partOf: [{ identifier: { system: `${SYSTEM}:order`, value: order.orderId } }],
    product: reference('BiologicallyDerivedProduct', key),
    patient,
    originRelationshipType: word(order.template.id.startsWith('autologous') ? 'autologous' : 'allogeneic'),
  } as const;
  return [
    ...checks.map(({ id, time, body, signatures }) => ({
      ...common,
      id: idOf(id),
      identifier: [{ system: `${SYSTEM}:check`, value: id }],
      status: body.result === 'pass' ? 'issued' : 'unfulfilled',
      matchStatus: word(body.result === 'pass' ? 'matched' : 'mismatch'),
      performer: signatures.map(({ person, meaning }) => ({
        function: word(meaning),
        actor: { identifier: { system: `${SYSTEM}:person`, value: person } },
      })),
      location: { identifier: { system: `${SYSTEM}:location`, value: body.place } },
      preparedDate: iso(time),
    })),
    ...infusions.map((event) => ({
      ...common,
      id: `infusion-${event.seq}`,
      identifier: [{ system: `${SYSTEM}:event`, value: event.eventID }],
      status: 'issued',
      ...(event.coi.volume !== null && { quantity: quantity(event.coi.volume.value, event.coi.volume.uom) }),
      whenHandedOver: iso(event.time),
      destination: { identifier: { system: `${SYSTEM}:location`, value: event.bizLocation ?? event.readPoint ?? order.treatmentSite } },
    })),
  ];
}

function collectionOf(world: ChainWorld, container: ContainerView | null): { time: number; place: string | null } | null {
  const event = world.events.find(
    ({ type, action, coi, epcs, bizStep }) =>
      type === 'ObjectEvent' &&
      action === 'ADD' &&
      coi.from === null &&
      bizStep === 'commissioning' &&
      (container === null || container.kind !== 'container' || epcs.includes(container.key) || container.from.length > 0),
  );
  return event === undefined ? null : { time: event.time, place: event.bizLocation ?? event.readPoint };
}

/** The limits of the product's last stage: as it lies at the site. */
function storageOf(world: ChainWorld, product: string, container: ContainerView | null): object | null {
  const stages = world.products.get(product)?.transport ?? [];
  const stage = container?.kind === 'dose' ? stages.at(-1) : stages[0];
  return stage === undefined ? null : { low: quantity(stage.low, 'CEL'), high: quantity(stage.high, 'CEL') };
}

/** Cell dose and viability, as the results of its samples tell them. */
function doseProperties(world: ChainWorld, container: ContainerView): object[] {
  return world.acts.flatMap((act) => {
    if (act.kind !== 'result' || (act.body.sample !== container.key && !isSampleOf(world, act.body.sample, container.key))) return [];
    const { test, value, unit } = act.body;
    return [
      { type: word(test), ...(typeof value === 'number' ? { valueQuantity: quantity(value, unit ?? '1') } : { valueString: value }) },
    ];
  });
}

const isSampleOf = (world: ChainWorld, sample: Key, of: Key): boolean =>
  world.events.some(({ coi, epcs }) => epcs.includes(sample) && coi.from !== null && (world.aliases.get(coi.from) ?? coi.from) === of);

/** ISBT 128: the last two characters of the product code; else which bag of how many. */
function divisionOf(key: Key, container: ContainerView | null): string | null {
  const bag = readBagKey(key);
  if (bag !== null) return bag.productCode.slice(6);
  return container?.bag == null ? null : `${container.bag.number}/${container.bag.of}`;
}

/** Units of UN/ECE Rec 20 as UCUM says them; others stay as they are. */
const UCUM: Readonly<Record<string, string>> = { MLT: 'mL', LTR: 'L', CEL: 'Cel', GRM: 'g', KGM: 'kg', P1: '%', MIN: 'min', HUR: 'h' };

function quantity(value: number, uom: string): object {
  const code = UCUM[uom] ?? uom;
  return { value, unit: code, system: 'http://unitsofmeasure.org', code };
}

const word = (code: string) => ({ coding: [{ system: PROPERTY, code }], text: code });
const reference = (type: string, key: Key) => ({ type, identifier: { system: `${SYSTEM}:thing`, value: key } });

/** FHIR ids have 64 characters of A–Z a–z 0–9 - . at most; the identifier has the key as it is. */
export function idOf(key: Key): string {
  const text = key.replace(/[^A-Za-z0-9.-]+/g, '-').replace(/^-+|-+$/g, '');
  return text.slice(-64);
}

const dateTime = (expiry: string): string => expiry;
