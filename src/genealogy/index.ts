/**
 * genealogy: what became what, never undone, and every question that walks: thing, contents, history, where-from, where-used, scope.
 * Decisions (loops, checks) are pure or run on the writer; questions are one file each, their SQL visible in them.
 */
export { type ContentsAnswer, contents } from './contents.ts';
export { type Boundary, type GraphAnswer, type GraphEdge, type GraphNode, whereFrom, whereUsed } from './graph.ts';
export { type HistoryAnswer, type HistoryEntry, history, recordTimeText } from './history.ts';
export { type NotificationForm, notificationForm } from './notification.ts';
export type { PackCursor } from './packs.ts';
export { type PackRow, packsPage, type ScopeAnswer, scope } from './scope.ts';
export { type SimilarStock, similarStock } from './similar-stock.ts';
export { type ThingAnswer, thing } from './thing.ts';
