import type { Signature } from '../../src/access/index.ts';
import { carryOut } from '../../src/capture/commands.ts';
import type { Command, KeptChange } from '../../src/capture/service.ts';
import { e01 } from '../../src/worlds/index.ts';
import {
  associate, caseOf, commission, DISTRIBUTOR, declareError, documentOf, EPCIS_CONTEXT, type Json, lotOf, MAKER, observe, observeLot, pack, packOf, packs,
  palletOf, quantityOf, receive, SHOP, START, sensorOf, ship, transact, transform, unpack, unpackAll, withID,
} from './events.ts'; // biome-ignore format: a list
import { openTestStore, type TestStore } from './test-store.ts';

/** The namespace of its extensions. */
export const EXAMPLE = 'http://ns.example.com/epcis/';
const context = { '@context': [EPCIS_CONTEXT, { ex: EXAMPLE }] };
/** Names that are hard to quote. */
export const ODD = [
  'https://example.com/things/7',
  'https://example.com/things/a%22%5C%7B,%7D%27',
  'https://example.com/things/Z%C3%BCrich%F0%9F%A7%AA',
];
const fine = (at: string, json: Json): Json => ({ ...json, eventTime: `2026-03-01T${at}` });
const shipped = withID(ship(10, palletOf(1), { site: MAKER, from: MAKER, to: DISTRIBUTOR }), 2);
const mixed = transform(30, [quantityOf(lotOf('RAW', 12), 1.5, 'KGM'), packOf(9)], [quantityOf(lotOf('L2'), 100), packOf(10), packOf(11)], {
  id: 'urn:uuid:00000000-0000-4000-8000-00000000aaaa',
  lot: 'L2',
});

const DOCUMENTS: readonly (readonly Json[])[] = [
  [
    commission(0, packs(1, 4), { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
    withID(pack(5, caseOf(1), packs(1, 4), { site: MAKER }), 1),
    pack(6, palletOf(1), caseOf(1), { site: MAKER }),
  ],
  [
    receive(1, packOf(9), { site: MAKER, to: MAKER }),
    observeLot(2, [quantityOf(lotOf('RAW', 12), 5, 'KGM')], { step: 'receiving', site: MAKER }),
  ],
  [
    shipped,
    receive(20, palletOf(1), { site: DISTRIBUTOR, from: MAKER, to: DISTRIBUTOR }),
    unpack(21.0005, palletOf(1), caseOf(1), { site: DISTRIBUTOR }),
    observe(21.001, packOf(4), { step: `${EXAMPLE}weighing`, disposition: 'conformant', site: DISTRIBUTOR }),
  ],
  [
    mixed,
    transform(32, [packOf(10), quantityOf(lotOf('L2'), 3)], [quantityOf(lotOf('L3'), 7)]),
    observeLot(40, [quantityOf(lotOf('L1'), 3), quantityOf(lotOf('RAW', 12), 200, 'GRM'), quantityOf(lotOf('L1'), 2)], { site: SHOP }),
    observeLot(41, [quantityOf('urn:epc:idpat:sgtin:9520123.000011.*', 7), quantityOf('urn:epc:idpat:sgtin:9520124.*.*')]),
    associate(45, 'urn:epc:id:grai:9520123.00001.7', sensorOf(7)),
    transact(46, [palletOf(2)]),
    observe(47, [...ODD, 'https://example.com/x/01/09520123000110/21/P20', 'https://id.gs1.org/00/195201230000000025']),
    { type: 'ex:LabEvent', eventTime: '2026-03-01T08:30:00Z', eventTimeZoneOffset: '+00:00', 'ex:result': 'good' },
  ],
  ['09:00:00.0012Z', '09:00:00.001Z', '09:00:00.00119Z', '10:00:00.00115+01:00'].map((at, i) => fine(at, observe(0, packOf(30 + i)))),
  [declareError(shipped)],
  [withID(pack(15, caseOf(2), packs(3, 4)), 5)], // late, and 3 and 4 are in case 1
  [mixed], // again
  [
    withID(commission(50, packOf(1), { lot: 'L9' }), 6),
    unpackAll(55, caseOf(1), { site: SHOP }),
    receive(56, packs(1, 2), { site: SHOP, to: SHOP }),
  ],
  [observe(57, packOf(2), { step: 'dispensing' }), observe(58, packOf(3), { disposition: 'recalled' })],
  [observeLot(59, [quantityOf(lotOf('L1'))], {}, { persistentDisposition: { set: ['recalled'] } })],
];

const site = (extension: string, children: readonly string[] = [], more: readonly { id: string; attribute: unknown }[] = []) => ({
  id: `urn:epc:id:sgln:9520123.00010.${extension}`,
  attributes: [{ id: 'urn:epcglobal:cbv:mda:name', attribute: `Hall ${extension}` }, ...more],
  children: children.map((child) => `urn:epc:id:sgln:9520123.00010.${child}`),
});
/** A plant, a hall, a line and back again: the last one is told to hold the first. */
const SITES = [
  {
    type: 'urn:epcglobal:epcis:vtype:Location',
    vocabularyElementList: [
      site('0', ['7']),
      site(
        '7',
        ['8'],
        [
          { id: 'http://ns.example.com/epcis/level', attribute: 2.5 },
          { id: 'urn:x:odd', attribute: { a: ['\0', '\u{10FFFF}'] } },
        ],
      ),
      site('8', ['0']),
    ],
  },
];

/** Pools of a pack and of SSCCs, one filled from outside; grants, returns; a batch of the lot L1, and one of a lot that nothing was made of. */
const NUMBERS: readonly Command[] = [
  { kind: 'make-pool', id: 'pool_1', of: { gtin: '09520123000110' }, length: 12, alphabet: 'ABCDEFGH', site: '9520123000103' },
  { kind: 'make-pool', id: 'pool_2', of: { sscc: '09520123' }, length: 9, alphabet: '0123456789', site: null },
  { kind: 'make-pool', id: 'pool_3', of: { gtin: '09520123000127' }, length: 8, alphabet: '0123456789', site: null },
  {
    kind: 'open-batch', id: 'batch_1', gtin: '09520123000110', lot: 'L1', expiry: '2028-01-31', line: 'line "3"', planned: 4,
    terms: { perParent: 4, yieldLimits: [0.9, 1], clearance: true },
  }, // biome-ignore format: a record
  {
    kind: 'open-batch', id: 'batch_2', gtin: '09520123000110', lot: 'NONE', expiry: '2028-01', line: 'line 4', planned: 10,
    terms: { perParent: null, yieldLimits: null, clearance: false },
  }, // biome-ignore format: a record
  { kind: 'grant-numbers', id: 'grant_1', pool: 'pool_1', quantity: 40, requester: 'line 3', run: 'batch_1', key: 'again', seed: '11'.repeat(32) },
  { kind: 'grant-numbers', id: 'grant_2', pool: 'pool_2', quantity: 3, requester: 'line 3', run: 'batch_1', key: null, seed: '22'.repeat(32) },
  { kind: 'import-numbers', pool: 'pool_3', numbers: [['00000001', 'tail "1"'], ['00000003', null], ['00000002', 'tail 2']] },
  { kind: 'grant-numbers', id: 'grant_3', pool: 'pool_3', quantity: 2, requester: 'line 4', run: 'batch_2', key: null, seed: '33'.repeat(32) },
  { kind: 'clear-line', id: 'batch_1', by: ['k_1', 'k_2'] },
  { kind: 'close-batch', id: 'batch_1', counters: { goodPrints: 4, finishedPacks: 3, loose: ['P1'], partial: [], rejected: ['P2'], theoretical: 5 } },
]; // biome-ignore format: a list

const NURSE = {
  name: 'Nurse "One"',
  roles: ['collectionSite'],
  sites: ['414/9520123000103'],
  qualifications: [{ step: 'collection', until: '2028-12-31' }],
};
const SIGNED: Signature = {
  ...NURSE,
  id: 'sg_1',
  person: 'pe_1',
  meaning: 'approved',
  reason: 'Zürich',
  at: START,
  offset: '+02:00',
  session: 'k_2',
};
const PEOPLE: readonly (Command | KeptChange)[] = [
  { kind: 'put-person', id: 'pe_1', login: 'nurse-1', ...NURSE },
  { kind: 'put-person', id: 'pe_2', login: 'Å-2', name: 'Two', roles: ['qp', 'qaReviewer'], sites: [], qualifications: [] },
  { kind: 'put-setup', person: 'pe_1', code: 'ab'.repeat(32), expires: START + 1_000 },
  { kind: 'put-setup', person: 'pe_2', code: 'cd'.repeat(32), expires: START + 1_000 },
  { kind: 'put-secret', person: 'pe_2', code: 'cd'.repeat(32), hash: '$argon2id$v=19$m=19456,t=2,p=1$made$up', at: START },
  { kind: 'note-attempt', person: 'pe_2', failed: true, at: START },
  { kind: 'note-login', person: null, outcome: 'failed' },
  { kind: 'change-person', id: 'pe_1', roles: ['collectionSite', 'courier'] },
  { kind: 'end-person', id: 'pe_2' },
  { kind: 'note-read', id: 'rd_1', purpose: 'quality', what: 'GET /a', chains: ['CH2', 'CH1'], patients: ['pr_1'], donors: [], breakGlass: null },
  { kind: 'note-read', id: 'rd_2', purpose: 'treatment', what: 'GET "b"', chains: ['CH1'], patients: [], donors: ['dr_1'], breakGlass: 'at the bedside' },
  { kind: 'note-read', id: 'rd_3', purpose: 'treatment', what: 'GET /a', chains: [], patients: ['pr_1'], donors: [], breakGlass: 'again' },
  { kind: 'approve-read', id: 'rd_2', signatures: [SIGNED], content: 'ef'.repeat(32) },
]; // biome-ignore format: a list

/** The hash of a key that was granted and ended. */
export const KEY_HASH = 'ab'.repeat(32);
/** When the first document was recorded; each is a minute after the one before. */
export const RECORDED = START + 86_400_000;

/**
 * An embedded store with a little of everything: every type of event, names that are hard to quote, times that differ below the millisecond, late,
 * wrong and repeated events, declarations, findings open and resolved, refused documents, keys, master data by document and by call.
 */
export async function openSmallStore(): Promise<TestStore> {
  let now = RECORDED;
  const store = await openTestStore({ clock: () => now });
  for (const { text } of e01()) {
    await store.capture(text, { actor: 'k_maker' });
    break; // the master data
  }
  for (const events of DOCUMENTS) {
    now += 60_000;
    const { errors } = await store.capture(documentOf(events, context), { behaviour: 'proceed' });
    if (errors.length > 0) throw new Error(`the small store refuses an event: ${errors[0]?.title}`);
  }
  await store.capture(documentOf([{ ...observe(0, packOf(1)), action: 'LOOK' }]), { behaviour: 'proceed' });
  const command = async (what: Command | KeptChange, actor: string) => await carryOut(store.capturer, what, actor);
  await command({ kind: 'grant-key', id: 'k_1', name: 'line', roles: ['line'], hash: KEY_HASH }, 'system');
  await command({ kind: 'grant-key', id: 'k_2', name: 'reader', roles: ['reader', 'line'], hash: 'cd'.repeat(32) }, 'system');
  await command({ kind: 'end-key', id: 'k_1' }, 'k_2');
  for (const what of PEOPLE) await command(what, 'k_2');
  await command({ kind: 'put-masterdata', vocabularyList: SITES }, 'k_2');
  for (const what of NUMBERS) await command(what, 'k_2');
  for (const thing of ['01/09520123000110', '01/09520123000110/10/L1', '01/09520123000110/21/P2'])
    await command({ kind: 'put-links', thing, links: [{ linkType: 'https://gs1.org/voc/pip', href: 'https://a.example/', title: 'Zürich "1"', hreflang: ['de'], type: null }], default: thing.includes('/10/') ? 'https://gs1.org/voc/pip' : null }, 'k_2'); // biome-ignore format: a row
  await command({ kind: 'remove-links', thing: '01/09520123000110/21/P2' }, 'k_2');
  const { code, seq } = store.findings()[0] as { code: string; seq: number };
  await command({ kind: 'resolve-finding', code, seq, state: 'closed', note: 'relabelled' }, 'k_2');
  for (const name of ['all', 'Zürich', 'a"\\\'b'])
    await command({ kind: 'put-query', name, query: JSON.stringify({ EQ_bizStep: ['shipping'], GE_quantity: 1.5 }) }, 'k_2');
  for (const id of ['s-1', 's-2', 's-3'])
    await command(
      { kind: 'subscribe', id, query: 'all', from: id === 's-3' ? 0 : null, terms: '{"dest":"https://a.example"}', progress: '{}' },
      'k_2',
    );
  const asked = { caller: 'k_1', call: 'verify', product: '09520123000110', question: 'q', scan: null, took: 900 };
  const rows = [
    { ...asked, id: '0000000000007-a', at: 7, thing: '01/09520123000110/21/P1', serial_hash: null, site: '9520123000103', corr: 'c-1', outcome: 'true', reason: null, info: null, answer: '{"verified":true}' },
    { ...asked, id: '0000000000008-b', at: 8, thing: '01/09520123000110/21/P1', serial_hash: null, site: '9520123000011', corr: 'c-2', outcome: 'false', reason: 'Not_for_re-distribution', info: 'Recalled', answer: '{}' },
    { ...asked, id: '0000000000009-c', at: 9, thing: null, serial_hash: 'ab', site: null, corr: 'c-3', outcome: 'error', reason: 'ACC-RATE', info: null, answer: null },
  ] as const; // biome-ignore format: a table
  await command({ kind: 'put-verifications', rows }, 'lotline');
  return store;
}
