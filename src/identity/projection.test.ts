import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, bag, CHAIN_A, CHAIN_B, collect, documentOf, histories, type Json, make, START } from '../../test/support/chains.ts';
import { rebuilt } from '../../test/support/rebuilt.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import type { Signature } from '../access/signature.ts';
import { carryOut } from '../capture/commands.ts';
import type { Act, ActKind } from './acts.ts';
import { actAnswer, chainView } from './questions/acts.ts';

const act = async <K extends ActKind>(
  store: TestStore,
  id: string,
  kind: K,
  body: Act<K>,
  event?: Json,
  time = 0,
  people: readonly string[] = [],
): Promise<void> => {
  // Without `live` it is put on record as a replay does: nothing is decided.
  const live = event === undefined ? {} : { live: { event: JSON.stringify(event) } };
  await carryOut(store.capturer, { kind: 'identity-act', id, act: kind, body, time, signatures: people.map(signedBy), ...live }, 'tester');
};
const signedBy = (person: string): Signature => ({
  id: `sg_${person}`,
  person,
  name: person,
  roles: ['operator'],
  sites: [],
  qualifications: [],
  meaning: 'witnessed',
  reason: null,
  at: START,
  offset: '+00:00',
  session: `ls_${person}`,
});
const notice = (chain: string): Act<'notice'> => ({ noticeId: 'n', donor: null, chain, lot: null, to: 'a site', state: 'sent', note: '' });

describe('the projection', () => {
  it('is the same when it is made again from the entries alone, whatever came in which order', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const store = await memoryStore();
        try {
          const arrival = [...history].sort((a, b) => a.order - b.order);
          for (const [i, { json, chain }] of arrival.entries()) {
            await store.capture(documentOf([json]));
            if (chain !== null && i % 2 === 0) await act(store, `nt_${i}`, 'notice', notice(chain));
          }
          await act(store, 'hd_1', 'hold', { holdId: 'hd_1', things: [], chain: CHAIN_A, reason: 'asked for' });
          await act(store, 'hl_1', 'hold-lift', { holdId: 'hd_1', reason: 'done' });
          const report = await rebuilt(store.db);
          expect(report.tables.flatMap((table) => table.differences)).toEqual([]);
        } finally {
          await store.close();
        }
      }),
      { numRuns: process.env['LOTLINE_LONG'] === '1' ? 200 : 15 },
    );
  }, 600_000);

  it('INV-15: who used a room after another chain without a clearance between them is found, in whatever order it comes to be known', async () => {
    const ROOM = 'https://example.com/room/1';
    const step = fc.record({ kind: fc.constantFrom('use', 'use', 'use', 'wrong', 'clear'), chain: fc.nat(2), order: fc.nat(1_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
        const chains = [CHAIN_A, CHAIN_B, 'CHA999926CCCC33'];
        const store = await memoryStore();
        try {
          for (const [n, chain] of chains.entries()) await store.capture(documentOf([collect(0, n + 1, chain)]));
          // What happens in the order of minutes comes to be known in another; what was told in error is taken back behind everything else.
          const told = steps.map((one, minute) => ({ ...one, minute: minute + 10 })).sort((a, b) => a.order - b.order);
          const useOf = ({ chain, minute }: (typeof told)[number]): Json => ({
            type: 'ObjectEvent',
            eventID: `urn:example:use:${minute}`,
            action: 'OBSERVE',
            bizStep: 'inspecting',
            ...at(minute),
            epcList: [bag(chain + 1)],
            'coi:space': ROOM,
          });
          for (const one of told)
            if (one.kind === 'clear')
              await act(store, `cl_${one.minute}`, 'clearance', { space: ROOM }, undefined, START + one.minute * 60_000, ['p_1', 'p_2']);
            else await store.capture(documentOf([useOf(one)]));
          const errorDeclaration = { declarationTime: '2026-03-02T09:00:00Z', reason: 'incorrect_data' };
          for (const one of told.filter(({ kind }) => kind === 'wrong'))
            await store.capture(documentOf([{ ...useOf(one), errorDeclaration }]));
          const uses = steps.flatMap(({ kind, chain }, minute) => (kind === 'use' ? [{ chain, minute }] : []));
          const isCleared = (from: number, to: number) => steps.some(({ kind }, i) => kind === 'clear' && i > from && i < to);
          const expected = uses
            .filter((one) =>
              uses.some((other) => other.chain !== one.chain && other.minute < one.minute && !isCleared(other.minute, one.minute)),
            )
            .map(({ minute }) => `urn:example:use:${minute + 10}`);
          const rows = store.rows<{ seq: number; event_id: string }>('SELECT seq, event_id FROM event');
          const ids = new Map(rows.map((row) => [row.seq, row.event_id]));
          const found = store.findings().filter(({ code, state }) => code === 'COI-CLEARANCE' && state === 'open');
          expect(new Set(found.map(({ seq }) => ids.get(seq)))).toEqual(new Set(expected));
          const report = await rebuilt(store.db);
          expect(report.tables.flatMap((table) => table.differences)).toEqual([]);
        } finally {
          await store.close();
        }
      }),
      { numRuns: process.env['LOTLINE_LONG'] === '1' ? 400 : 20 },
    );
  }, 600_000);

  it('captures the event of an act behind it, in one transaction, or neither', async () => {
    const store = await memoryStore();
    const context = documentOf([])['@context'];
    await act(store, 'nt_1', 'notice', notice(CHAIN_A), { '@context': context, ...collect(0, 1, CHAIN_A) });
    expect(store.rows<{ kind: string }>('SELECT kind FROM entry ORDER BY seq').map(({ kind }) => kind)).toEqual(['identity', 'event']);
    const broken = { '@context': context, ...collect(0, 1, CHAIN_A), action: 'PERHAPS' };
    await expect(act(store, 'nt_2', 'notice', notice(CHAIN_A), broken)).rejects.toThrow(expect.objectContaining({ code: 'EV-SCHEMA' }));
    expect(store.rows('SELECT kind FROM entry')).toHaveLength(2);
    expect(await actAnswer(store.questions, { id: 'nt_2' })).toBeNull();
    await store.close();
  });

  it('tells in a dry run what an event would be found of, blocks the plan, and keeps nothing', async () => {
    const store = await memoryStore();
    await store.capture(documentOf([collect(0, 1, CHAIN_A), collect(0, 2, 'CHA999926BBBB22')]));
    const before = await chainView(store.questions, { chain: CHAIN_A });
    const [verdict] = await store.check(documentOf([make(10, [1, 2], [3])]));
    expect(verdict).toMatchObject({ verdict: 'block' });
    expect(verdict?.findings.map(({ code }) => code)).toContain('COI-MIX');
    expect(await chainView(store.questions, { chain: CHAIN_A })).toEqual(before);
    expect(store.rows('SELECT seq FROM coi_event')).toHaveLength(2);
    await store.close();
  });

  it('is left alone by packs: a store without identity keeps nothing of it', async () => {
    const store = await memoryStore();
    const { commission, packs } = await import('../../test/support/events.ts');
    await store.capture([commission(0, packs(1, 50))]);
    for (const table of ['coi_event', 'coi_part', 'coi_binding', 'coi_chain']) expect(store.rows(`SELECT * FROM ${table}`)).toEqual([]);
    await store.close();
  });
});
