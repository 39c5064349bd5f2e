import { expect, it } from 'vitest';
import { prepared } from './statements.ts';

it('gives a name to what is asked again and again, always the same, and to nothing else', () => {
  const often = Array.from({ length: 8 }, () => prepared('SELECT 1 FROM a CROSS JOIN b ON b.x = a.x'));
  expect(new Set(often.map(({ text }) => text))).toEqual(
    new Set(['SELECT 1 FROM a CROSS JOIN LATERAL (SELECT * FROM b WHERE b.x = a.x OFFSET 0) b ']),
  );
  expect(often.map(({ name }) => name !== undefined)).toEqual([false, false, false, false, true, true, true, true]);
  expect(new Set(often.slice(4).map(({ name }) => name)).size).toBe(1);
  const other = Array.from({ length: 5 }, () => prepared('SELECT 2')).at(-1);
  expect(other?.name).not.toBe(often.at(-1)?.name);
});

it('names no more than a connection should keep, though texts never end', () => {
  const names = new Set<string | undefined>();
  for (let i = 0; i < 3_000; i++) for (let times = 0; times < 5; times++) names.add(prepared(`SELECT ${i} AS n`).name);
  expect(names.size).toBeLessThanOrEqual(201);
});
