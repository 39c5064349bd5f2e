/** Symbols and labels (codes.md §7): what GS1 and ISBT 128 ask of them, laid out once, and drawn as SVG, PNG, PDF and ZPL. Nothing is stored or logged. */
export { LAYOUTS, type LabelInput, type Layout } from './label.ts';
export { LABEL_SIZES, type LabelSize } from './layout-logistic.ts';
export { LabelPress } from './press.ts';
export {
  checkLabels,
  FORMATS,
  type Format,
  LABELS_MAX,
  type PrintJob,
  printLabels,
  RESOLUTIONS,
  type Resolution,
  readLabels,
} from './print.ts';
export { SYMBOL_TYPES, type SymbolType } from './symbol.ts';
