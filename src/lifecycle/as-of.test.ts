import { afterEach, describe, expect, it } from 'vitest';
import { commission, packOf, START } from '../../test/support/events.ts';
import { questionsOf } from '../../test/support/questions.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import { asOf, isNow } from './as-of.ts';

let store: TestStore | null = null;
afterEach(async () => {
  await store?.close();
  store = null;
});

describe('what was known', () => {
  it('is found by record time, before, between, at and after any of the entries', async () => {
    let now = START;
    store = await memoryStore({ clock: () => now });
    const times: number[] = [];
    for (let i = 0; i < 23; i++) {
      now += 1_000 * (1 + (i % 3));
      times.push(now);
      await store.capture([commission(i, packOf(2 * i)), commission(i, packOf(2 * i + 1))]);
    }
    const db = questionsOf(store);
    const seqAt = async (ms: number) => (await asOf(db, { known: new Date(ms).toISOString() })).seq;
    expect(await seqAt((times[0] as number) - 1)).toBe(-1);
    for (const [i, time] of times.slice(0, -1).entries()) {
      expect(await seqAt(time)).toBe(2 * i + 1);
      expect(await seqAt(time + 999)).toBe(2 * i + 1);
      expect(await seqAt(time - 1)).toBe(2 * i - 1);
    }
    // The last entry and anything after it is all there is: now.
    expect(await asOf(db, { known: new Date(times.at(-1) as number).toISOString() })).toEqual({ at: null, seq: null });
  });

  it('is nothing of an empty store', async () => {
    store = await memoryStore();
    expect(isNow(await asOf(questionsOf(store), { known: '2026-01-01T00:00:00Z', at: '2026-01-01T00:00:00Z' }))).toBe(true);
  });
});

describe('a time that cannot be read', () => {
  it.each(['at', 'known'])('is refused by the name of %s, with what to write', async (name) => {
    store = await memoryStore();
    await expect(asOf(questionsOf(store), { [name]: 'yesterday' })).rejects.toMatchObject({ code: 'REQ-FORM', at: `?${name}` });
  });
});

describe('what had happened', () => {
  it('is exact below the millisecond', async () => {
    store = await memoryStore();
    await store.capture([{ ...commission(0, packOf(1)), eventTime: '2026-03-01T08:00:00.1234Z' }]);
    const db = questionsOf(store);
    expect(isNow(await asOf(db, { at: '2026-03-01T08:00:00.1234Z' }))).toBe(true);
    expect(isNow(await asOf(db, { at: '2026-03-01T08:00:00.1233Z' }))).toBe(false);
  });
});
