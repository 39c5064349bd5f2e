/**
 * The grammar of EPCIS queries (epcis-2.0.md §9) as pure functions: names, types, what goes with what. What a query means in SQL is the
 * business of query/.
 */
export { type Comparison, elementKeys, keptText, keyRange, numberKey, textKey, timeKey } from './field-key.ts';
export {
  type EventOrder,
  type EventQuery,
  GRAMMAR,
  type GrammarName,
  masterDataAttribute,
  type PageRequest,
  type Parameter,
  parseQueryBody,
  parseUrlQuery,
  type Taken,
  type ValueOf,
} from './grammar.ts';
export type { Beginning } from './thing-pattern.ts';
