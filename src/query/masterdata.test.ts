import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnyTestStore, ENGINES, storeOf } from '../../test/support/test-store.ts';
import { carryOut } from '../capture/commands.ts';
import { readMasterdataQuery } from '../epcis/index.ts';
import { type ElementPage, masterdata, masterdataElement } from './masterdata.ts';

const OWN = 'urn:x:vocabulary';
type Attributes = { id: string; attribute: unknown }[];

describe.each(ENGINES)('questions about master data on %s', (engine) => {
  let store: AnyTestStore;
  beforeEach(async () => {
    store = await storeOf(engine);
  });
  afterEach(() => store.close());

  const tell = async (...elements: { id: string; attributes?: Attributes; children?: string[] }[]) =>
    await carryOut(store.capturer, { kind: 'put-masterdata', vocabularyList: [{ type: OWN, vocabularyElementList: elements }] }, 'k_1');
  const ask = async (parameters: Parameters<typeof readMasterdataQuery>[0], limit = 10, after: ElementPage['next'] = null) =>
    await masterdata(store.questions, { query: readMasterdataQuery(parameters), after, limit });
  const keys = ({ elements }: ElementPage) => elements.map(({ key }) => key);

  it('end where children lead back to where they came from (MD-2)', async () => {
    await tell(
      { id: 'urn:x:a', children: ['urn:x:b', 'urn:x:a'] },
      { id: 'urn:x:b', children: ['urn:x:c', 'urn:x:nowhere'] },
      { id: 'urn:x:c', children: ['urn:x:a'] },
    );
    expect(keys(await ask({ WD_name: ['urn:x:b'] }))).toEqual(['urn:x:a', 'urn:x:b', 'urn:x:c']);
    await tell({ id: 'urn:x:b' });
    expect(keys(await ask({ WD_name: ['urn:x:b'] }))).toEqual(['urn:x:b']);
  });

  it.each([
    ['3.5', 3.5],
    ['3.5', { '@measurementUnitCode': 'KGM', '#text': '3.5' }],
    ['FR', ['DE', 'FR']],
    ['true', true],
  ])('find %s in %j (MD-6, MD-8)', async (text, attribute) => {
    await tell({ id: 'urn:x:a', attributes: [{ id: 'urn:x:attribute', attribute }] });
    expect(keys(await ask({ EQATTR: new Map([['urn:x:attribute', ['other', text]]]) }))).toEqual(['urn:x:a']);
    expect(keys(await ask({ EQATTR: new Map([['urn:x:attribute', ['', '[object Object]', 'null']]]) }))).toEqual([]);
  });

  it('take an attribute without a value for one that is not there (MD-8)', async () => {
    await tell(
      { id: 'urn:x:a', attributes: [{ id: 'urn:x:attribute', attribute: null }] },
      { id: 'urn:x:b', attributes: [{ id: 'urn:x:attribute', attribute: '' }] },
    );
    expect(keys(await ask({ HASATTR: ['urn:x:attribute'] }))).toEqual(['urn:x:b']);
  });

  it('end a page before it becomes large, and go on behind it (R-21, R-22)', async () => {
    const attributes = [{ id: 'urn:x:text', attribute: 'x'.repeat(600_000) }];
    await tell(...['a', 'b', 'c'].map((name) => ({ id: `urn:x:${name}`, attributes })));
    const first = await ask({});
    expect(keys(first)).toEqual(['urn:x:a', 'urn:x:b']);
    const last = await ask({}, 10, first.next);
    expect([keys(last), last.next]).toEqual([['urn:x:c'], null]);
  });

  it('go on where many do not meet the query (R-22)', async () => {
    const ids = Array.from({ length: 2_500 }, (_, i) => `urn:x:${String(i).padStart(4, '0')}`);
    const attributes = [{ id: 'urn:x:rare', attribute: 1 }];
    await tell(...ids.map((id, i) => ({ id, ...(i % 1_200 === 0 && { attributes }) })));
    const first = await ask({ HASATTR: ['urn:x:rare'] }, 2);
    expect(keys(first)).toEqual(['urn:x:0000', 'urn:x:1200']);
    expect(keys(await ask({ HASATTR: ['urn:x:rare'] }, 2, first.next))).toEqual(['urn:x:2400']);
    await expect(ask({ maxElementCount: 2_499 }, 2)).rejects.toMatchObject({ code: 'QRY-LARGE' });
    expect(keys(await ask({ maxElementCount: 2_500 }, 1))).toEqual(['urn:x:0000']);
  });

  it('tell an element by its key where an earlier version did not keep how it was sent', async () => {
    const row = { type: OWN, id: '414/9520123000011', seq: 0, attributes: '{}', children: '["urn:x:1"]', sent: null };
    await tell({ id: 'urn:x:a' });
    await store.journal.begin();
    await store.journal.putMasterdata([row]);
    await store.journal.commit();
    expect(await masterdataElement(store.questions, { type: OWN, key: row.id })).toMatchObject({
      id: row.id,
      key: row.id,
      children: ['urn:x:1'],
    });
  });
});
