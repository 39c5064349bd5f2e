import { WRAPPED_NAMESPACE } from '../prefixes.ts';
import { childElements, isPlain, plainElement, qualifiedElement, textElement, XmlNotes, type XmlVersion } from './element.ts';
import type { WrittenXml } from './from-json.ts';
import { collectFields, DEMANDED_BY_1_2, type EventParts, eventLayout, type Layout, placeFields, type Wrapper } from './layout.ts';
import type { XmlElement } from './tree.ts';

/**
 * An event of one release of EPCIS XML in the form of the other (§5.2): standard fields move between their direct place in 2.0 and the wrappers of
 * 1.2, in the order that the schema wants; extensions of users are not touched. From 1.2 to 2.0 and back gives the same tree, but for white
 * space between elements. An event that stands in the form asked for already comes back in its order.
 *
 * What only 2.0 knows is wrapped where 1.2 takes elements of later releases, content of users that 2.0 does not take is wrapped there, and a
 * QuantityEvent becomes an ObjectEvent; each is said in `notes`. Give the event element itself, without the wrappers around it.
 */
export function changeVersion(event: XmlElement, to: XmlVersion): WrittenXml {
  const notes = new XmlNotes();
  const from = to === '2.0' ? '1.2' : '2.0';
  const source = isPlain(event, 'QuantityEvent') && to === '2.0' ? objectEventOf(event, notes) : event;
  const layout = eventLayout(source.local, to);
  // An event may be in either form, as readers are lenient: its wrappers say which.
  const parts = collectFields(source, eventLayout(source.local, from === '1.2' || holdsWrappedFields(source) ? '1.2' : '2.0'), notes);
  const fields = new Map(parts.fields);
  const demanded = DEMANDED_BY_1_2[source.local];
  if (demanded !== undefined && source.uri === '') {
    if (to === '1.2' && !fields.has(demanded)) fields.set(demanded, [plainElement(demanded)]);
    if (to === '2.0' && fields.get(demanded)?.every(isBare) === true) fields.delete(demanded);
  }
  if (to === '1.2') {
    const declarations = fields.get('errorDeclaration');
    if (declarations !== undefined) fields.set('errorDeclaration', declarations.map(inOrderOf1_2));
    tellWhatIsWrapped(fields, notes);
  }
  const wrapped = new Map([...parts.wrapped].map(([name, content]) => [name, moveContent(name, content, layout, to, notes)] as const));
  return { element: { ...source, children: placeFields(layout, { ...parts, fields, wrapped }) }, notes: notes.list };
}

const WRAPPED_IN_1_2 = ['certificationInfo', 'sensorElementList', 'persistentDisposition'];

function tellWhatIsWrapped(fields: EventParts['fields'], notes: XmlNotes): void {
  for (const name of WRAPPED_IN_1_2)
    if (fields.has(name)) notes.add(name, `EPCIS 1.2 has no ${name}; it stands where 1.2 takes later elements`);
}

/** 1.2 demands the list; an empty one says no more than none, but attributes of one's own would. */
function isBare(list: XmlElement): boolean {
  return list.attributes.length === 0 && childElements(list).length === 0;
}

function holdsWrappedFields(event: XmlElement): boolean {
  const wrappers = childElements(event).filter((child) => isPlain(child, 'extension') || isPlain(child, 'baseExtension'));
  const known = new Set([
    'eventID',
    'errorDeclaration',
    'quantityList',
    'childQuantityList',
    'sourceList',
    'destinationList',
    'ilmd',
    ...WRAPPED_IN_1_2,
  ]);
  const holds = (element: XmlElement): boolean =>
    childElements(element).some((child) => child.uri === '' && (known.has(child.local) || (child.local === 'extension' && holds(child))));
  return wrappers.some(holds);
}

/**
 * Content of users in a wrapper. 1.2 takes elements without a namespace in its innermost wrapper, 2.0 takes those of other namespaces in its only one.
 * So a wrapper of 2.0 goes as a whole into that of 1.2, and content of 1.2 goes into an element of our own namespace; on the way back both come out.
 */
function moveContent(
  name: Wrapper,
  content: readonly XmlElement[],
  layout: Layout,
  to: XmlVersion,
  notes: XmlNotes,
): readonly XmlElement[] {
  const [only] = content.length === 1 ? content : [];
  if (to === '1.2') {
    if (only?.uri === WRAPPED_NAMESPACE) return childElements(only);
    const slot = layout.find((one) => typeof one !== 'string' && one.wrapper === name);
    const inside = slot === undefined || typeof slot === 'string' ? [] : slot.inside;
    return inside.length === 0 ? content : [plainElement(name, content)];
  }
  if (only !== undefined && isPlain(only, name) && !childElements(only).some(isWithoutNamespace)) return childElements(only);
  if (!content.some(isWithoutNamespace)) return content;
  notes.add(
    name,
    'EPCIS 2.0 takes no elements without a namespace in its wrappers; they are wrapped in an element of a namespace of our own',
  );
  return [qualifiedElement('lotline', WRAPPED_NAMESPACE, name, content)];
}

function isWithoutNamespace(element: XmlElement): boolean {
  return element.uri === '';
}

/** 2.0 takes the parts of an error declaration in any order, 1.2 in one (DM-9). */
function inOrderOf1_2(declaration: XmlElement): XmlElement {
  const order = ['declarationTime', 'reason', 'correctiveEventIDs', 'extension'];
  const rank = (element: XmlElement) => (element.uri === '' && order.includes(element.local) ? order.indexOf(element.local) : order.length);
  const children = childElements(declaration);
  const sorted = [...children].sort((a, b) => rank(a) - rank(b));
  return sorted.every((child, i) => child === children[i]) ? declaration : { ...declaration, children: sorted };
}

/** A QuantityEvent, which 2.0 has dropped, is an observation of a quantity. */
function objectEventOf(event: XmlElement, notes: XmlNotes): XmlElement {
  notes.add('', 'EPCIS 2.0 has no QuantityEvent; it becomes an ObjectEvent with action OBSERVE and one quantityElement');
  const children = childElements(event);
  const moved = children.filter((child) => isPlain(child, 'epcClass') || isPlain(child, 'quantity'));
  const others = children.filter((child) => !moved.includes(child));
  const quantities = plainElement('quantityList', [plainElement('quantityElement', moved)]);
  return { ...event, name: 'ObjectEvent', local: 'ObjectEvent', children: [...others, textElement('action', 'OBSERVE'), quantities] };
}
