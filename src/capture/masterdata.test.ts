import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commission, documentOf, packOf } from '../../test/support/events.ts';
import { rebuilt } from '../../test/support/rebuilt.ts';
import { type AnyTestStore, ENGINES, memoryStore, storeOf } from '../../test/support/test-store.ts';
import { carryOut } from './commands.ts';
import { readMasterdata } from './masterdata.ts';

const LOCATION = 'urn:epcglobal:epcis:vtype:Location';
const works = {
  id: 'urn:epc:id:sgln:9520123.00001.0',
  attributes: [{ id: 'urn:epcglobal:cbv:mda#name', attribute: 'Works' }, { id: 'urn:x:size', attribute: 7 }, { id: 'urn:x:none' }],
  children: ['https://example.com/414/9520123000011/254/HALL', 'urn:x:yard'],
};
const vocabularyList = [{ type: LOCATION, vocabularyElementList: [works] }];
const header = { epcisHeader: { epcisMasterData: { vocabularyList } } };
const row = {
  type: LOCATION,
  id: '414/9520123000011',
  attributes: '{"urn:epcglobal:cbv:mda#name":"Works","urn:x:size":7}',
  children: '["414/9520123000011/254/HALL","urn:x:yard"]',
  sent: JSON.stringify([works.id, ...works.children]),
};

describe('the master data of a header', () => {
  it('are read leniently: they are claims of the sender, and what has no type or id says nothing (C-7, MD-2)', () => {
    const read = (list: unknown) => readMasterdata({ epcisMasterData: { vocabularyList: list } }).map(({ id }) => id);
    expect(
      read([{ type: LOCATION, vocabularyElementList: [{}, { id: 7 }, { id: 'broken' }] }, { vocabularyElementList: [works] }, null]),
    ).toEqual(['broken']);
    expect(read('nothing')).toEqual([]);
    expect(readMasterdata(null)).toEqual([]);
  });
});

describe.each(ENGINES)('master data on %s', (engine) => {
  let store: AnyTestStore;
  beforeEach(async () => {
    store = await storeOf(engine);
  });
  afterEach(() => store.close());

  it('are kept by key, and as they were sent, whether a document told of them or a call (C-7, MD-7)', async () => {
    await store.capture(documentOf([commission(0, packOf(1))], header));
    expect(await carryOut(store.capturer, { kind: 'put-masterdata', vocabularyList }, 'k_1')).toBe(true);
    expect(await store.rows('SELECT type, id, seq, attributes, children, sent FROM masterdata ORDER BY seq')).toEqual([
      { ...row, seq: 1 },
      { ...row, seq: 2 },
    ]);
    expect(await store.rows('SELECT kind, actor FROM entry WHERE seq > 0 ORDER BY seq')).toEqual([
      { kind: 'masterdata', actor: 'tester' },
      { kind: 'masterdata', actor: 'k_1' },
    ]);
  });
});

it('comes out of a rebuild as it was, with its entries (MD-7)', async () => {
  const store = await memoryStore();
  await store.capture(documentOf([commission(0, packOf(1))], header));
  await carryOut(store.capturer, { kind: 'put-masterdata', vocabularyList }, 'k_1');
  await store.capture(documentOf([], header));
  const { tables, ...report } = await rebuilt(store.db);
  expect(report).toMatchObject({ equal: true });
  expect(tables.find(({ table }) => table === 'masterdata')).toMatchObject({ rows: 3, differing: 0 });
  await store.close();
});
