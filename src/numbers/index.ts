/**
 * Serial numbers before and besides their packs (domain.md §4.1, §5): pools and what was granted of them, batches and whether every number of theirs is
 * accounted for. What a pack is, once commissioned, is lifecycle's.
 */
export { type ClearLine, type CloseBatch, clearLine, closeBatch, type OpenBatch, openBatch } from './batch-commands.ts';
export { batch, batches } from './batches.ts';
export { type GrantNumbers, grantNumbers, keyOf } from './grant.ts';
export { makePool, type PoolCommand } from './make-pool.ts';
export { type Asked, checkImported, gtinIn, lotIn, numberingOf, refuseTwice, SERIAL_MAX } from './numbering.ts';
export { type GrantKnown, grantedNumbers, grantKnown, type PoolAnswer, pool, pools } from './pools.ts';
export { type ImportNumbers, importNumbers, type ReturnNumbers, returnNumbers } from './returns.ts';
export { judgeNumbers } from './told.ts';
