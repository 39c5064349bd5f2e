import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { VocabularyKind } from '../cbv/lists.ts';
import { parseExactTime } from '../time.ts';
import { isAbsoluteUri } from '../uri.ts';

/**
 * What stands below a member, for the walk that follows a shape: shapes are checked one object at a time, so that a list of a hundred thousand
 * broken items costs a bounded number of errors (`allErrors` on a nested schema would make one for each).
 */
type Below =
  | { readonly object: ShapeName }
  | { readonly list: ShapeName }
  | { readonly vocabulary: VocabularyKind }
  | { readonly vocabularies: VocabularyKind }
  | { readonly uris: 'one or many' | 'many' }
  | { readonly identifiers: 'things' };

type Member = { readonly schema: Readonly<Record<string, unknown>>; readonly below?: Below };
type Shape = {
  /** How messages call it. */
  readonly name: string;
  readonly members: Readonly<Record<string, Member>>;
  readonly required?: readonly string[];
  /** Whether members of other namespaces may be added (V-13). */
  readonly extensible: boolean;
};

const uri: Member = { schema: { type: 'string', format: 'uri' } };
/** Names that master data is looked up by: an index entry holds both, and their sequence number. */
const idOfElement: Member = { schema: { type: 'string', format: 'uri', maxLength: 2_048 } };
const typeOfVocabulary: Member = { schema: { type: 'string', format: 'uri', maxLength: 512 } };
const time: Member = { schema: { type: 'string', format: 'date-time' } };
const text: Member = { schema: { type: 'string' } };
const number: Member = { schema: { type: 'number' } };
const anything: Member = { schema: {} };
const object = (shape: ShapeName): Member => ({ schema: { type: 'object' }, below: { object: shape } });
const list = (shape: ShapeName, minItems = 0): Member => ({ schema: { type: 'array', minItems }, below: { list: shape } });
const vocabulary = (kind: VocabularyKind): Member => ({ schema: { type: 'string' }, below: { vocabulary: kind } });
const vocabularies = (kind: VocabularyKind): Member => ({ schema: { type: 'array', minItems: 1 }, below: { vocabularies: kind } });
const things: Member = { schema: { type: 'array' }, below: { identifiers: 'things' } };

const common = {
  '@context': anything,
  type: text,
  eventTime: time,
  recordTime: time,
  eventTimeZoneOffset: { schema: { type: 'string', pattern: '^[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)$' } },
  eventID: uri,
  certificationInfo: { schema: { type: ['string', 'array'] }, below: { uris: 'one or many' } },
  errorDeclaration: object('errorDeclaration'),
} as const satisfies Record<string, Member>;

const context = {
  bizStep: vocabulary('bizStep'),
  disposition: vocabulary('disposition'),
  readPoint: object('readPoint'),
  bizLocation: object('bizLocation'),
  bizTransactionList: list('bizTransaction'),
  sourceList: list('source'),
  destinationList: list('destination'),
  sensorElementList: list('sensorElement'),
};
const action: Member = { schema: { enum: ['ADD', 'OBSERVE', 'DELETE'] } };
const quantities = list('quantityElement');
const persistentDisposition = object('persistentDisposition');
const ilmd = object('ilmd');

const event = (name: string, members: Record<string, Member>, required: string[] = []): Shape => ({
  name,
  members: { ...common, ...context, ...members },
  required: ['type', 'eventTime', 'eventTimeZoneOffset', ...required],
  extensible: true,
});

const device = { time, deviceID: uri, deviceMetadata: uri, rawData: uri, dataProcessingMethod: uri, bizRules: uri };

/** Every object of an EPCIS JSON document, written from epcis-2.0.md §1 and §2. */
const SHAPES = {
  EPCISDocument: {
    name: 'an EPCISDocument',
    members: {
      '@context': anything,
      id: uri,
      type: { schema: { const: 'EPCISDocument' } },
      schemaVersion: { schema: { type: 'string', pattern: '^\\d+(?:\\.\\d+)*$' } },
      creationDate: time,
      instanceIdentifier: text,
      sender: text,
      receiver: text,
      epcisHeader: object('epcisHeader'),
      epcisBody: object('epcisBody'),
    },
    required: ['@context', 'type', 'schemaVersion', 'creationDate', 'epcisBody'],
    extensible: true,
  },
  EPCISQueryDocument: {
    name: 'an EPCISQueryDocument',
    members: {
      '@context': anything,
      id: uri,
      type: { schema: { const: 'EPCISQueryDocument' } },
      schemaVersion: { schema: { type: 'string', pattern: '^\\d+(?:\\.\\d+)*$' } },
      creationDate: time,
      epcisBody: object('queryBody'),
    },
    required: ['@context', 'type', 'epcisBody'],
    extensible: true,
  },
  epcisBody: { name: 'epcisBody', members: { eventList: { schema: { type: 'array' } } }, required: ['eventList'], extensible: true },
  queryBody: { name: 'epcisBody', members: { queryResults: object('queryResults') }, required: ['queryResults'], extensible: true },
  queryResults: {
    name: 'queryResults',
    members: { queryName: text, subscriptionID: text, resultsBody: object('resultsBody') },
    required: ['queryName', 'resultsBody'],
    extensible: true,
  },
  resultsBody: {
    name: 'resultsBody',
    members: { eventList: { schema: { type: 'array' } }, vocabularyList: list('vocabulary') },
    required: ['eventList'],
    extensible: true,
  },
  epcisHeader: { name: 'epcisHeader', members: { epcisMasterData: object('epcisMasterData') }, extensible: true },
  epcisMasterData: { name: 'epcisMasterData', members: { vocabularyList: list('vocabulary') }, extensible: true },
  vocabulary: {
    name: 'a vocabulary',
    members: { type: typeOfVocabulary, vocabularyElementList: list('vocabularyElement') },
    required: ['type'],
    extensible: true,
  },
  vocabularyElement: {
    name: 'a vocabulary element',
    members: { id: idOfElement, attributes: list('attribute'), children: { schema: { type: 'array' }, below: { uris: 'many' } } },
    required: ['id'],
    extensible: true,
  },
  attribute: {
    name: 'an attribute',
    members: { id: uri, attribute: { schema: { type: ['string', 'number', 'object'] } } },
    required: ['id'],
    extensible: true,
  },
  ObjectEvent: event('an ObjectEvent', { action, epcList: things, quantityList: quantities, persistentDisposition, ilmd }, ['action']),
  AggregationEvent: event('an AggregationEvent', { action, parentID: uri, childEPCs: things, childQuantityList: quantities }, ['action']),
  TransactionEvent: event(
    'a TransactionEvent',
    { action, parentID: uri, epcList: things, quantityList: quantities, bizTransactionList: list('bizTransaction', 1) },
    ['action', 'bizTransactionList'],
  ),
  TransformationEvent: event('a TransformationEvent', {
    inputEPCList: things,
    inputQuantityList: quantities,
    outputEPCList: things,
    outputQuantityList: quantities,
    transformationID: uri,
    persistentDisposition,
    ilmd,
  }),
  AssociationEvent: event('an AssociationEvent', { action, parentID: uri, childEPCs: things, childQuantityList: quantities }, [
    'action',
    'parentID',
  ]),
  // Only the common fields are demanded of an extension type (§2.1); where it borrows fields of the standard types, they keep their shape.
  extensionEvent: event('the event', {
    action,
    parentID: uri,
    epcList: things,
    childEPCs: things,
    inputEPCList: things,
    outputEPCList: things,
    quantityList: quantities,
    childQuantityList: quantities,
    inputQuantityList: quantities,
    outputQuantityList: quantities,
    transformationID: uri,
    persistentDisposition,
    ilmd,
  }),
  errorDeclaration: {
    name: 'errorDeclaration',
    members: {
      declarationTime: time,
      reason: vocabulary('errorReason'),
      correctiveEventIDs: { schema: { type: 'array' }, below: { uris: 'many' } },
    },
    required: ['declarationTime'],
    extensible: true,
  },
  readPoint: { name: 'readPoint', members: { id: uri }, required: ['id'], extensible: true },
  bizLocation: { name: 'bizLocation', members: { id: uri }, required: ['id'], extensible: true },
  quantityElement: {
    name: 'a quantity element',
    members: { epcClass: uri, quantity: number, uom: { schema: { type: 'string', pattern: '^[A-Z0-9]{2,3}$' } } },
    required: ['epcClass'],
    extensible: false,
  },
  bizTransaction: {
    name: 'a business transaction',
    members: { type: vocabulary('bizTransactionType'), bizTransaction: uri },
    required: ['bizTransaction'],
    extensible: false,
  },
  source: {
    name: 'a source',
    members: { type: vocabulary('sourceDestType'), source: uri },
    required: ['type', 'source'],
    extensible: false,
  },
  destination: {
    name: 'a destination',
    members: { type: vocabulary('sourceDestType'), destination: uri },
    required: ['type', 'destination'],
    extensible: false,
  },
  persistentDisposition: {
    name: 'persistentDisposition',
    members: { set: vocabularies('disposition'), unset: vocabularies('disposition') },
    extensible: false,
  },
  sensorElement: {
    name: 'a sensor element',
    members: { sensorMetadata: object('sensorMetadata'), sensorReport: list('sensorReport', 1) },
    required: ['sensorReport'],
    extensible: true,
  },
  sensorMetadata: { name: 'sensorMetadata', members: { ...device, startTime: time, endTime: time }, extensible: true },
  sensorReport: {
    name: 'a sensor report',
    members: {
      ...device,
      type: vocabulary('measurementType'),
      exception: vocabulary('sensorAlert'),
      microorganism: uri,
      chemicalSubstance: uri,
      coordinateReferenceSystem: uri,
      component: vocabulary('component'),
      value: number,
      minValue: number,
      maxValue: number,
      meanValue: number,
      sDev: number,
      percRank: number,
      percValue: number,
      stringValue: text,
      booleanValue: { schema: { type: 'boolean' } },
      hexBinaryValue: { schema: { type: 'string', pattern: '^[A-Fa-f0-9]+$' } },
      uriValue: uri,
      uom: text,
    },
    required: ['type'],
    extensible: true,
  },
  ilmd: { name: 'ilmd', members: {}, extensible: true },
} as const satisfies Record<string, Shape>;

export type ShapeName =
  | 'EPCISDocument'
  | 'EPCISQueryDocument'
  | 'epcisBody'
  | 'queryBody'
  | 'queryResults'
  | 'resultsBody'
  | 'epcisHeader'
  | 'epcisMasterData'
  | 'vocabulary'
  | 'vocabularyElement'
  | 'attribute'
  | EventShapeName
  | 'errorDeclaration'
  | 'readPoint'
  | 'bizLocation'
  | 'quantityElement'
  | 'bizTransaction'
  | 'source'
  | 'destination'
  | 'persistentDisposition'
  | 'sensorElement'
  | 'sensorMetadata'
  | 'sensorReport'
  | 'ilmd';
export type EventShapeName = StandardEventType | 'extensionEvent';
type StandardEventType = 'ObjectEvent' | 'AggregationEvent' | 'TransactionEvent' | 'TransformationEvent' | 'AssociationEvent';

/** A shape ready for use: its compiled schema, the names it knows, and where the walk goes on. */
export type CompiledShape = {
  readonly name: string;
  readonly extensible: boolean;
  readonly members: ReadonlyMap<string, Member>;
  readonly below: readonly (readonly [member: string, below: Below])[];
  readonly validate: ValidateFunction;
};

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, ownProperties: true });
ajv.addFormat('uri', isAbsoluteUri);
ajv.addFormat('date-time', (value: string) => {
  try {
    parseExactTime(value);
    return true;
  } catch {
    return false;
  }
});

const compiled = new Map<ShapeName, CompiledShape>();

/** Made when first asked for: a program that reads no document need not wait for it. */
export function shapeOf(name: ShapeName): CompiledShape {
  let shape = compiled.get(name);
  if (shape === undefined) {
    shape = compile(name, SHAPES[name]);
    compiled.set(name, shape);
  }
  return shape;
}

/** The fields that some standard event type has: a bare name outside this set is unknown everywhere (DM-5 speaks of those inside it). */
export const EVENT_FIELDS: ReadonlySet<string> = new Set(Object.keys(SHAPES.extensionEvent.members));

/** The JSON Schema (2020-12) of one kind of object by itself: what stands in lists and objects below it is checked with their own schemas. */
function jsonSchema(name: ShapeName): Record<string, unknown> {
  const shape: Shape = SHAPES[name];
  return {
    type: 'object',
    required: [...(shape.required ?? [])],
    properties: Object.fromEntries(Object.entries(shape.members).map(([member, { schema }]) => [member, schema])),
  };
}

function compile(name: ShapeName, shape: Shape): CompiledShape {
  const members = new Map(Object.entries(shape.members));
  return {
    name: shape.name,
    extensible: shape.extensible,
    members,
    below: [...members].flatMap(([member, { below }]) => (below === undefined ? [] : [[member, below] as const])),
    validate: ajv.compile(jsonSchema(name)),
  };
}

export type SchemaFault = ErrorObject;
