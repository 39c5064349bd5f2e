import { documentOf, EPCIS_CONTEXT, everyEvent, queryDocumentOf } from '../support/epcis-documents.ts';
import { exampleFiles } from '../support/epcis-examples.ts';
import { hardHistory } from '../support/hard-history.ts';

/** What is sound, and what mutants are made from: documents of our own, and the published examples where they are at hand. */
export type Seeds = {
  readonly documents: readonly unknown[];
  /** Bare, each with its context. */
  readonly events: readonly unknown[];
  readonly xml: readonly string[];
  /** Identifiers, words and times that these hold. */
  readonly texts: readonly string[];
  /** Those of them that name things, classes and places. */
  readonly identifiers: readonly string[];
};

const header = {
  epcisHeader: {
    epcisMasterData: {
      vocabularyList: [
        {
          type: 'urn:epcglobal:epcis:vtype:Location',
          vocabularyElementList: [
            {
              id: 'urn:epc:id:sgln:9520123.00001.0',
              attributes: [{ id: 'urn:epcglobal:cbv:mda#name', attribute: 'Works' }],
              children: ['urn:epc:id:sgln:9520123.00001.7'],
            },
          ],
        },
      ],
    },
  },
};
const declared = {
  ...(everyEvent()[0] as object),
  eventID: 'urn:uuid:6a1e6cf5-8b5c-4a53-a53a-1f3f9d2b0001',
  errorDeclaration: { declarationTime: '2026-03-01T10:00:00Z', reason: 'incorrect_data' },
};
const extended = {
  ...(everyEvent()[0] as object),
  bizTransactionList: [{ type: 'po', bizTransaction: 'urn:epcglobal:cbv:bt:9520123000011:PO-1' }],
  sourceList: [{ type: 'possessing_party', source: 'urn:epc:id:pgln:9520123.00001' }],
  'ex:weight': { 'ex:gross': 1.5, 'ex:unit': ['KGM', { 'ex:scale': 'A' }] },
};

const event = (more: string) =>
  `<ObjectEvent><eventTime>2026-03-01T08:15:00.000+01:00</eventTime><eventTimeZoneOffset>+01:00</eventTimeZoneOffset>${more}</ObjectEvent>`;
const XML = [
  ['2', '2.0', ''],
  ['1', '1.2', '<extension><quantityList><quantityElement><epcClass>urn:epc:class:lgtin:9520123.000011.L1</epcClass><quantity>5</quantity></quantityElement></quantityList></extension>'],
].map(
  ([namespace, version, more]) =>
    `<?xml version="1.0" encoding="UTF-8"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:${namespace}" xmlns:ex="http://ns.example.com/epcis/" schemaVersion="${version}" creationDate="2026-03-01T09:00:00Z"><EPCISBody><EventList>${event(
      `<epcList><epc>urn:epc:id:sgtin:9520123.000011.1</epc></epcList><action>OBSERVE</action><bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep><readPoint><id>urn:epc:id:sgln:9520123.00001.0</id></readPoint>${more}<ex:field ex:unit="KGM">1.5</ex:field>`,
    )}</EventList></EPCISBody></epcis:EPCISDocument>`,
); // biome-ignore format: a document

export function readSeeds(): Seeds {
  const published = [...exampleFiles(/\.(json|jsonld)$/).values()].flatMap((bytes) => {
    try {
      return [JSON.parse(bytes.toString()) as unknown];
    } catch {
      return []; // an example of broken JSON
    }
  });
  const documents = [
    documentOf([...everyEvent(), extended, declared]),
    { ...documentOf(everyEvent()), ...header },
    queryDocumentOf(everyEvent()),
    ...hardHistory(),
    ...published,
  ];
  const context = [EPCIS_CONTEXT, { ex: 'http://ns.example.com/epcis/' }];
  const texts = [...new Set(documents.flatMap(textsIn))].filter((text) => text.length < 200);
  return {
    documents,
    events: [...everyEvent(), extended, declared].map((one) => ({ '@context': context, ...(one as object) })),
    xml: [...XML, ...[...exampleFiles(/\.xml$/).values()].map(String)],
    texts,
    identifiers: texts.filter((text) => /^urn:epc:|^https:\/\/id\.gs1\.org\//.test(text)),
  };
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
