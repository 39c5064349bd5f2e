import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LotlineError } from '../../errors.ts';
import { DEPTH_MAX, linePlace, MEMBERS_MAX, splitDocument } from './split.ts';

const bytes = (text: string) => Buffer.from(text, 'utf8');
const slices = (text: string) =>
  splitDocument(bytes(text)).lists.map((list) => list.events.map(({ start, end }) => bytes(text).toString('utf8', start, end)));

function refusal(text: string | Buffer): { code: string; at: string; message: string } | null {
  try {
    splitDocument(typeof text === 'string' ? bytes(text) : text);
    return null;
  } catch (error) {
    const { code, at, message } = error as LotlineError;
    return { code, at, message };
  }
}

/** A value written with random white space and random escapes; what JSON.parse makes of it is the value itself. */
function writtenAtRandom(value: unknown, random: () => number): string {
  const gap = () => ['', ' ', '\n', '\t \r\n'][Math.floor(random() * 8)] ?? '';
  const string = (text: string) =>
    `"${text
      .split('')
      .map((c) => (random() < 0.2 || c < ' ' || c === '"' || c === '\\' ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c))
      .join('')}"`;
  if (typeof value === 'string') return string(value);
  if (Array.isArray(value)) return `[${gap()}${value.map((item) => writtenAtRandom(item, random) + gap()).join(`,${gap()}`)}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${gap()}${Object.entries(value)
      .map(([name, inner]) => `${string(name)}${gap()}:${gap()}${writtenAtRandom(inner, random)}${gap()}`)
      .join(`,${gap()}`)}}`;
  }
  return JSON.stringify(value);
}

const anyJson = fc.jsonValue({ maxDepth: 5 });
const seeded = fc
  .infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }))
  .map((stream) => () => stream.next().value as number);

describe('splitting a document', () => {
  it('finds the same events as JSON.parse, however the text is written', () => {
    fc.assert(
      fc.property(fc.array(anyJson, { maxLength: 6 }), anyJson, anyJson, fc.boolean(), seeded, (events, before, after, query, random) => {
        const list = { x: before, eventList: events, y: after };
        const document = { x: after, epcisBody: query ? { a: before, queryResults: { resultsBody: list, z: 1 } } : list, header: before };
        const text = writtenAtRandom(document, random);
        const split = splitDocument(bytes(text));
        expect(split.lists.map(({ at }) => at)).toEqual([query ? '/epcisBody/queryResults/resultsBody/eventList' : '/epcisBody/eventList']);
        expect(slices(text)[0]?.map((slice) => JSON.parse(slice) as unknown)).toEqual(JSON.parse(JSON.stringify(events)));
      }),
      { numRuns: 300 },
    );
  });

  it('takes and refuses the same texts as JSON.parse, duplicate names aside', () => {
    const sound = fc.tuple(anyJson, seeded).map(([value, random]) => writtenAtRandom(value, random));
    const broken = fc
      .tuple(sound, fc.nat(), fc.nat(3), fc.constantFrom(...'{}[]",:\\0123456789.eE+-tfn \n\u0001é'.split('')))
      .map(([text, where, kind, c]) => {
        const i = where % (text.length + 1);
        if (kind === 0) return text.slice(0, i);
        return text.slice(0, i) + (kind === 1 ? '' : c) + text.slice(kind === 2 ? i : i + 1);
      });
    fc.assert(
      fc.property(fc.oneof(sound, broken, fc.string()), (text) => {
        let parses = true;
        try {
          JSON.parse(text);
        } catch {
          parses = false;
        }
        const refused = refusal(text);
        if (refused?.message.includes('stands twice')) return;
        expect(refused === null, text).toBe(parses);
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['0', '-0', '-0.0', '1e5', '1E+5', '0.10', '12345678901234567890', '-12', '1.5', '9007199254740993'])(
    'knows whether the number %s comes back as written',
    (number) => {
      const split = splitDocument(bytes(`{"epcisBody":{"eventList":[{"a":${number}},{"b":7}]}}`));
      expect(split.lists[0]?.events.map(({ inexact }) => inexact)).toEqual([String(Number(number)) !== number, false]);
      expect(split.root.inexact).toBe(String(Number(number)) !== number);
    },
  );

  it('skips a BOM', () => {
    const text = `\ufeff {"epcisBody":{"eventList":[{}]}} `;
    expect(slices(text)).toEqual([['{}']]);
  });

  it('finds no list where none is, and an empty one where it is empty', () => {
    expect(slices('{"eventList":[1],"epcisBody":{"eventList":{"eventList":[1]}}}')).toEqual([]);
    expect(slices('{"epcisBody":{"eventList":[ ]}}')).toEqual([[]]);
  });

  it.each([
    ['{"a":1,"a":2}', '/a', 'line 1, column 8'],
    ['{"a":1,"\\u0061":2}', '/a', 'line 1, column 8'],
    ['{"\\u0061":1,\n "a":2}', '/a', 'line 2, column 2'],
    ['{"epcisBody":{"eventList":[{},{"x":{"é/~":1,\n"é/~":2}}]}}', '/epcisBody/eventList/1/x/é~1~0', 'line 2, column 1'],
    ['[[{"":0,"":0}]]', '/0/0', 'line 1, column 9'],
  ])('refuses the duplicate name in %s (J-9)', (text, at, place) => {
    const refused = refusal(text);
    expect(refused).toMatchObject({ code: 'EV-SYNTAX' });
    expect(refused?.at.startsWith(at)).toBe(true);
    expect(refused?.message).toContain(place);
  });

  it('refuses a duplicate name among many', () => {
    const many = (last: string) => `{${Array.from({ length: 200 }, (_, i) => `"n${i}":0`).join(',')},"${last}":0}`;
    expect(refusal(many('n200'))).toBeNull();
    for (const name of ['n0', 'n31', 'n32', 'n199', '\\u006e7']) expect(refusal(many(name))?.message).toContain('stands twice');
  });

  it('takes the same name again in another object', () => {
    expect(refusal('{"a":{"a":1},"b":[{"a":1},{"a":2}]}')).toBeNull();
  });

  it('bounds depth and members (J-9)', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(refusal(nested(DEPTH_MAX))).toBeNull();
    expect(refusal(nested(DEPTH_MAX + 1))).toMatchObject({ code: 'EV-SYNTAX', at: '/0'.repeat(DEPTH_MAX) });
    const wide = (n: number) => `{${Array.from({ length: n }, (_, i) => `"${i}":0`).join(',')}}`;
    expect(refusal(wide(MEMBERS_MAX))).toBeNull();
    expect(refusal(wide(MEMBERS_MAX + 1))?.message).toContain('more than 10000 members');
  });

  it.each(['"\\ud800"', '"a\\udc00"', '"\\ud83d\\u0041"', '{"\\uDBFF": 1}', '"\\ud83d\\ud83d\\ude00"'])(
    'refuses half of a surrogate pair: %s',
    (text) => {
      expect(refusal(Buffer.from(text))).toMatchObject({ code: 'EV-SYNTAX', message: expect.stringContaining('half of a surrogate pair') });
    },
  );

  it('takes a whole pair, escaped or not', () => {
    expect(refusal(Buffer.from('["\\ud83d\\ude00", "\u{1f600}", "\\uD83D\\uDE00"]'))).toBeNull();
  });

  it('refuses bytes that are no UTF-8 and says where', () => {
    const broken = Buffer.concat([bytes('{"a":\n"é'), Buffer.from([0xe9]), bytes('x"}')]);
    expect(refusal(broken)).toMatchObject({ code: 'EV-SYNTAX' });
    expect(refusal(broken)?.message).toContain('line 2, column 3');
    expect(refusal(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))?.message).toContain('not valid UTF-8');
  });

  it.each([
    ['', '', 'the text is empty'],
    ['{} {}', '', 'more text after the end'],
    ['{"a":[1,{"b":tru}]}', '/a/1/b', 'a value is expected'],
    ['{"a":1,}', '', 'a member name in double quotes is expected'],
    ['{"a":"\n"}', '/a', 'raw control character'],
    ['{"a":"x', '/a', 'the text ends inside a string'],
    ['{"a":01}', '', 'a comma or } is expected'],
  ])('says what is wrong with %j and where', (text, at, what) => {
    const refused = refusal(text);
    expect(refused).toMatchObject({ code: 'EV-SYNTAX', at });
    expect(refused?.message).toContain(what);
  });

  it('refuses more events than are allowed, and takes exactly so many', () => {
    const text = bytes('{"epcisBody":{"eventList":[{},{},{}]}}');
    expect(splitDocument(text, 3).lists[0]?.events).toHaveLength(3);
    expect(() => splitDocument(text, 2)).toThrow(expect.objectContaining({ code: 'REQ-LIMIT', at: '/epcisBody/eventList' }));
  });

  it('counts columns in characters', () => {
    expect(linePlace(bytes('ab\nü€😀x'), bytes('ab\nü€😀').length)).toBe('line 2, column 4');
    expect(linePlace(bytes('x'.repeat(50_000)), 40_000)).toBe('line 1, column 40001');
  });
});
