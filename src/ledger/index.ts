/**
 * ledger: the transparency log over the journal — what an entry's leaf is, the tree, its tiles, checkpoints and proofs, and the offline check.
 * Everything exported here is pure and portable (browser, CLI, server); the server's faster hash and signatures are in node-crypto.ts.
 */
export * from './checkpoint.ts';
export * from './leaf.ts';
export * from './merkle.ts';
export * from './note.ts';
export * from './proof.ts';
export { HASH_SIZE, type Sha256, sha256 } from './sha256.ts';
export * from './tile.ts';
export * from './verify-log.ts';
