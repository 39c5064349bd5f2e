import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../test/support/shared.ts';
import { isRefused, readDocument } from '../epcis/json/read.ts';
import { LotlineError } from '../errors.ts';
import { DEFECT_KINDS, type DefectKind, e01, e01Key, type WorldDocument, type WorldSize, world } from './index.ts';
import { SERIAL_ALPHABET } from './serials.ts';

const digestOf = (documents: Iterable<WorldDocument>): string => {
  const hash = createHash('sha256');
  for (const { name, text, note } of documents) hash.update(`${name}\n${note}\n${text}`);
  return hash.digest('hex');
};
const worldS = (seed: number) => world({ seed, size: 'S' }).documents;

describe('a world', () => {
  it('is the same bytes for the same seed, and others for another', () => {
    const once = digestOf(worldS(7));
    expect(digestOf(worldS(7))).toBe(once);
    expect(digestOf(worldS(8))).not.toBe(once);
  });

  it('is the same bytes on every machine: these digests were taken once and stand', () => {
    expect(digestOf(e01())).toMatchInlineSnapshot(`"68561283fdac570950235a7b8813a4fc9b0f68adc242c14310c9ed6c36570c69"`);
    expect(digestOf(worldS(7))).toMatchInlineSnapshot(`"12e9c494a8b6352e934811b7775f81d78e615ec275d3f93117c3e8f26b8c0f25"`);
  });

  it('gives its documents names that sort in the order of capture', () => {
    for (const documents of [[...e01()], [...worldS(7)]]) {
      const names = documents.map(({ name }) => name);
      expect([...names].sort()).toEqual(names);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('closes its books only after the last document', () => {
    const { documents, key } = world({ seed: 7, size: 'S' });
    documents.next();
    expect(() => key()).toThrow('read all documents first');
  });

  it('starts on 2 March 2026, tells local times of three zones and lives through one change of clocks', () => {
    const offsets = new Map<string, string[]>();
    for (const { text } of worldS(7))
      for (const [, time, offset] of text.matchAll(/"eventTime":"([^"]+)","eventTimeZoneOffset":"([^"]+)"/g)) {
        const list = offsets.get(offset!) ?? [];
        list.push(new Date(time!).toISOString());
        offsets.set(offset!, list);
      }
    expect([...offsets.keys()].sort()).toEqual(['+01:00', '+02:00', '+05:30', '-05:00']);
    const winter = offsets.get('+01:00')!.sort();
    const summer = offsets.get('+02:00')!.sort();
    const change = '2026-03-29T01:00:00.000Z';
    expect(winter[0]! >= '2026-03-02T00:00:00.000Z').toBe(true);
    expect(winter[winter.length - 1]! < change).toBe(true);
    expect(summer[0]! >= change).toBe(true);
    for (const times of offsets.values()) expect(times.every((time) => time < '2026-10-01')).toBe(true);
  });

  it('keeps every serial out of reach of a guess: one in more than ten thousand (domain.md §4.1)', () => {
    const key = e01Key();
    const serials = [...key.atPharmacy, ...key.looseAtWholesaler, ...key.cases].map((one) => one.split('/21/')[1]!);
    expect(serials.every((serial) => new RegExp(`^[${SERIAL_ALPHABET}]{12}$`).test(serial))).toBe(true);
    expect(SERIAL_ALPHABET).not.toMatch(/[0O1I]/);
    expect(SERIAL_ALPHABET.length ** 12 / key.numbers.issued).toBeGreaterThan(10_000);
  });

  it('takes any size', () => {
    const size: WorldSize = {
      batches: 1,
      packsPerLot: [50, 60],
      packsPerBigLot: 100,
      perEvent: 10,
      perCase: 5,
      casesPerPallet: 4,
      packsPerDocument: 30,
      msPerPack: 1000,
      openedPerMille: 1000,
      delivery: [1, 3],
    };
    const { documents, key } = world({ seed: 1, size });
    expect([...documents].length).toBeGreaterThan(20);
    expect(key().lots.map(({ lot }) => lot)).toEqual(['L1', 'L2']);
    expect(key().packs).toBeGreaterThanOrEqual(100);
  });
});

describe('world S', () => {
  const { documents, key: books } = world({ seed: 7, size: 'S' });
  const texts = new Map([...documents].map(({ name, text }) => [name, text]));
  const key = books();
  const defect = (kind: DefectKind) => key.defects.find((one) => one.kind === kind)!;

  it('has about ten thousand events', () => {
    expect(key.events).toBeGreaterThan(8_000);
    expect(key.events).toBeLessThan(14_000);
    expect(key.documents).toBe(texts.size);
    expect(key.bytes).toBe([...texts.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0));
  });

  it('plants every defect, with its things, events and documents', () => {
    expect(key.defects.map(({ kind }) => kind)).toEqual([...DEFECT_KINDS]);
    for (const { kind, things, events, documents: names, note } of key.defects) {
      expect(things.length, kind).toBeGreaterThan(0);
      expect(events.length, kind).toBeGreaterThan(0);
      expect(note, kind).not.toBe('');
      for (const name of names) expect(texts.has(name), kind).toBe(true);
      const carried = names.map((name) => texts.get(name)!).join('');
      for (const event of events) expect(carried.includes(event), `${kind} ${event}`).toBe(true);
    }
  });

  it('posts one document twice, byte for byte', () => {
    const [first, again] = defect('repost').documents;
    expect(texts.get(again!)).toBe(texts.get(first!));
  });

  it('is read by lotline, but for the two documents that are broken', () => {
    const refused: { name: string; code: string }[] = [];
    let read = 0;
    for (const [name, text] of texts)
      try {
        for (const item of readDocument(Buffer.from(text), { wantHashes: false }).events()) {
          if (isRefused(item)) throw item.errors[0]!;
          expect(item.breaches).toEqual([]);
          read++;
        }
      } catch (error) {
        if (!(error instanceof LotlineError)) throw error;
        refused.push({ name, code: error.code });
      }
    const expected = key.defects.filter(({ verdict }) => verdict === 'refused');
    expect(expected).toHaveLength(2);
    expect(refused).toEqual(expected.map(({ code, documents: [name] }) => ({ name, code })).sort((a, b) => (a.name! < b.name! ? -1 : 1)));
    expect(read).toBe(key.events + defect('repost').events.length);
  });

  it('survives JSON: the key can be kept as a file', () => {
    expect(JSON.parse(JSON.stringify(key))).toEqual(key);
  });
});

const schemaPath = sharedPath('gs1/artefacts/json-schema/EPCIS-JSON-Schema.json');
describe.skipIf(schemaPath === null)('against the official JSON schema', () => {
  const ajv = new Ajv({ strict: false, allErrors: false });
  addFormats.default(ajv);
  // The body of a skipped describe runs all the same.
  const validate = ajv.compile(schemaPath === null ? {} : JSON.parse(readFileSync(schemaPath, 'utf8')));
  const faults = (text: string): string[] => {
    try {
      return validate(JSON.parse(text)) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
    } catch (error) {
      return [(error as Error).message];
    }
  };

  it('every document of E-01 is valid', () => {
    for (const { name, text } of e01()) expect(faults(text), name).toEqual([]);
  });

  it('every document of world S is valid, but for the two that are broken', () => {
    const { documents, key } = world({ seed: 7, size: 'S' });
    const invalid: string[] = [];
    for (const { name, text } of documents) if (faults(text).length > 0) invalid.push(name);
    const refused = key().defects.flatMap(({ verdict, documents: [name] }) => (verdict === 'refused' ? [name!] : []));
    expect(invalid.sort()).toEqual(refused.sort());
  });
});

describe('world M', () => {
  it('has a million packs, half of them from one raw lot, in documents of at most 20 MB', () => {
    const { documents, key: books } = world({ seed: 7, size: 'M' });
    let largest = 0;
    for (const { text } of documents) largest = Math.max(largest, text.length);
    const key = books();
    expect(key.packs).toBeGreaterThan(900_000);
    expect(Math.max(...key.rawLots.map(({ packs }) => packs))).toBeGreaterThanOrEqual(500_000);
    expect(largest).toBeLessThan(20_000_000);
    expect(key.defects.map(({ kind }) => kind)).toEqual([...DEFECT_KINDS]);
    for (const lot of key.lots) {
      expect(lot.byStatus.reduce((sum, { count }) => sum + count, 0)).toBe(lot.packs);
      expect(lot.byHolder.reduce((sum, { count }) => sum + count, 0)).toBe(lot.packs);
    }
  });
});
