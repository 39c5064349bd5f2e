import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EPCIS_PREFIXES, hashInProfile } from '../../src/epcis/index.ts';
import { lotline } from '../support/commands.ts';
import { documentOf, everyEvent, objectEvent, SITE } from '../support/epcis-documents.ts';
import { removeFolder, run, temporaryFolder } from '../support/program.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const put = (name: string, document: unknown) => {
  mkdirSync(join(at(name), '..'), { recursive: true });
  writeFileSync(at(name), typeof document === 'string' ? document : JSON.stringify(document));
};
const { action: _, ...withoutAction } = objectEvent();
beforeEach(() => {
  folder = temporaryFolder();
  put('in/a.json', documentOf(everyEvent()));
  put('in/deep/b.jsonld', documentOf([{ ...objectEvent(), certificationInfo: 'urn:c:1' }]));
  put('in/.hidden.json', 'never read');
  put('in/notes.txt', 'no document');
});
afterEach(() => removeFolder(folder));

/** The figures of the closing table. */
const figures = (out: string) =>
  Object.fromEntries([...out.matchAll(/│ +([A-Za-z ]+?) +│ +([\d,]+) │/g)].map(([, name, n]) => [name as string, Number(n)]));

describe('lotline convert', () => {
  it('writes a folder of documents under their names, and back, with the same events (X-9, X-10)', async () => {
    const there = await lotline('convert', at('in'), '--to', 'xml-1.2', '--out', at('xml'));
    expect([there.code, figures(there.out)]).toEqual([0, { Documents: 2, converted: 2, failed: 0, Events: everyEvent().length + 1 }]);
    expect(there.out).toMatch(/deep\/b\.jsonld +│ event 0 \/certificationInfo │ EPCIS 1\.2 has no certificationInfo/);
    expect(readFileSync(at('xml', 'deep', 'b.xml'), 'utf8')).toContain('xmlns:epcis="urn:epcglobal:epcis:xsd:1"');
    await lotline('convert', at('xml'), '--to', 'json', '--out', at('json'));
    const hashes = async (inside: string) => (await lotline('hash', at(inside))).out.match(/ni:\S+/g);
    // The namespace of master data is spelled in JSON and in XML as either has it, and hashed as it is spelled (V-15).
    const spelled = (text: string) => text.replaceAll('"cbvmda":"urn:epcglobal:cbv:mda"', '"cbvmda":"urn:epcglobal:cbv:mda:"');
    for (const name of ['a.json', 'deep/b.json']) writeFileSync(at('json', name), spelled(readFileSync(at('json', name), 'utf8')));
    expect(await hashes('json')).toEqual(await hashes('in'));
  });

  it('prints one document, and what there is to say beside it', async () => {
    const { code, out, err } = await run(['convert', at('in/deep/b.jsonld'), '--to', 'xml-1.2', '--compact']);
    expect(code).toBe(0);
    expect(out).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<epcis:EPCISDocument .*<\/epcis:EPCISDocument>\n$/);
    expect(err).toBe('event 0 /certificationInfo: EPCIS 1.2 has no certificationInfo; it is wrapped in baseExtension/extension\n');
  });

  it('writes nothing of a document with a refused event, says what and where, and ends with 1 (C-9)', async () => {
    put('in/c.json', documentOf([objectEvent(), withoutAction]));
    const { code, out } = await lotline('convert', at('in'), '--to', 'xml', '--out', at('out'), '--json');
    expect(code).toBe(1);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatchObject({
      file: at('in/c.json'),
      out: null,
      refused: 1,
      errors: [{ index: 1, at: '/epcisBody/eventList/1/action', code: 'EV-SCHEMA' }],
    });
    expect(readdirSync(at('out'))).toEqual(['a.xml', 'deep']);
  });

  it('writes over nothing, unless it may', async () => {
    await lotline('convert', at('in/a.json'), '--to', 'xml', '--out', at('out'));
    const again = ['convert', at('in/a.json'), '--to', 'xml', '--out', at('out')];
    await expect(lotline(...again)).rejects.toMatchObject({ code: 'CFG-VALUE', at: '--out' });
    expect((await lotline(...again, '--overwrite')).code).toBe(0);
    await expect(lotline('convert', at('out/a.xml'), '--to', 'xml-1.2', '--out', at('out'), '--overwrite')).rejects.toThrow(
      /while it is read/,
    );
  });

  it.each<[string, string[], RegExp]>([
    ['two documents that would become one', ['in/a.json', 'in/a.jsonld', '--out', 'out'], /would both become/],
    ['several documents without a folder', ['in'], /need a folder/],
    ['a file that is not there', ['in/z.json', '--out', 'out'], /is not there/],
    ['a folder without documents', ['empty', '--out', 'out'], /There is no/],
  ])('refuses %s before it writes anything', async (_, args, message) => {
    put('in/a.jsonld', documentOf([]));
    mkdirSync(at('empty'));
    const paths = args.map((arg) => (arg.startsWith('--') ? arg : at(arg)));
    await expect(lotline('convert', ...paths, '--to', 'xml')).rejects.toMatchObject({
      code: 'CFG-VALUE',
      message: expect.stringMatching(message) as string,
    });
    expect(existsSync(at('out'))).toBe(false);
  });
});

describe('lotline validate', () => {
  it('reads what capture would read, and ends with 0 when all of it is good', async () => {
    const { code, out } = await lotline('validate', at('in'));
    expect(code).toBe(0);
    expect(figures(out)).toMatchObject({ Documents: 2, good: 2, 'refused whole or in part': 0, refused: 0 });
  });

  it('tells every fault with its file, its place and how to mend it, and ends with 1 (C-9)', async () => {
    put('in/bad.json', documentOf([withoutAction]));
    put('in/worse.xml', '<epcis:EPCISDocument');
    const { code, out } = await lotline('validate', at('in'));
    expect(code).toBe(1);
    expect(figures(out)).toMatchObject({ Documents: 4, good: 2, 'refused whole or in part': 2, refused: 1 });
    expect(out).toMatch(/bad\.json +│ \/epcisBody\/eventList\/0\/action +│ an ObjectEvent needs action +│ Add action\./);
    expect(out).toMatch(/worse\.xml/);
  });

  it('prints an object a document for programs, with the warnings', async () => {
    put(
      'old.xml',
      `<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2" creationDate="2026-03-01T00:00:00Z"><EPCISBody><EventList>
      <ObjectEvent><eventTime>2026-03-01T00:00:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList><epc>urn:epc:id:sgtin:9520123.000011.1</epc></epcList>
      <action>OBSERVE</action><disposition>urn:epcglobal:cbv:disp:loading</disposition></ObjectEvent></EventList></EPCISBody></e:EPCISDocument>`,
    );
    const { code, out } = await lotline('validate', at('old.xml'), '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      good: true,
      syntax: 'xml',
      schemaVersion: '1.2',
      events: 1,
      refused: 0,
      errors: [],
      warnings: [{ index: 0 }],
    });
  });

  it('takes patterns that a shell has left alone', async () => {
    const documents = async (pattern: string) => figures((await lotline('validate', at(pattern))).out)['Documents'];
    expect(await documents('in/*.json')).toBe(1);
    expect(await documents('in/**/*.json*')).toBe(2);
    await expect(documents('in/?.xml')).rejects.toMatchObject({ code: 'CFG-VALUE' });
  });
});

describe('lotline hash', () => {
  const event = { ...objectEvent(), sourceList: [{ type: 'location', source: SITE }] };
  const inT = hashInProfile(event, EPCIS_PREFIXES, 'T').hash;

  it('prints a hash an event, and tells names that are hashes by their profile (codes.md §1.3)', async () => {
    put('named.json', documentOf([{ ...event, eventID: inT }, event]));
    const { code, out } = await lotline('hash', at('named.json'));
    const [first, second] = out.trim().split('\n');
    expect(first).toMatch(/^ni:\/\/\/sha-256;[0-9a-f]{64}\?ver=CBV2\.0 {2}.*named\.json#0 {2}its name in profile T$/);
    expect(second).toMatch(/named\.json#1$/);
    expect(code).toBe(0);
  });

  it('ends with 1 when an event is not what its name says', async () => {
    put('changed.json', documentOf([{ ...event, eventID: inT, disposition: 'inactive' }]));
    const { code, out, err } = await lotline('hash', at('changed.json'));
    expect([code, out, err]).toEqual([1, expect.stringContaining('other than its name'), expect.stringContaining('not as it was')]);
  });

  it('finds the event that has a hash, whatever its profile', async () => {
    put('in/t.json', documentOf([event]));
    const found = await lotline('hash', at('in'), '--verify', inT);
    expect(found.code).toBe(0);
    expect(found.out.split('\n').filter((line) => line.endsWith('as sought, in profile T'))).toHaveLength(1);
    expect((await lotline('hash', at('in/deep'), '--verify', inT)).code).toBe(1);
    await expect(lotline('hash', at('in'), '--verify', 'urn:x:1')).rejects.toMatchObject({ code: 'REQ-FORM', at: '--verify' });
  });

  it('prints the text that is hashed, and objects for programs', async () => {
    put('t.json', documentOf([event, withoutAction]));
    const { code, out } = await lotline('hash', at('t.json'), '--profile', 'T', '--json');
    expect(code).toBe(1);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { index: 0, hash: inT, profile: 'T' },
      { index: 1, errors: [{ code: 'EV-SCHEMA' }] },
    ]);
    expect((await lotline('hash', at('t.json'), '--prehash')).out).toContain('\n  eventType=ObjectEventeventTime=');
  });
});
