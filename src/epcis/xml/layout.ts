import { childElements, isPlain, plainElement, type XmlNotes, type XmlVersion } from './element.ts';
import type { XmlElement } from './tree.ts';

/** Elements in which 1.2 has what came after its first release, and users what is theirs. */
export type Wrapper = 'extension' | 'baseExtension';

/** The order of an event's elements; an object is a wrapper element with what stands inside it, `any` a place for what only users know. */
export type Layout = readonly (string | { readonly wrapper: Wrapper; readonly inside: Layout })[];

const words = (text: string) => text.trim().split(/\s+/);
const extension = (...inside: Layout) => ({ wrapper: 'extension', inside }) as const;

const PLACE = words('bizStep disposition readPoint bizLocation');
const PARTIES = words('sourceList destinationList');
const SINCE_2_0 = words('sensorElementList persistentDisposition');
const BASE_2_0: Layout = [
  ...words('eventTime recordTime eventTimeZoneOffset eventID errorDeclaration certificationInfo'),
  { wrapper: 'baseExtension', inside: [] },
];
// 1.2 has no place for certificationInfo: where it takes elements of later releases, it goes.
const BASE_1_2: Layout = [
  ...words('eventTime recordTime eventTimeZoneOffset'),
  { wrapper: 'baseExtension', inside: [...words('eventID errorDeclaration'), extension('certificationInfo')] },
];
const TRANSFORMATION = [
  ...words('inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID'),
  ...PLACE,
  'bizTransactionList',
  ...PARTIES,
];
const ASSOCIATION = [...words('parentID childEPCs childQuantityList action'), ...PLACE, 'bizTransactionList', ...PARTIES, ...SINCE_2_0];
const EVERY_FIELD = [
  ...words(
    `parentID epcList childEPCs childQuantityList inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID action`,
  ),
  ...PLACE,
  ...words('bizTransactionList quantityList'),
  ...PARTIES,
  ...SINCE_2_0,
  'ilmd',
];

const LAYOUTS: Readonly<Record<XmlVersion, ReadonlyMap<string, Layout>>> = {
  //
  '2.0': new Map<string, Layout>([
    [
      'ObjectEvent',
      [
        ...BASE_2_0,
        ...words('epcList action'),
        ...PLACE,
        ...words('bizTransactionList quantityList'),
        ...PARTIES,
        ...SINCE_2_0,
        'ilmd',
        extension(),
      ],
    ],
    [
      'AggregationEvent',
      [
        ...BASE_2_0,
        ...words('parentID childEPCs action'),
        ...PLACE,
        ...words('bizTransactionList childQuantityList'),
        ...PARTIES,
        ...SINCE_2_0,
        extension(),
      ],
    ],
    [
      'TransactionEvent',
      [
        ...BASE_2_0,
        ...words('bizTransactionList parentID epcList action'),
        ...PLACE,
        'quantityList',
        ...PARTIES,
        ...SINCE_2_0,
        extension(),
      ],
    ],
    ['TransformationEvent', [...BASE_2_0, ...TRANSFORMATION, ...SINCE_2_0, 'ilmd', extension()]],
    ['AssociationEvent', [...BASE_2_0, ...ASSOCIATION, extension()]],
  ]),
  // §5.2
  '1.2': new Map<string, Layout>([
    [
      'ObjectEvent',
      [
        ...BASE_1_2,
        ...words('epcList action'),
        ...PLACE,
        'bizTransactionList',
        extension('quantityList', ...PARTIES, 'ilmd', extension(...SINCE_2_0)),
      ],
    ],
    [
      'AggregationEvent',
      [
        ...BASE_1_2,
        ...words('parentID childEPCs action'),
        ...PLACE,
        'bizTransactionList',
        extension('childQuantityList', ...PARTIES, extension(...SINCE_2_0)),
      ],
    ],
    [
      'TransactionEvent',
      [
        ...BASE_1_2,
        ...words('bizTransactionList parentID epcList action'),
        ...PLACE,
        extension('quantityList', ...PARTIES, extension(...SINCE_2_0)),
      ],
    ],
    ['TransformationEvent', [...BASE_1_2, ...TRANSFORMATION, 'ilmd', extension(...SINCE_2_0)]],
    // The schema of 1.2 knows no AssociationEvent and takes it as it comes: its fields stand as in 2.0.
    ['AssociationEvent', [...BASE_1_2, ...ASSOCIATION, extension()]],
  ]),
};

/** Where the fields of an event type stand; types of one's own get the fields they borrow in one order for all. */
export function eventLayout(type: string, version: XmlVersion): Layout {
  const base = version === '2.0' ? BASE_2_0 : BASE_1_2;
  return LAYOUTS[version].get(type) ?? [...base, ...EVERY_FIELD, extension()];
}

/** The list that 1.2 demands of these events even when it is empty (§5.2). */
export const DEMANDED_BY_1_2: Readonly<Partial<Record<string, string>>> = {
  ObjectEvent: 'epcList',
  TransactionEvent: 'epcList',
  AggregationEvent: 'childEPCs',
};

export type EventParts = {
  /** The standard fields, flat. */
  readonly fields: ReadonlyMap<string, readonly XmlElement[]>;
  /** What a wrapper holds besides standard fields: content of users. */
  readonly wrapped: ReadonlyMap<Wrapper, readonly XmlElement[]>;
  /** What follows the standard fields: elements of other namespaces. */
  readonly rest: readonly XmlElement[];
};

/** The children of an event in the order and the wrappers of a layout. A wrapper that would hold nothing is left out. */
export function placeFields(layout: Layout, parts: EventParts): readonly XmlElement[] {
  const place = (slots: Layout): XmlElement[] =>
    slots.flatMap((slot) => {
      if (typeof slot === 'string') return parts.fields.get(slot) ?? [];
      const wrappers = slots === layout ? wrap(slot, parts.wrapped.get(slot.wrapper) ?? []) : [];
      if (wrappers.length > 0) return wrappers;
      const inside = place(slot.inside);
      return inside.length === 0 ? [] : [plainElement(slot.wrapper, inside)];
    });
  const wrap = (slot: Exclude<Layout[number], string>, content: readonly XmlElement[]): XmlElement[] => {
    if (content.length === 0) return [];
    // In 1.2 the wrapper belongs to the standard, and what users put there stands one level deeper.
    const inner = slot.inside.find((one) => typeof one !== 'string');
    if (slot.inside.length === 0) return [plainElement(slot.wrapper, content)];
    if (inner === undefined || typeof inner === 'string') return [plainElement(slot.wrapper, [...place(slot.inside), ...content])];
    const outside = slot.inside.filter((one) => typeof one === 'string');
    return [plainElement(slot.wrapper, [...place(outside), plainElement(inner.wrapper, [...place(inner.inside), ...content])])];
  };
  return [...place(layout), ...parts.rest];
}

/**
 * The parts of an event that stands in some layout, the inverse of `placeFields` for events that keep to it. Fields that stand elsewhere in or
 * outside of the wrappers are found too, as readers are lenient.
 */
export function collectFields(event: XmlElement, layout: Layout, notes: XmlNotes): EventParts {
  const known = new Set(fieldsOf(layout));
  const fields = new Map<string, XmlElement[]>();
  const wrapped = new Map<Wrapper, XmlElement[]>();
  const rest: XmlElement[] = [];
  const visit = (element: XmlElement, slots: Layout | null, outermost: Wrapper | null) => {
    for (const child of childElements(element)) {
      const slot = slots?.find((one) => typeof one !== 'string' && isPlain(child, one.wrapper));
      if (slot !== undefined && typeof slot !== 'string') {
        for (const { name } of child.attributes) notes.add(child.name, `the attribute ${name} of a wrapper element is left out`);
        visit(child, slot.inside, outermost ?? slot.wrapper);
      } else if (child.uri === '' && known.has(child.local)) fields.set(child.local, [...(fields.get(child.local) ?? []), child]);
      else if (outermost === null) rest.push(child);
      else wrapped.set(outermost, [...(wrapped.get(outermost) ?? []), child]);
    }
  };
  visit(event, layout, null);
  return { fields, wrapped, rest };
}

function fieldsOf(layout: Layout): readonly string[] {
  return layout.flatMap((slot) => (typeof slot === 'string' ? slot : fieldsOf(slot.inside)));
}

/** The event element inside the wrappers that its release wants around it in an EventList (§5.2). */
export function wrapEvent(event: XmlElement, version: XmlVersion): XmlElement {
  if (event.uri !== '') return plainElement('extension', [event]);
  if (version === '2.0') return event;
  if (event.local === 'TransformationEvent') return plainElement('extension', [event]);
  return event.local === 'AssociationEvent' ? plainElement('extension', [plainElement('extension', [event])]) : event;
}
