import { STATUSES } from '../lifecycle/state.ts';

const codes = (words: readonly string[]): readonly number[] =>
  words.map((word) => (STATUSES as readonly string[]).indexOf(word)).filter((code) => code >= 0);

/** Statuses of a thing that was never commissioned, and so is a label: kept as a sample, or spoilt (domain.md §4, 4→5, 4→6). */
export const LABEL_SAMPLED = codes(['LabelSampled', 'Sampled']);
export const LABEL_SCRAPPED = codes(['LabelScrapped', 'Destroyed', 'Inactive', 'Stolen']);
export const LABEL_SPENT = [...LABEL_SAMPLED, ...LABEL_SCRAPPED];

/** Statuses of packs that production no longer has as good ones (domain.md §5.2). */
export const PACK_SAMPLED = codes(['Sampled']);
export const PACK_DESTROYED = codes(['Destroyed']);
export const PACK_INACTIVE = codes(['Inactive', 'Stolen']);
export const PACK_ENDED = [...PACK_SAMPLED, ...PACK_DESTROYED, ...PACK_INACTIVE];
