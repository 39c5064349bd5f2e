import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aggregationEvent,
  associationEvent,
  objectEvent,
  SITE,
  sensorEvent,
  sgtin,
  transactionEvent,
  transformationEvent,
} from '../../../test/support/epcis-documents.ts';
import { exampleFiles } from '../../../test/support/epcis-examples.ts';
import { canValidateXml, xsdFaults } from '../../../test/support/xsd.ts';
import { readContext } from '../json/context.ts';
import { isRefused, type ReadDocument, readDocument } from '../json/read.ts';
import { EPCIS_PREFIXES, type Prefixes } from '../prefixes.ts';
import { documentToXml, queryDocumentToXml } from './document.ts';
import type { XmlVersion } from './element.ts';
import { type EventToXmlOptions, eventToXml } from './from-json.ts';
import { serializeXml } from './serialize.ts';

const EX = 'http://ns.example.com/epcis/';
const prefixes: Prefixes = new Map([...EPCIS_PREFIXES, ['ex', EX], ['q', 'http://q.example/']]);
const creationDate = '2026-03-01T09:00:00Z';
const written = (event: string | Record<string, unknown>, options: Partial<EventToXmlOptions> = {}) => {
  const { element, notes } = eventToXml(typeof event === 'string' ? event : JSON.stringify(event), {
    version: '2.0',
    prefixes,
    ...options,
  });
  return { text: serializeXml(element), notes };
};
/** The text of what the changes add to an event: everything that another event of the type has not. */
const added = (members: Record<string, unknown>, options: Partial<EventToXmlOptions> = {}) => {
  const base = { type: 'ObjectEvent', eventTime: 'T', eventTimeZoneOffset: '+01:00', action: 'OBSERVE' };
  const { text, notes } = written({ ...base, ...members }, options);
  return {
    inside: text.replace(/^.*?<action>OBSERVE<\/action>|<\/ObjectEvent>$/g, ''),
    head: text.slice(0, text.indexOf('>') + 1),
    text,
    notes,
  };
};

describe('an event in EPCIS 2.0 XML', () => {
  it('has its elements in the order of the schema, whatever the order in JSON (X-2)', () => {
    const { text, notes } = written(
      Object.fromEntries(Object.entries({ ...objectEvent(), quantityList: [], eventID: 'urn:x:1' }).reverse()),
    );
    expect(text.match(/<[a-zA-Z:]+/g)).toEqual(
      `<ObjectEvent <eventTime <eventTimeZoneOffset <eventID <epcList <epc <epc <action <bizStep <disposition <readPoint <id <bizLocation <id
      <quantityList <ilmd <cbvmda:lotNumber <cbvmda:itemExpirationDate`.split(/\s+/),
    );
    expect(notes).toEqual([]);
  });

  it('writes CBV values as URNs, and those without a URN as names of the GS1 vocabulary or as web URIs (§3.1)', () => {
    const sensorElementList = [{ sensorReport: [{ type: 'Temperature', exception: 'ALARM_CONDITION', component: 'x', value: 1 }] }];
    const { inside } = added({
      bizStep: 'https://ref.gs1.org/cbv/BizStep-shipping',
      disposition: 'ex:asleep',
      bizTransactionList: [{ type: 'po', bizTransaction: 'urn:x:1' }, { bizTransaction: 'urn:x:2' }],
      sourceList: [{ type: 'cbv:SDT-location', source: 'urn:x:3' }],
      persistentDisposition: { set: ['active'], unset: ['expired'] },
      sensorElementList,
    });
    expect(inside).toBe(
      `<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep><disposition>${EX}asleep</disposition>` +
        '<bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po">urn:x:1</bizTransaction><bizTransaction>urn:x:2</bizTransaction></bizTransactionList>' +
        '<sourceList><source type="urn:epcglobal:cbv:sdt:location">urn:x:3</source></sourceList>' +
        '<sensorElementList><sensorElement><sensorReport type="gs1:Temperature" exception="gs1:ALARM_CONDITION" component="https://ref.gs1.org/cbv/Comp-x" value="1"/></sensorElement></sensorElementList>' +
        '<persistentDisposition><unset>urn:epcglobal:cbv:disp:expired</unset><set>urn:epcglobal:cbv:disp:active</set></persistentDisposition>',
    );
  });

  it.each([
    ['Always_Web_URI', 'shipping', 'https://ref.gs1.org/cbv/BizStep-shipping'],
    ['Always_Web_URI', 'urn:epcglobal:cbv:bizstep:shipping', 'https://ref.gs1.org/cbv/BizStep-shipping'],
    ['Always_URN', 'cbv:BizStep-shipping', 'urn:epcglobal:cbv:bizstep:shipping'],
    ['No_Preference', 'https://ref.gs1.org/cbv/BizStep-shipping', 'urn:epcglobal:cbv:bizstep:shipping'],
    ['Never_Translates', 'https://ref.gs1.org/cbv/BizStep-shipping', 'https://ref.gs1.org/cbv/BizStep-shipping'],
    ['Never_Translates', 'cbv:BizStep-shipping', 'https://ref.gs1.org/cbv/BizStep-shipping'],
    ['Never_Translates', 'shipping', 'urn:epcglobal:cbv:bizstep:shipping'],
    ['Always_Web_URI', 'https://example.com/own', 'https://example.com/own'],
  ] as const)('answers GS1-CBV-XML-Format %s: %s as %s (V-6)', (cbvXmlFormat, bizStep, expected) => {
    expect(added({ bizStep }, { cbvXmlFormat }).inside).toBe(`<bizStep>${expected}</bizStep>`);
  });

  it('keeps the digits of numbers as they were written (DM-18)', () => {
    const { text } = written(
      '{"type":"ObjectEvent","action":"ADD","quantityList":[{"epcClass":"urn:x:1","quantity":200.0,"uom":"KGM"},{"epcClass":"urn:x:1","quantity":1.5e3}],' +
        '"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":26.00,"maxValue":1E2}]}],"ex:n":[1.50,12345678901234567890]}',
    );
    expect(text).toContain('<quantity>200.0</quantity>');
    expect(text).toContain('<quantity>1500</quantity>');
    expect(text).toContain('value="26.00" maxValue="1E2"');
    expect(text).toContain('<ex:n xsi:type="xsd:double">1.50</ex:n><ex:n xsi:type="xsd:integer">12345678901234567890</ex:n>');
  });

  it('types numbers and booleans of extensions, repeats elements for lists, and nests objects (V-16)', () => {
    const { inside, head } = added({ 'ex:a': [1, -2.5, true, 'x', ''], 'q:o': { 'ex:i': 'y', bare: { 'ex:deep': false } } });
    expect(inside).toBe(
      '<ex:a xsi:type="xsd:integer">1</ex:a><ex:a xsi:type="xsd:double">-2.5</ex:a><ex:a xsi:type="xsd:boolean">true</ex:a><ex:a>x</ex:a><ex:a/>' +
        '<q:o><ex:i>y</ex:i><bare><ex:deep xsi:type="xsd:boolean">false</ex:deep></bare></q:o>',
    );
    expect(head).toBe(
      `<ObjectEvent xmlns:ex="${EX}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:q="http://q.example/">`,
    );
  });

  it('writes attributes and text where JSON has @:name, @prefix:name and #:text (V-16)', () => {
    const { inside } = added({
      'ex:w': { '@:measurementUnitCode': 'KGM', '@q:by': 'a"b', '@xml:lang': 'fi', '#:text': 'x', 'ex:c': '<&>' },
    });
    expect(inside).toBe('<ex:w measurementUnitCode="KGM" q:by="a&quot;b" xml:lang="fi">x<ex:c>&lt;&amp;&gt;</ex:c></ex:w>');
  });

  it('marks a text with white space around it, which counts (X-5)', () => {
    const { inside } = added({ 'ex:a': ' x', 'ex:b': { '@:c': 'd', '#:text': 'y ' } });
    expect(inside).toBe('<ex:a xml:space="preserve"> x</ex:a><ex:b c="d" xml:space="preserve">y </ex:b>');
  });

  it.each(['2.0', '1.2'] as const)('puts what stood in a wrapper of 1.2 without a namespace back into it, in %s (X-10)', (version) => {
    const own: Prefixes = new Map([...prefixes, ['w', 'urn:lotline:epcis-1.2']]);
    const { text } = written(
      {
        ...objectEvent(),
        sourceList: [{ type: 'location', source: SITE }],
        'w:extension': { myField: ['1', '2'] },
        errorDeclaration: { declarationTime: creationDate, 'w:extension': { later: 'x' } },
        certificationInfo: ['urn:c:1', 'urn:c:2'],
      },
      { version, prefixes: own },
    );
    const fields = '<myField>1</myField><myField>2</myField>';
    if (version === '1.2') {
      expect(text).toContain(`</ilmd><extension>${fields}</extension></extension>`);
      expect(text).toContain('<extension><later>x</later></extension></errorDeclaration>');
      expect(text).not.toContain('lotline');
    } else {
      expect(text).toContain(`</ilmd><extension><lotline:extension>${fields}</lotline:extension></extension>`);
      expect(text).toContain('<lotline:extension><later>x</later></lotline:extension></errorDeclaration>');
    }
  });

  it('writes the CBV master data namespace without the colon, whatever spelling JSON has (V-15)', () => {
    const own: Prefixes = new Map([...prefixes, ['m', 'urn:epcglobal:cbv:mda#']]);
    const { inside, head } = added({ ilmd: { 'cbvmda:lotNumber': 'L1', 'm:farmList': 'F' } }, { prefixes: own });
    expect(inside).toBe('<ilmd><cbvmda:lotNumber>L1</cbvmda:lotNumber><cbvmda:farmList>F</cbvmda:farmList></ilmd>');
    expect(head).toBe('<ObjectEvent xmlns:cbvmda="urn:epcglobal:cbv:mda">');
  });

  it('makes up a prefix for a full URI, and for a prefix that documents use themselves (V-13, V-14)', () => {
    const own: Prefixes = new Map([...prefixes, ['xsi', 'http://own.example/'], ['ns1', 'http://one.example/']]);
    const { inside, head } = added({ 'http://z.example/a#b': 1, 'xsi:t': '1', 'http://q.example/c': '2', 'ns1:d': '3' }, { prefixes: own });
    expect(inside).toBe('<ns2:b xsi:type="xsd:integer">1</ns2:b><ns3:t>1</ns3:t><q:c>2</q:c><ns1:d>3</ns1:d>');
    expect(head).toContain('xmlns:ns2="http://z.example/a#"');
    expect(head).toContain('xmlns:ns3="http://own.example/"');
  });

  it('writes extensions of sensor objects as attributes and those of sensor elements as elements (§2.3)', () => {
    const { inside } = added({
      sensorElementList: [
        {
          sensorMetadata: { 'ex:m': 1, deviceID: 'urn:x:1' },
          sensorReport: [{ type: 'ex:Own', booleanValue: true, stringValue: 'a\nb' }],
          'ex:e': 'x',
        },
      ],
    });
    expect(inside).toBe(
      `<sensorElementList><sensorElement><sensorMetadata deviceID="urn:x:1" ex:m="1"/><sensorReport type="${EX}Own" booleanValue="true" stringValue="a&#10;b"/><ex:e>x</ex:e></sensorElement></sensorElementList>`,
    );
  });

  it('leaves out lists that the schema takes only with an entry, for none says the same', () => {
    const { inside } = added({ bizTransactionList: [], sourceList: [], destinationList: [], sensorElementList: [] });
    expect(inside).toBe('');
  });

  it('gives an event of another type its own name, and its EPCIS fields as they are', () => {
    expect(written({ ...objectEvent(), type: 'ex:Own' }).text).toMatch(
      /^<ex:Own xmlns:ex="[^"]+"[^>]*><eventTime>.*<epcList>.*<\/ex:Own>$/,
    );
  });

  it('refuses a prefix that nobody declared (V-18)', () => {
    expect(() => written({ ...objectEvent(), 'no:such': 1 })).toThrow(expect.objectContaining({ code: 'EV-CONTEXT', at: '/no:such' }));
  });
});

describe('what XML cannot hold is said', () => {
  it('several certificationInfo: the first stands, the others are wrapped (2.1, X-9)', () => {
    const { text, notes } = added({ certificationInfo: ['urn:c:1', 'urn:c:2'] });
    expect(text).toContain(
      '<certificationInfo>urn:c:1</certificationInfo><baseExtension><epcisterm:certificationInfo>urn:c:2</epcisterm:certificationInfo></baseExtension>',
    );
    expect(notes).toMatchObject([{ at: '/certificationInfo/1' }]);
  });

  it('certificationInfo in 1.2, which goes where 1.2 takes later elements (X-9)', () => {
    const { text, notes } = added({ certificationInfo: 'urn:c:1', eventID: 'urn:x:1' }, { version: '1.2' });
    expect(text).toContain(
      '<baseExtension><eventID>urn:x:1</eventID><extension><certificationInfo>urn:c:1</certificationInfo></extension></baseExtension>',
    );
    expect(notes).toMatchObject([{ at: '/certificationInfo' }]);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    ['null', { 'ex:a': null }, '/ex:a', ''],
    ['a list inside a list', { 'ex:a': [['x'], 'y'] }, '/ex:a/0', '<ex:a>x</ex:a><ex:a>y</ex:a>'],
    ['a control character', { 'ex:a': 'x\u0001' }, '/ex:a', '<ex:a>x\ufffd</ex:a>'],
    ['half of a character', { 'ex:a': 'x\ud800' }, '/ex:a', '<ex:a>x\ufffd</ex:a>'],
    ['a name that begins with a digit', { 'ex:1a/b': 'x' }, '/ex:1a~1b', '<ex:_x0031_a_x002F_b>x</ex:_x0031_a_x002F_b>'],
    ['a number beside attributes', { 'ex:a': { '@:b': 'KGM', '#:text': 3.5 } }, '/ex:a/#:text', '<ex:a b="KGM">3.5</ex:a>'],
    ['an attribute that is a list', { 'ex:a': { '@:b': [1] } }, '/ex:a/@:b', '<ex:a/>'],
    ['a keyword of JSON-LD', { 'ex:a': { '@type': 'x' } }, '/ex:a/@type', '<ex:a><_x0040_type>x</_x0040_type></ex:a>'],
    ['a context inside an extension', { 'ex:a': { '@context': {} } }, '/ex:a/@context', '<ex:a/>'],
  ])('%s', (_, members, at, expected) => {
    const { inside, notes } = added(members);
    expect(inside).toBe(expected);
    expect(notes).toMatchObject([{ at }]);
  });

  it('an extension of a sensor report that is no plain value', () => {
    const { inside, notes } = added({ sensorElementList: [{ sensorReport: [{ type: 'Temperature', 'ex:a': { 'ex:b': 1 } }] }] });
    expect(inside).not.toContain('ex:a');
    expect(notes).toMatchObject([{ at: '/sensorElementList/0/sensorReport/0/ex:a' }]);
  });
});

describe('an event in EPCIS 1.2 XML', () => {
  const path = (event: Record<string, unknown>, field: string) => {
    const text = written(event, { version: '1.2' }).text;
    const open: string[] = [];
    for (const [, close, name, empty] of text.matchAll(/<(\/?)([\w:]+)[^>]*?(\/?)>/g)) {
      if (close === '/') open.pop();
      else if (name === field) return [...open.slice(1), name].join('/');
      else if (empty !== '/') open.push(name!);
    }
    return null;
  };
  const sensors = sensorEvent()['sensorElementList'];
  const parties = {
    sourceList: [{ type: 'location', source: 'urn:x:1' }],
    destinationList: [{ type: 'location', destination: 'urn:x:1' }],
  };

  it.each<[string, Record<string, unknown>, string, string]>([
    ['eventID', { ...objectEvent(), eventID: 'urn:x:1' }, 'eventID', 'baseExtension/eventID'],
    ['ilmd of an object', objectEvent(), 'ilmd', 'extension/ilmd'],
    ['quantities of an object', { ...objectEvent(), quantityList: [] }, 'quantityList', 'extension/quantityList'],
    [
      'sensor data of an object',
      { ...objectEvent(), sensorElementList: sensors },
      'sensorElementList',
      'extension/extension/sensorElementList',
    ],
    ['children by quantity', { ...aggregationEvent(), childQuantityList: [] }, 'childQuantityList', 'extension/childQuantityList'],
    ['sources of an aggregation', { ...aggregationEvent(), ...parties }, 'sourceList', 'extension/sourceList'],
    ['destinations of a transaction', { ...transactionEvent(), ...parties }, 'destinationList', 'extension/destinationList'],
    ['sources of a transformation', { ...transformationEvent(), ...parties }, 'sourceList', 'sourceList'],
    ['ilmd of a transformation', { ...transformationEvent(), ilmd: {} }, 'ilmd', 'ilmd'],
    [
      'sensor data of a transformation',
      { ...transformationEvent(), sensorElementList: sensors },
      'sensorElementList',
      'extension/sensorElementList',
    ],
    ['sensor data of an association', { ...associationEvent(), sensorElementList: sensors }, 'sensorElementList', 'sensorElementList'],
  ])('has %s in its place (§5.2)', (_, event, field, expected) => {
    expect(path(event, field)).toBe(expected);
  });

  it('has the list that 1.2 demands even when it is empty (§5.2)', () => {
    expect(written(sensorEvent(), { version: '1.2' }).text).toContain('<epcList/><action>');
    expect(written({ ...aggregationEvent(), childEPCs: undefined }, { version: '1.2' }).text).toContain('<childEPCs/><action>');
    expect(written(sensorEvent()).text).not.toContain('epcList');
  });
});

const validates = canValidateXml();

/** Every event of a document as XML, and the document around them. */
function toXml(document: ReadDocument, bytes: Buffer, version: XmlVersion): string {
  const context = JSON.parse(document.header.context) as unknown;
  const outer = readContext(context, '/@context');
  const events = [...document.events()].map((event) => {
    if (isRefused(event)) throw event.errors[0];
    const text = bytes.toString('utf8', event.start, event.end);
    const own = (JSON.parse(text) as Record<string, unknown>)['@context'];
    const scope = own === undefined || document.kind === 'event' ? outer : readContext(own, '/@context', { outer });
    return eventToXml(text, { version, prefixes: scope.prefixes }).element;
  });
  const { header } = document;
  const parts = { version, creationDate: header.creationDate ?? creationDate, prefixes: outer.prefixes };
  if (document.kind === 'EPCISQueryDocument')
    return serializeXml(queryDocumentToXml({ ...parts, queryName: header.queryName ?? '', results: { events } }).element);
  return serializeXml(documentToXml({ ...header, ...parts, header: header.epcisHeader, events }).element);
}

describe.skipIf(!validates).each(['2.0', '1.2'] as const)('the published JSON examples as %s XML', (version) => {
  // An event of another type has no place in an EventList of 1.2, and query results hold nothing else.
  const files = [...exampleFiles(/\.json(?:ld)?$/)].flatMap(([name, bytes]) => {
    try {
      const document = readDocument(bytes, { bare: true });
      return [...document.events()].some(isRefused) ? [] : [{ name, bytes, document }];
    } catch {
      return []; // refused by reading, as its own tests say
    }
  });

  it('are enough to say something', () => {
    expect(files.length).toBeGreaterThan(60);
  });

  it.each(['EPCISDocument', 'EPCISQueryDocument'])('are valid against the official schema: %s', (kind) => {
    const own = files.filter(({ document }) => (document.kind === 'EPCISQueryDocument') === (kind === 'EPCISQueryDocument'));
    const texts = new Map(own.map(({ name, document, bytes }) => [name, toXml(document, bytes, version)]));
    const faults = xsdFaults(kind === 'EPCISQueryDocument' ? `query ${version}` : version, texts);
    expect([...faults].filter(([, complaint]) => complaint !== '')).toEqual([]);
  });
});

describe.skipIf(!validates)('any event', () => {
  const local = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  const inner = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
    object: fc.dictionary(
      fc.oneof(
        local,
        local.map((name) => `ex:${name}`),
        local.map((name) => `@:${name}`),
        local.map((name) => `@${name}`),
        fc.constantFrom('#:text', '#text'),
        fc.string({ maxLength: 4 }).map((name) => `q:${name}`),
      ),
      tie('value'),
      { maxKeys: 4 },
    ),
  })).value;
  const extensions = fc.dictionary(
    fc.oneof(
      local.map((name) => `ex:${name}`),
      local.map((name) => `http://${name}.example/${name}`),
      fc.string({ maxLength: 4 }).map((name) => `q:${name}`),
    ),
    inner,
    { maxKeys: 3 },
  );
  const fields = fc.record(
    {
      eventID: fc.constant('urn:uuid:7f2b1c6e-0000-4000-8000-000000000001'),
      recordTime: fc.constant('2026-03-02T00:00:00.123456Z'),
      certificationInfo: fc.constantFrom<unknown>('urn:c:1', ['urn:c:1', 'urn:c:2', 'urn:c:3'], []),
      errorDeclaration: extensions.map((own) => ({
        reason: 'incorrect_data',
        declarationTime: creationDate,
        correctiveEventIDs: ['urn:x:1'],
        ...own,
      })),
      readPoint: extensions.map((own) => ({ id: 'urn:x:1', ...own })),
      bizLocation: extensions.map((own) => ({ id: 'urn:x:1', ...own })),
      bizTransactionList: fc.constantFrom([{ type: 'po', bizTransaction: 'urn:x:1' }], [{ bizTransaction: 'urn:x:1' }]),
      sourceList: fc.constantFrom([], [{ type: 'location', source: 'urn:x:1' }]),
      destinationList: fc.constant([{ type: 'ex:own', destination: 'urn:x:1' }]),
      sensorElementList: fc
        .tuple(extensions, extensions, extensions, fc.double({ noNaN: true, noDefaultInfinity: true }))
        .map(([a, b, c, value]) => [
          {
            sensorMetadata: { time: creationDate, ...a },
            sensorReport: [{ type: 'Temperature', value, bizRules: 'urn:x:1', ...b }, { type: 'Count' }],
            ...c,
          },
        ]),
    },
    { requiredKeys: [] },
  );
  const quantities = fc.constantFrom(
    [],
    [{ epcClass: 'urn:x:1' }, { epcClass: 'urn:x:2', quantity: 1e21 }, { epcClass: 'urn:x:2', quantity: 0.5, uom: 'KGM' }],
  );
  const typed = fc.oneof(
    fc
      .record({ quantityList: quantities, persistentDisposition: fc.constant({ set: ['active'] }), ilmd: extensions }, { requiredKeys: [] })
      .map((own) => ({ ...objectEvent(), ...own })),
    fc
      .record({ childQuantityList: quantities, parentID: fc.constant('urn:x:1') }, { requiredKeys: [] })
      .map((own) => ({ ...aggregationEvent(), ...own })),
    fc
      .record({ quantityList: quantities, parentID: fc.constant('urn:x:1') }, { requiredKeys: [] })
      .map((own) => ({ ...transactionEvent(), ...own })),
    fc
      .record(
        {
          outputQuantityList: quantities,
          inputEPCList: fc.constant([sgtin(1)]),
          ilmd: extensions,
          transformationID: fc.constant('urn:x:1'),
        },
        { requiredKeys: [] },
      )
      .map((own) => ({ ...transformationEvent(), ...own })),
    fc.record({ childQuantityList: quantities }, { requiredKeys: [] }).map((own) => ({ ...associationEvent(), ...own })),
  );
  const event = fc.tuple(fields, typed, extensions).map(([common, own, extra]) => ({ ...common, ...own, ...extra }));

  it.each(['2.0', '1.2'] as const)('is valid against the official schema of %s, with whatever extensions (X-2, §5.2)', (version) => {
    const texts = new Map<string, string>();
    for (const [i, one] of fc.sample(event, { numRuns: 400, seed: 7 }).entries()) {
      const { element } = eventToXml(JSON.stringify(one), { version, prefixes });
      texts.set(
        `${i} ${JSON.stringify(one)}`,
        serializeXml(documentToXml({ version, creationDate, events: [element] }).element, { declaration: true }),
      );
    }
    expect([...xsdFaults(version, texts)].filter(([, complaint]) => complaint !== '').slice(0, 3)).toEqual([]);
  });
});
