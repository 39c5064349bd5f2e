import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROWS, tableInWords } from './verification-table.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/verification.md'), 'utf8');

it('docs/verification.md shows the table that is tested, of 40 rows or more (domain.md §8.5)', () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(40);
  expect(page).toContain(`<!-- table -->\n${tableInWords()}\n<!-- /table -->`);
});
