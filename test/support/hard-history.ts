import { carryOut } from '../../src/capture/commands.ts';
import {
  caseOf,
  commission,
  declareError,
  destroy,
  documentOf,
  type Json,
  MAKER,
  observe,
  pack,
  packOf,
  packs,
  palletOf,
  receive,
  SHOP,
  ship,
  unpack,
  withID,
} from './events.ts';
import type { TestStore } from './test-store.ts';

/** A history with everything in it that makes folding hard, in documents; times are minutes, and not in the order of arrival. */
export function hardHistory(): Json[] {
  const wrong = withID(pack(20, caseOf(2), packs(3, 4)), 77);
  return [
    documentOf([commission(0, packs(1, 6), { lot: 'L1', expiry: '2028-01-31', site: MAKER })]),
    documentOf([pack(10, caseOf(1), packs(1, 3)), pack(11, palletOf(1), caseOf(1))]),
    documentOf([ship(30, palletOf(1), { from: MAKER, to: SHOP, site: MAKER })]),
    documentOf([wrong]), // 3 is still in case 1
    documentOf([receive(40, palletOf(1), { from: MAKER, to: SHOP, site: SHOP }), unpack(41, palletOf(1), caseOf(1), { site: SHOP })]),
    documentOf([pack(5, caseOf(9), packOf(3))]), // late: before everything about 3
    documentOf([declareError(wrong)]), // and takes it back
    documentOf([commission(0, packs(1, 6), { lot: 'L1', expiry: '2028-01-31', site: MAKER }), observe(50, packOf(4))]), // the first came before
    documentOf([observe(12, packOf(99)), commission(60, packOf(1), { lot: 'L2' })]), // unknown; claimed with another lot
    documentOf([destroy(70, packOf(5)), observe(80, packOf(5))]),
    documentOf([withID(observe(90, packOf(6)), 1), withID(observe(90, packOf(6)), 2)]), // twins
    documentOf([commission(61, packOf(99), { lot: 'L1' })]), // late, and answers who was waiting for it
  ];
}

/** That history captured, with what people did besides: keys granted and ended, findings resolved, documents refused, a query named and subscribed to. */
export async function captureHardHistory(store: TestStore): Promise<void> {
  let next = 0;
  for (const document of hardHistory()) await store.capture(document, { captureID: `c-${next++}` });
  await carryOut(store.capturer, { kind: 'grant-key', id: 'k_1', name: 'line', roles: ['line'], hash: 'ab'.repeat(32) }, 'system');
  const conflict = store.findings().find((f) => f.code === 'SN-CONFLICT');
  if (conflict === undefined) throw new Error('the history has no SN-CONFLICT');
  const resolve = { kind: 'resolve-finding', state: 'closed' } as const;
  await carryOut(store.capturer, { ...resolve, code: 'SN-CONFLICT', seq: conflict.seq, note: 'relabelled' }, 'k_1');
  await carryOut(store.capturer, { ...resolve, code: 'EV-DUP', seq: 0, note: 'sent twice' }, 'k_1');
  const edit = {
    kind: 'edit-finding',
    stage: 'waiting-us',
    owner: 'line 1',
    message: 'looked into',
    record: { references: ['PO-1'] },
  } as const;
  await carryOut(store.capturer, { ...edit, code: 'EV-DUP', seq: 0 }, 'k_1');
  await carryOut(store.capturer, { ...edit, code: 'SN-CONFLICT', seq: conflict.seq, stage: 'illegitimate' }, 'k_1');
  await carryOut(store.capturer, { kind: 'end-key', id: 'k_1' }, 'system');
  await carryOut(store.capturer, { kind: 'put-query', name: 'packed', query: '{"EQ_bizStep":["packing"]}' }, 'k_1');
  const to = { dest: 'https://partner.example/hook', stream: true };
  for (const [id, from] of [['s-1', null], ['s-2', 0]] as const) // biome-ignore format: a list
    await carryOut(
      store.capturer,
      { kind: 'subscribe', id, query: 'packed', from, terms: JSON.stringify(to), progress: '{"failures":0}' },
      'k_1',
    );
  await carryOut(store.capturer, { kind: 'note-progress', id: 's-2', version: 0, next: 3, progress: '{"failures":2}' }, 'k_1');
  await store.capture('{"no": "document"}', { captureID: 'c-refused' });
}
