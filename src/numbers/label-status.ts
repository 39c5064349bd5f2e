import { type SQL, sql } from 'drizzle-orm';
import { STATUSES } from '../lifecycle/state.ts';

const codes = (words: readonly string[]): readonly number[] =>
  words.map((word) => (STATUSES as readonly string[]).indexOf(word)).filter((code) => code >= 0);
const list = (of: readonly number[]): SQL => sql.raw(of.join(', '));

/** Statuses of packs that production no longer has as good ones (domain.md §5.2). */
export const PACK_SAMPLED = codes(['Sampled']);
export const PACK_DESTROYED = codes(['Destroyed']);
export const PACK_INACTIVE = codes(['Inactive', 'Stolen']);
export const PACK_ENDED = [...PACK_SAMPLED, ...PACK_DESTROYED, ...PACK_INACTIVE];

/** Whether the item `i` was ever commissioned; before that a number is at most on a label. */
export const COMMISSIONED: SQL = sql.raw('(i.flags & 2) = 2');

const TOLD = sql.raw('(SELECT t.text FROM term t WHERE t.id = i.disposition)');
/** What became of the label `i`, a number that was never commissioned (domain.md §4, 4→5, 4→6): `sampled`, `scrapped`, or null while it may still be used. */
export const LABEL_FATE: SQL = sql`CASE WHEN i.status IN (${list(codes(['LabelSampled', 'Sampled', 'Inactive']))}) OR ${TOLD} = 'inactive' THEN 'sampled'
  WHEN i.status IN (${list(codes(['LabelScrapped', 'Destroyed', 'Stolen']))}) OR ${TOLD} = 'destroyed' THEN 'scrapped' END`;
