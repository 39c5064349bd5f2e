/**
 * The demo worlds: pure functions from a seed to EPCIS 2.0 documents in capture order, and a key that says what must be answered.
 * No I/O and no clock: one seed is the same bytes on every machine. Scenario E-01 stands beside them (domain.md §19–20).
 */
import type { AnswerKey } from './answer-key.ts';
import { closeBooks } from './books.ts';
import { DAY, HOUR, WORLD_START } from './clock.ts';
import { masterData, type WorldDocument } from './document.ts';
import { planBatch } from './materials.ts';
import { openSeededWorld, post, type SeededWorld, sendOutboxes } from './seeded-world.ts';
import { WORLD_SIZES, type WorldSize } from './size.ts';

export type { AnswerKey, Defect, DefectKind, E01Key, HolderCount, LotAnswer, PackStatus, RawLotAnswer, Verdict } from './answer-key.ts';
export { DEFECT_KINDS } from './answer-key.ts';
export type { CoiAnswerKey, CoiFinding, CoiLookBack, CoiOrderAnswer, CoiPlant, CoiPlantKind } from './coi-answer-key.ts';
export {
  COI_SIZES,
  type CoiAct,
  type CoiPerson,
  type CoiSignature,
  type CoiSize,
  type CoiStep,
  type CoiWorld,
  coiOffset,
  coiWorld,
} from './coi-world.ts';
export type { WorldDocument } from './document.ts';
export { e01, e01Key } from './e01.ts';
export { WORLD_SIZES, type WorldSize } from './size.ts';

/**
 * A seeded world: solid-dose batches from raw lots to pharmacies, with the defects of domain.md §5.3 planted (§19).
 * Documents come one at a time and can be read once; `key` answers when the last one has been read.
 *
 *     const { documents, key } = world({ seed: 7, size: 'S' });
 *     for (const { name, text } of documents) await capture(name, text);
 *     key().rawLots[0];   // { key: '01/…/10/R1', name: …, lots: ['01/…/10/L1', …], packs: 5321 }
 */
export function world(options: { seed: number; size: keyof typeof WORLD_SIZES | WorldSize }): {
  documents: Generator<WorldDocument>;
  key: () => AnswerKey;
} {
  const size = typeof options.size === 'string' ? WORLD_SIZES[options.size] : options.size;
  const state = openSeededWorld(options.seed, size);
  let finished = false;
  function* documents(): Generator<WorldDocument> {
    yield* happen(state);
    finished = true;
  }
  return {
    documents: documents(),
    key: () => {
      if (!finished) throw new Error('The books of a world close after its last document: read all documents first.');
      return closeBooks(state);
    },
  };
}

/** Lets everything happen in order of time; at midnight UTC everybody sends what the day brought. */
function* happen(state: SeededWorld): Generator<WorldDocument> {
  introduce(state);
  for (const batch of state.batches) planBatch(state, batch);
  let midnight = WORLD_START + DAY;
  for (;;) {
    yield* state.ready.splice(0);
    const next = state.agenda.next();
    if (next === undefined || next >= midnight) {
      sendOutboxes(state, midnight);
      if (next === undefined && state.ready.length === 0) return;
      midnight += DAY;
    } else state.agenda.step();
  }
}

/** The first document: who everybody is and what the products are called; an event list without events. */
function introduce(state: SeededWorld): void {
  const { parties, products, excipients } = state;
  const maker = parties.makers[0]!;
  const items = products.flatMap((product, i) => {
    const made = parties.makers[i % parties.makers.length]!;
    const { api, granulate, blend, core, coated, bulk, rework, markets } = product;
    return [
      { item: api, maker: parties.apiSuppliers[0]! },
      ...[granulate, blend, core, coated, bulk, rework, ...markets.flatMap((market) => [market.pack, market.case])].map((item) => ({
        item,
        maker: made,
      })),
    ];
  });
  post(state, maker, WORLD_START - HOUR, {
    slug: 'master-data',
    note: `Names of ${parties.all.length} parties and of all products.`,
    events: [],
    masterData: masterData(parties.all, [...items, ...excipients.map((item) => ({ item, maker: parties.excipientSuppliers[0]! }))]),
  });
}
