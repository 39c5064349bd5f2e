import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { declareError, lotOf, quantityOf, transform, withID } from '../../test/support/events.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';

const A = quantityOf(lotOf('A', 12), 1, 'KGM');
const B = quantityOf(lotOf('B', 12), 1, 'KGM');
const C = quantityOf(lotOf('C', 12), 1, 'KGM');
const D = quantityOf(lotOf('D', 12), 1, 'KGM');
const keyOf = (lot: string) => `01/09520123000127/10/${lot}`;
const BATCH = { id: 'urn:epc:id:gdti:9520123.00001.T1' };

let store: TestStore;
beforeEach(async () => {
  store = await memoryStore();
});
afterEach(async () => await store.close());

const open = (code: string) => store.findings().filter((f) => f.code === code && f.state === 'open');
const things = (code: string) => open(code).map((f) => f.things);

describe('GEN-TIME (domain.md §10.2, rule 2)', () => {
  it('is told of an output that is older than the production of something that went into it, at the output', async () => {
    await store.capture([transform(10, [A], [B]), transform(5, [B], [C])]);
    expect(open('GEN-TIME')).toEqual([{ code: 'GEN-TIME', seq: 1, state: 'open', things: [keyOf('B')] }]);
  });

  it('is not told when inputs were made before, at the same instant, or nobody knows where', async () => {
    await store.capture([transform(5, [A], [B]), transform(5, [B], [C]), transform(10, [C, D], [quantityOf(lotOf('E', 12), 1, 'KGM')])]);
    expect(open('GEN-TIME')).toEqual([]);
  });

  it('goes by the first production of what went in, and is told again when that is not true', async () => {
    await store.capture([transform(10, [A], [B]), transform(5, [B], [C])]);
    const early = withID(transform(1, [D], [B]), 'urn:uuid:early');
    await store.capture([early]);
    expect(open('GEN-TIME')).toEqual([]);
    await store.capture([declareError(early)]);
    expect(things('GEN-TIME')).toEqual([[keyOf('B')]]);
  });

  it('ends with the event that it is about, and with the production that it compares with', async () => {
    const made = withID(transform(10, [A], [B]), 'urn:uuid:made');
    const used = withID(transform(5, [B], [C]), 'urn:uuid:used');
    await store.capture([made, used]);
    await store.capture([declareError(made)]);
    expect(open('GEN-TIME')).toEqual([]);
    await store.capture([transform(11, [D], [B])]);
    expect(things('GEN-TIME')).toEqual([[keyOf('B')]]);
    await store.capture([declareError(used)]);
    expect(open('GEN-TIME')).toEqual([]);
  });

  it('joins the pieces of one transformation, in whatever order they come', async () => {
    const output = withID(transform(5, [], [C], BATCH), 'urn:uuid:output');
    await store.capture([output]);
    await store.capture([transform(10, [A], [B])]);
    await store.capture([transform(6, [B], [], BATCH)]);
    expect(open('GEN-TIME')).toMatchObject([{ seq: 0, things: [keyOf('B')] }]);
    await store.capture([declareError(output)]);
    expect(open('GEN-TIME')).toEqual([]);
  });
});

describe('GEN-REWORK-LOOP (domain.md §10.2, rule 1)', () => {
  it('is told once, at the last event of the loop, and names what goes round', async () => {
    await store.capture([transform(1, [A], [B]), transform(2, [B, D], [C]), transform(3, [C], [A])]);
    expect(open('GEN-REWORK-LOOP')).toEqual([
      { code: 'GEN-REWORK-LOOP', seq: 2, state: 'open', things: [keyOf('A'), keyOf('B'), keyOf('C')] },
    ]);
  });

  it('is not told where material comes together without coming back', async () => {
    await store.capture([transform(1, [A], [B, C]), transform(2, [B, C], [D])]);
    expect(open('GEN-REWORK-LOOP')).toEqual([]);
  });

  it('is told of a rework into its own lot', async () => {
    await store.capture([transform(1, [A], [A])]);
    expect(things('GEN-REWORK-LOOP')).toEqual([[keyOf('A')]]);
  });

  it('ends when an event on it is declared erroneous', async () => {
    const back = withID(transform(3, [B], [A]), 'urn:uuid:back');
    await store.capture([transform(1, [A], [B]), back]);
    expect(open('GEN-REWORK-LOOP')).toHaveLength(1);
    await store.capture([declareError(back)]);
    expect(open('GEN-REWORK-LOOP')).toEqual([]);
  });

  it('takes over the findings of loops that it swallows, and gives them back when it falls apart', async () => {
    await store.capture([transform(1, [A], [A, B]), transform(2, [C], [C, D])]);
    expect(things('GEN-REWORK-LOOP')).toEqual([[keyOf('A')], [keyOf('C')]]);
    const joint = withID(transform(3, [B], [C]), 'urn:uuid:joint');
    await store.capture([joint, transform(4, [D], [A])]);
    expect(open('GEN-REWORK-LOOP')).toMatchObject([{ seq: 3, things: [keyOf('A'), keyOf('B'), keyOf('C'), keyOf('D')] }]);
    await store.capture([declareError(joint)]);
    expect(things('GEN-REWORK-LOOP')).toEqual([[keyOf('A')], [keyOf('C')]]);
  });
});
