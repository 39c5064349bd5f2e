import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LotlineError } from '../../errors.ts';
import { EPCIS_PREFIXES } from '../prefixes.ts';
import { GRAMMAR, type GrammarName, parseQueryBody, parseUrlQuery } from './grammar.ts';

const url = (search: string, prefixes?: ReadonlyMap<string, string>) =>
  parseUrlQuery(new URLSearchParams(search), prefixes === undefined ? {} : { prefixes });
const firstValue = (search: string, prefixes?: ReadonlyMap<string, string>) => url(search, prefixes).query.parameters[0]?.value;
const refusal = (read: () => unknown): LotlineError => {
  try {
    read();
  } catch (error) {
    if (error instanceof LotlineError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('a query in a URL', () => {
  it('asks for everything when it names nothing (Q-1)', () => {
    expect(url('').query).toEqual({ parameters: [], order: null, eventCountLimit: null, maxEventCount: null });
    expect(url('').page).toEqual({ perPage: 30, nextPageToken: null });
  });

  it.each([['EQ_bizStep=shipping%7Creceiving'], ['EQ_bizStep=shipping|receiving']])(
    'divides the values of a list by the bar, encoded or not: %s (R-6)',
    (search) => {
      expect(firstValue(search)).toEqual(['receiving', 'shipping']);
    },
  );

  it('refuses a name it does not know, and says which (Q-3)', () => {
    expect(refusal(() => url('EQ_bizstep=shipping'))).toMatchObject({
      code: 'QRY-PARAM',
      at: '?EQ_bizstep',
      message: 'the query parameter "EQ_bizstep" is no query parameter',
    });
    expect(refusal(() => url('nonsense=')).code).toBe('QRY-PARAM');
  });

  it('refuses a name given twice, even with an empty value (Q-4)', () => {
    expect(refusal(() => url('EQ_action=ADD&EQ_action=DELETE'))).toMatchObject({ code: 'QRY-PARAM', at: '?EQ_action' });
    expect(refusal(() => url('EQ_action=&EQ_action=DELETE')).code).toBe('QRY-PARAM');
    expect(refusal(() => url('perPage=5&perPage=5')).code).toBe('QRY-PARAM');
  });

  it('takes an empty value for a parameter left out (Q-4)', () => {
    expect(url('EQ_bizStep=&GE_eventTime=&orderBy=&eventCountLimit=&perPage=&nextPageToken=')).toEqual(url(''));
  });

  it.each(['shipping', 'urn:epcglobal:cbv:bizstep:shipping', 'https://ref.gs1.org/cbv/BizStep-shipping', 'cbv:BizStep-shipping'])(
    'reads %s as the one business step (Q-6)',
    (text) => {
      expect(firstValue(`EQ_bizStep=${text}`)).toEqual(['shipping']);
    },
  );

  it('reads a CURIE by the prefixes that were declared (Q-8)', () => {
    const prefixes = new Map([...EPCIS_PREFIXES, ['ex', 'http://ns.example.com/epcis/']]);
    expect(firstValue('EQ_disposition=ex:asleep', prefixes)).toEqual(['http://ns.example.com/epcis/asleep']);
    expect(firstValue('EQ_disposition=http://ns.example.com/epcis/asleep')).toEqual(['http://ns.example.com/epcis/asleep']);
  });

  it.each([
    ['eventType=ObjectEvent', ['ObjectEvent']],
    ['eventType=epcis:ObjectEvent', ['ObjectEvent']],
    ['eventType=http://ns.example.com/LabEvent', ['http://ns.example.com/LabEvent']],
  ])('reads %s as an event type', (search, types) => {
    expect(firstValue(search)).toEqual(types);
  });

  it('reads one place in any spelling as one key (14.4)', () => {
    const key = ['414/9520123000011'];
    expect(firstValue('EQ_readPoint=urn:epc:id:sgln:9520123.00001.0')).toEqual(key);
    expect(firstValue('EQ_readPoint=https://id.gs1.org/414/9520123000011')).toEqual(key);
    expect(firstValue('EQ_readPoint=urn:epc:id:sgln:9520123.00001.0|https://example.com/x/414/9520123000011')).toEqual(key);
    expect(firstValue('EQ_bizLocation=https://example.com/places/7')).toEqual(['https://example.com/places/7']);
  });

  it('reads a time exactly, in any zone (Q-14, V-11)', () => {
    expect(firstValue('GE_eventTime=2026-03-01T09:15:00.1234567%2B01:00')).toEqual({
      ms: Date.parse('2026-03-01T08:15:00.123Z'),
      below: '4567',
    });
  });

  it.each([
    ['GE_eventTime=2026-03-01T08:15:00', 'no time zone'],
    ['GE_eventTime=2026-03-01', 'is not a date-time'],
    ['LT_eventTime=2026-02-30T08:15:00Z', 'a day that does not exist'],
    ['GE_recordTime=2026-03-01T08:15:00+01:00', 'has a blank where its zone begins'],
    ['LT_recordTime=tomorrow', 'is not a date-time'],
    ['EQ_action=MOVE', 'is no action'],
    ['EQ_action=add', 'is no action'],
    ['eventType=LabEvent', 'is no event type'],
    ['EQ_bizStep=shiping', 'is not a standard business step'],
    ['EQ_bizStep=shipping||receiving', 'is no text'],
    ['EQ_disposition=urn:epcglobal:cbv:disp:nowhere', 'is not a standard disposition'],
    ['EQ_readPoint=here', 'not an absolute URI'],
    ['EQ_bizLocation=urn:epc:id:sgln:9520123.1.0', 'have 8 digits, 12 are needed'],
    ['EQ_transformationID=T1', 'not an absolute URI'],
    ['EQ_eventID=17', 'is no absolute URI'],
    ['MATCH_epc=P1', 'not an absolute URI'],
    ['MATCH_parentID=urn:epc:id:sscc:9520123.1', 'have 8 digits, 17 are needed'],
    ['MATCH_inputEPC=https://id.gs1.org/01/09520123000111/21/P1', 'check digit should be 0'],
    ['MATCH_outputEPC=urn:epc:tag:sgtin-96:1.2.3.4', 'has no place'],
    ['MATCH_anyEPC=urn:epc:idpat:sgtin:9520123.*.P1', 'all to the right of the first are *'],
    ['MATCH_anyEPC=urn:epc:idpat:sgtin:9520123.0000*.*', 'whole components'],
    ['MATCH_anyEPC=urn:epc:idpat:sgtin:9520123.*', 'has 3 components'],
    ['MATCH_anyEPC=urn:epc:idpat:sgtin:95.*.*', 'is not 6 to 12 digits'],
    ['MATCH_anyEPC=urn:epc:idpat:lgtn:9520123.*.*', 'is no EPC scheme'],
    ['MATCH_epcClass=urn:epc:class:lgtin:9520123.11.L1', 'have 9 digits, 13 are needed'],
    ['MATCH_inputEPCClass=L1', 'not an absolute URI'],
    ['MATCH_outputEPCClass=urn:epc:idpat:sgtin:*.000011.*', 'all to the right of the first are *'],
    ['MATCH_anyEPCClass=urn:epc:idpat:sgtin', 'is missing'],
    ['EQ_quantity=many', 'is no number'],
    ['GT_quantity=1,5', 'is no number'],
    ['GE_quantity_KGM=1e999', 'is no number'],
    ['LT_quantity=5|6', 'is no number'],
    ['LE_quantity=0x10', 'is no number'],
    ['EXISTS_errorDeclaration=perhaps', 'is no flag'],
    ['orderBy=bizStep', 'is "bizStep"'],
    ['orderBy=eventTime&orderDirection=asc', 'is "asc"'],
    ['orderDirection=UP', 'is "UP"'],
    ['orderBy=eventTime&eventCountLimit=0', 'is 0'],
    ['maxEventCount=1.5', 'is 1.5'],
    ['maxEventCount=-3', 'is -3'],
    ['perPage=0', 'is "0"'],
    ['perPage=ten', 'is "ten"'],
  ])('refuses %s: %s', (search, why) => {
    const error = refusal(() => url(search));
    expect(error.code).toBe('QRY-PARAM');
    expect(error.message).toContain(why);
    const last = search.split('&').at(-1)?.split('=')[0];
    expect(error.at).toBe(`?${last}`);
    expect(error.fix).toMatch(/\.$/);
  });

  it('takes stars as whole components, and all of them behind the first (Q-17)', () => {
    expect(() => url('MATCH_anyEPC=urn:epc:idpat:sgtin:9520123.*.*')).not.toThrow();
    expect(() => url('MATCH_anyEPC=urn:epc:idpat:sgtin:*.*.*')).not.toThrow();
    expect(refusal(() => url('MATCH_anyEPC=urn:epc:idpat:sgtin:9520123.*.P1'))).toMatchObject({ code: 'QRY-PARAM' });
  });

  it('refuses eventCountLimit without orderBy, and beside maxEventCount (§9.2)', () => {
    expect(refusal(() => url('eventCountLimit=5'))).toMatchObject({ code: 'QRY-PARAM', at: '?eventCountLimit' });
    expect(refusal(() => url('orderBy=eventTime&eventCountLimit=5&maxEventCount=5'))).toMatchObject({
      code: 'QRY-PARAM',
      at: '?maxEventCount',
    });
  });

  it('orders downwards unless told otherwise (§9.2)', () => {
    expect(url('orderBy=recordTime').query.order).toEqual({ by: 'recordTime', direction: 'DESC' });
    expect(url('orderBy=eventTime&orderDirection=ASC&eventCountLimit=7').query).toMatchObject({
      order: { by: 'eventTime', direction: 'ASC' },
      eventCountLimit: 7,
    });
  });

  it('gives pages of at most 1000 events, whatever is asked for (R-21)', () => {
    expect(url('perPage=1').page.perPage).toBe(1);
    expect(url('perPage=1000').page.perPage).toBe(1000);
    expect(url('perPage=1001').page.perPage).toBe(1000);
  });

  it.each([
    ['true', true],
    ['1', true],
    ['false', undefined],
    ['', undefined],
  ])('reads EXISTS_errorDeclaration=%s as %s (T-4)', (text, value) => {
    expect(firstValue(`EXISTS_errorDeclaration=${text}`)).toBe(value);
  });

  it('keeps a quantity without unit apart from one with a unit', () => {
    const [plain, kilograms] = url('GE_quantity_KGM=1.5&GE_quantity=2').query.parameters;
    expect(kilograms).toEqual({ name: 'GE_quantity', tail: null, value: 2 });
    expect(plain).toEqual({ name: 'GE_quantity', tail: 'KGM', value: 1.5 });
    expect(firstValue('EQ_quantity=2|1.5|2')).toEqual([1.5, 2]);
    expect(refusal(() => url('GE_quantity_kg=1')).code).toBe('QRY-PARAM');
  });

  it.each([
    ['EQ_ex:field=a', 'EQ_extension', 'http://ns.example.com/epcis/#field', ['sa']],
    ['GT_INNER_ex:field=2', 'GT_extension', 'INNER_http://ns.example.com/epcis/#field', 'nc000000000000000'],
    [
      'LE_http://ns.example.com/epcis/#field=2026-03-01T08:00:00Z',
      'LE_extension',
      'http://ns.example.com/epcis/#field',
      't101772352000000',
    ],
    ['EXISTS_INNER_ILMD_cbvmda:lotNumber=true', 'EXISTS_extension', 'INNER_ILMD_urn:epcglobal:cbv:mda#lotNumber', true],
    ['EQ_INNER_ERROR_DECLARATION_ex:my_field=a', 'EQ_extension', 'INNER_ERROR_DECLARATION_http://ns.example.com/epcis/#my_field', ['sa']],
    ['EQ_readPoint_ex:dock=a', 'EQ_extension', 'readPoint_http://ns.example.com/epcis/#dock', ['sa']],
    ['GE_SENSORREPORT_ex:grade=2', 'GE_extension', 'SENSORREPORT_http://ns.example.com/epcis/#grade', 'nc000000000000000'],
    ['GE_value_CEL=2', 'GE_amount', 'value_CEL', 2],
    ['EQ_sDev_KEL=2|1', 'EQ_amount', 'sDev_KEL', [1, 2]],
    ['EQ_bizTransaction_cbv:BTT-po=urn:x:1', 'EQ_bizTransaction', 'po', ['urn:x:1']],
    ['EQ_destination_urn:epcglobal:cbv:sdt:owning_party=urn:x:1', 'EQ_destination', 'owning_party', ['urn:x:1']],
    ['HASATTR_bizLocation=cbvmda:city|urn:epcglobal:cbv:mda#site', 'HASATTR', 'bizLocation', ['city', 'site']],
    ['EQATTR_ex:my_place_cbvmda:city=Graz', 'EQATTR', 'http://ns.example.com/epcis/#my_place city', ['Graz']],
    ['EQ_ATTR_readPoint_http://ns.example.com/a_b=x', 'EQATTR', 'readPoint http://ns.example.com/a_b', ['x']],
    ['EXISTS_sensorElement=1', 'EXISTS_sensorElementList', null, true],
    ['EQ_hexBinaryValue=f00a', 'EQ_hexBinaryValue', null, ['F00A']],
  ])('reads %s as %s of %s (Q-8, Q-12, T-1, T-3)', (search, name, tail, value) => {
    const read = url(search.replaceAll('#', '%23'), new Map([...EPCIS_PREFIXES, ['ex', 'http://ns.example.com/epcis/']]));
    expect(read.query.parameters).toEqual([{ name, tail, value }]);
  });

  it.each([
    ['EQ_none:field=a', 'has a prefix that is not declared'],
    ['EQ_ILMD_gs1:=a', 'is no name of an extension field'],
    ['EQ_http://ns.example.com/%23=a', 'is no name of an extension field'],
    ['GT_gs1:field=high', 'is not a date-time'],
    ['GT_gs1:field=2026-03-01T08:00:00', 'has no time zone'],
    ['LE_ILMD_gs1:field=1|2', 'is not a date-time'],
    ['EXISTS_gs1:field=perhaps', 'is no flag'],
    ['EQ_gs1:field=a||b', 'is no value of a field'],
    ['EQ_ex_field=a', 'is no query parameter'],
    ['EQ_extension=a', 'is no query parameter'],
    ['GE_value=1', 'is no query parameter'],
    ['GE_value_kelvin=1', 'is no query parameter'],
    ['GE_value_CEL=warm', 'is no number'],
    ['EQ_percRank=5', 'is no query parameter'],
    ['EQ_bizTransaction=urn:x:1', 'is no query parameter'],
    ['EQ_bizTransaction_order=urn:x:1', 'is not a standard business transaction type'],
    ['EQ_source_owning_party=me', 'not an absolute URI'],
    ['EQ_persistentDisposition_set=gone', 'is not a standard disposition'],
    ['WD_readPoint=here', 'not an absolute URI'],
    ['GE_errorDeclarationTime=now', 'is not a date-time'],
    ['EQ_errorReason=oops', 'is not a standard error reason'],
    ['EQ_type=Warmth', 'is not a standard measurement type'],
    ['EQ_deviceID=7', 'not an absolute URI'],
    ['EQ_hexBinaryValue=xyz', 'is not hexadecimal'],
    ['EQ_uriValue=x', 'is no absolute URI'],
    ['EQ_booleanValue=maybe', 'is neither true nor false'],
    ['HASATTR_shelf=name', 'is no name of an extension field'],
    ['HASATTR_bizLocation=a b', 'is no name of an attribute'],
    ['EQATTR_bizLocation=x', 'does not name a field and an attribute'],
    ['EQATTR_gs1:a_b_c=x', 'can be read as more than one field and attribute'],
    ['orderBy=none:field', 'has a prefix that is not declared'],
    ['GE_errorDeclarationTime=2026-03-01T08:00:00Z&GE_errorDeclaration_Time=2026-03-01T08:00:00Z', 'is given twice'],
    ['EQ_gs1:field=a&EQ_https://gs1.org/voc/%23field=b', 'is given twice'],
  ])('refuses %s: %s (Q-3, Q-4, Q-14)', (search, why) => {
    const error = refusal(() => url(search));
    expect(error.code).toBe('QRY-PARAM');
    expect(error.message).toContain(why);
    expect(error.at).toBe(`?${decodeURIComponent(search.split('&').at(-1)?.split('=')[0] as string)}`);
    expect(error.fix).toMatch(/\.$/);
  });

  it('orders by an extension field (§9.2)', () => {
    expect(url('orderBy=gs1:field&orderDirection=ASC&eventCountLimit=2').query).toMatchObject({
      order: { by: 'extension', field: 'https://gs1.org/voc/#field', direction: 'ASC' },
      eventCountLimit: 2,
    });
  });
});

describe('a query as a JSON object', () => {
  it('is the same query as in a URL (§9.1)', () => {
    expect(
      parseQueryBody({
        eventType: ['ObjectEvent'],
        GE_eventTime: '2026-03-01T08:00:00+01:00',
        EQ_quantity: [1, 2],
        GT_quantity_KGM: 2.5,
        MATCH_epc: ['urn:epc:idpat:sgtin:9520123.*.*', 'urn:epc:id:sgtin:9520123.000011.P1'],
        orderBy: 'eventTime',
        eventCountLimit: 3,
      }),
    ).toEqual(
      url(
        'eventCountLimit=3&orderBy=eventTime&MATCH_epc=urn:epc:id:sgtin:9520123.000011.P1|urn:epc:idpat:sgtin:9520123.*.*&GT_quantity_KGM=2.5&EQ_quantity=2|1&GE_eventTime=2026-03-01T07:00:00Z&eventType=ObjectEvent',
      ).query,
    );
  });

  it('resolves its values by its own @context (Q-8)', () => {
    const query = parseQueryBody({ '@context': [{ ex: 'http://ns.example.com/epcis/' }], EQ_bizStep: ['ex:weighing'] });
    expect(query.parameters[0]?.value).toEqual(['http://ns.example.com/epcis/weighing']);
  });

  it.each([null, 1, 0, true])('takes the flag EXISTS_errorDeclaration given as %s (T-4)', (value) => {
    expect(parseQueryBody({ EXISTS_errorDeclaration: value }).parameters[0]?.value).toBe(true);
  });

  it('takes null, empty text and empty lists for values left out (Q-4), and false for no flag', () => {
    expect(parseQueryBody({ EQ_bizStep: [], GE_eventTime: '', LT_quantity: null, EXISTS_errorDeclaration: false, orderBy: null })).toEqual(
      url('').query,
    );
  });

  it('takes one number for EQ_quantity as well as a list (T-5)', () => {
    expect(parseQueryBody({ EQ_quantity: 5 })).toEqual(parseQueryBody({ EQ_quantity: [5] }));
  });

  it.each([
    [{ EQ_bizStep: 'shipping' }, '/query/EQ_bizStep'],
    [{ EQ_bizStep: ['shipping', 7] }, '/query/EQ_bizStep'],
    [{ GE_eventTime: 1772352000 }, '/query/GE_eventTime'],
    [{ GT_quantity: '5' }, '/query/GT_quantity'],
    [{ orderBy: ['eventTime'] }, '/query/orderBy'],
    [{ maxEventCount: 2.5 }, '/query/maxEventCount'],
    [{ perPage: 5 }, '/query/perPage'],
    [{ surprise: [] }, '/query/surprise'],
    [[], '/query'],
    ['EQ_bizStep', '/query'],
  ])('refuses %j at its place', (body, at) => {
    expect(refusal(() => parseQueryBody(body, { pointer: '/query' }))).toMatchObject({ code: 'QRY-PARAM', at });
  });
});

describe('the grammar', () => {
  it('makes equal plain data of what asks the same, in whatever order it is given', () => {
    const parameters = [
      'EQ_bizStep=shipping|receiving|packing',
      'EQ_action=OBSERVE|ADD',
      'GE_quantity=1',
      'GE_quantity_KGM=2',
      'MATCH_epc=urn:epc:idpat:sgtin:9520123.*.*|urn:epc:id:sscc:9520123.0000000001',
    ];
    const reference = JSON.stringify(url(parameters.join('&')).query);
    expect(JSON.parse(reference)).toEqual(url(parameters.join('&')).query);
    fc.assert(
      fc.property(fc.shuffledSubarray(parameters, { minLength: parameters.length }), fc.boolean(), (shuffled, turn) => {
        const search = shuffled
          .map((parameter) => {
            const [name, value] = parameter.split('=') as [string, string];
            return `${name}=${turn ? value.split('|').reverse().join('|') : value}`;
          })
          .join('&');
        expect(JSON.stringify(url(search).query)).toBe(reference);
      }),
    );
  });

  it('answers any name and value with a query or a refusal, never with another error', () => {
    const names = [
      ...Object.keys(GRAMMAR),
      'orderBy',
      'eventCountLimit',
      'perPage',
      'EQ_quantity_KGM',
      'EQ_',
      'EQ_gs1:a',
      'GE_ILMD_gs1:a',
      'EQATTR_bizLocation_name',
      'LT_value_CEL',
      '__proto__',
      'constructor',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.oneof(fc.string(), fc.constantFrom('urn:epc:idpat:sgtin:*', '|', 'NaN', '-', '+')),
        (name, value) => {
          try {
            url(`${name}=${encodeURIComponent(value)}`);
          } catch (error) {
            expect(error).toBeInstanceOf(LotlineError);
          }
        },
      ),
    );
  });

  it('has no parameter that takes just anything, but for the text that a sensor told', () => {
    for (const name of Object.keys(GRAMMAR) as GrammarName[])
      if (name !== 'EQ_stringValue') expect(refusal(() => url(`${name}=%00`)).code).toBe('QRY-PARAM');
  });
});
