import { describe, expect, it } from 'vitest';
import { inWrittenOrder } from './written-order.ts';

describe('the order of joins', () => {
  it.each([
    ['SELECT 1 FROM item i WHERE i.id = $1', 'SELECT 1 FROM item i WHERE i.id = $1'],
    [
      'SELECT * FROM j CROSS JOIN event e ON e.seq = j.value ORDER BY e.seq',
      'SELECT * FROM j CROSS JOIN LATERAL (SELECT * FROM event e WHERE e.seq = j.value OFFSET 0) e ORDER BY e.seq',
    ],
    [
      'SELECT id FROM j CROSS JOIN item ON id = j.value WHERE true',
      'SELECT id FROM j CROSS JOIN LATERAL (SELECT * FROM item WHERE id = j.value OFFSET 0) item WHERE true',
    ],
    [
      "(SELECT 1 FROM c CROSS JOIN (SELECT value FROM unnest($1) AS value) j ON true CROSS JOIN lot l\n  ON l.class = c.id AND l.lot = ' WHERE )') x",
      "(SELECT 1 FROM c CROSS JOIN LATERAL (SELECT * FROM (SELECT value FROM unnest($1) AS value) j WHERE true OFFSET 0) j CROSS JOIN LATERAL (SELECT * FROM lot l WHERE l.class = c.id AND l.lot = ' WHERE )' OFFSET 0) l ) x",
    ],
    [
      'SELECT 1 FROM j CROSS JOIN event e ON e.seq = j.seq AND NOT EXISTS (SELECT 1 FROM a CROSS JOIN b ON b.x = a.x WHERE a.y) UNION ALL SELECT 2',
      'SELECT 1 FROM j CROSS JOIN LATERAL (SELECT * FROM event e WHERE e.seq = j.seq AND NOT EXISTS (SELECT 1 FROM a CROSS JOIN LATERAL (SELECT * FROM b WHERE b.x = a.x OFFSET 0) b WHERE a.y) OFFSET 0) e UNION ALL SELECT 2',
    ],
  ])('of %s is held to', (written, held) => {
    expect(inWrittenOrder(written)).toBe(held);
  });

  it('of a join that says no condition is nobody knows what', () => {
    expect(() => inWrittenOrder('SELECT 1 FROM a CROSS JOIN b x WHERE x.y')).toThrow('without ON');
  });
});
