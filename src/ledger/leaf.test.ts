import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLeaf, digestOfEventHash, encodeLeaf, formatRecordTime, type Leaf, type LeafInput, parseRecordTime } from './leaf.ts';

const digestA = 'ab'.repeat(32);
const digestB = '01'.repeat(32);
const eventHash = `ni:///sha-256;${digestB}?ver=CBV2.0`;
const least: Leaf = { kind: 'event', recordTime: '2026-03-01T08:15:00.000250Z', actor: 'k_7Q', capture: 'c_12', bodyDigest: digestA };
const refused = expect.objectContaining({ code: 'LOG-INCLUSION' });
const textOf = (leaf: LeafInput): string => Buffer.from(encodeLeaf(leaf)).toString();
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('the leaf of an entry (design.md §6)', () => {
  it('is canonical JSON with its members in order', () => {
    expect(textOf(least)).toBe(
      `{"actor":"k_7Q","bodyDigest":"${digestA}","capture":"c_12","kind":"event","recordTime":"2026-03-01T08:15:00.000250Z","v":1}`,
    );
    expect(textOf({ ...least, eventHash, payloadDigest: digestB, commitments: [digestB, digestA] })).toBe(
      `{"actor":"k_7Q","bodyDigest":"${digestA}","capture":"c_12","commitments":["${digestB}","${digestA}"],"eventHash":"${eventHash}",` +
        `"kind":"event","payloadDigest":"${digestB}","recordTime":"2026-03-01T08:15:00.000250Z","v":1}`,
    );
  });

  it('takes its time as microseconds or as text', () => {
    expect(encodeLeaf({ ...least, recordTime: 1_772_352_900_000_250n })).toEqual(encodeLeaf(least));
  });

  it('escapes as RFC 8785 §3.2.2.2 says', () => {
    expect(textOf({ ...least, actor: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/\u007f\u{1F600}' })).toContain(
      '"actor":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f\u{1F600}"',
    );
  });

  const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((t) => t.length <= 256 && !/\p{Surrogate}/u.test(t));
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
  const leaf = fc.record(
    {
      kind: text,
      recordTime: fc.bigInt({ min: 0n, max: 253_402_300_799_999_999n }).map(formatRecordTime),
      actor: text,
      capture: text,
      bodyDigest: digest,
      eventHash: digest.map((hex) => `ni:///sha-256;${hex}?ver=CBV2.0`),
      payloadDigest: digest,
      commitments: fc.array(digest),
    },
    { requiredKeys: ['kind', 'recordTime', 'actor', 'capture', 'bodyDigest'] },
  );

  it('is read back as it was written, with its members sorted as RFC 8785 asks', () => {
    fc.assert(
      fc.property(leaf, (l) => {
        const bytes = encodeLeaf(l);
        expect(decodeLeaf(bytes)).toEqual(l);
        const parsed = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
        expect(Object.keys(parsed)).toEqual(Object.keys(parsed).toSorted());
        expect(parsed).toEqual({ ...l, v: 1 });
      }),
    );
  });

  it('stays below 64 KiB with every bound reached', () => {
    const text256 = '\u0001'.repeat(256); // six characters each once escaped
    const most = {
      ...least,
      kind: text256,
      actor: text256,
      capture: text256,
      eventHash: `${eventHash}${'\u0001'.repeat(256 - eventHash.length)}`,
    };
    expect(encodeLeaf({ ...most, payloadDigest: digestA, commitments: Array(512).fill(digestA) }).length).toBeLessThan(65_536);
    expect(() => encodeLeaf({ ...least, commitments: Array(513).fill(digestA) })).toThrow(refused);
  });

  it.each<[string, Record<string, unknown>]>([
    ['/kind', { kind: 'x'.repeat(257) }],
    ['/kind', { kind: 5 }],
    ['/actor', { actor: '\ud800' }],
    ['/capture', { capture: undefined }],
    ['/bodyDigest', { bodyDigest: digestA.toUpperCase() }],
    ['/bodyDigest', { bodyDigest: digestA.slice(1) }],
    ['/bodyDigest', { bodyDigest: null }],
    ['/payloadDigest', { payloadDigest: '' }],
    ['/commitments', { commitments: digestA }],
    ['/commitments/1', { commitments: [digestA, 'x'] }],
    ['/eventHash', { eventHash: digestA }],
    ['/eventHash', { eventHash: `ni:///sha-256;${digestB}` }],
    ['/eventHash', { eventHash: `ni:///sha-256;${digestB.slice(2)}?ver=CBV2.0` }],
    ['/recordTime', { recordTime: '2026-03-01T08:15:00.000Z' }],
    ['/recordTime', { recordTime: -1n }],
  ])('is not made with a wrong member (%s)', (at, wrong) => {
    expect(() => encodeLeaf({ ...least, ...wrong } as LeafInput)).toThrow(expect.objectContaining({ code: 'LOG-INCLUSION', at }));
  });

  const json = textOf(least);
  it.each([
    ['another order', json.replace(/"actor":"k_7Q",(.*)\}/, '$1,"actor":"k_7Q"}')],
    ['a space', json.replace(':', ': ')],
    ['another escape', json.replace('k_7Q', '\\u006b_7Q')],
    ['a member more', json.replace('"v":1', '"u":1,"v":1')],
    ['a member less', json.replace(/"kind":"event",/, '')],
    ['a member twice', json.replace('"v":1', '"v":1,"v":1')],
    ['another version', json.replace('"v":1', '"v":2')],
    ['the version as text', json.replace('"v":1', '"v":"1"')],
    ['an absent member as null', json.replace('"kind"', '"eventHash":null,"kind"')],
    ['a byte order mark', `\ufeff${json}`],
    ['a newline at its end', `${json}\n`],
    ['no object', '[]'],
    ['null', 'null'],
    ['no JSON', '{'],
  ])('is refused with %s', (_, text8785) => {
    expect(text8785).not.toBe(json);
    expect(() => decodeLeaf(bytesOf(text8785))).toThrow(refused);
  });

  it('is refused when it is no UTF-8', () => {
    const bytes = encodeLeaf(least);
    bytes[10] = 0xff;
    expect(() => decodeLeaf(bytes)).toThrow(refused);
  });

  it('gives the digits of an event hash', () => {
    expect(digestOfEventHash(eventHash)).toBe(digestB);
    expect(() => digestOfEventHash('ni:')).toThrow(refused);
  });
});

describe('a record time', () => {
  it.each([
    [0n, '1970-01-01T00:00:00.000000Z'],
    [1n, '1970-01-01T00:00:00.000001Z'],
    [1_772_352_900_000_250n, '2026-03-01T08:15:00.000250Z'],
    [253_402_300_799_999_999n, '9999-12-31T23:59:59.999999Z'],
  ])('of %s µs is %s', (microseconds, text) => {
    expect(formatRecordTime(microseconds)).toBe(text);
    expect(parseRecordTime(text)).toBe(microseconds);
  });

  it.each([
    '2026-02-30T00:00:00.000000Z',
    '2026-03-01T24:00:00.000000Z',
    '2026-03-01T23:59:60.000000Z',
    '1969-12-31T23:59:59.999999Z',
    '2026-03-01T08:15:00.000000+00:00',
    '2026-03-01T08:15:00Z',
    '2026-03-01t08:15:00.000000z',
    '+012026-03-01T08:15:00.000000Z',
    '',
  ])('is never written %s', (text) => {
    expect(() => parseRecordTime(text)).toThrow(refused);
  });

  it('is not written outside the years 1970 to 9999', () => {
    expect(() => formatRecordTime(-1n)).toThrow(refused);
    expect(() => formatRecordTime(253_402_300_800_000_000n)).toThrow(refused);
  });
});
