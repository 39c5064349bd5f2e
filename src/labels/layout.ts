import { LotlineError } from '../errors.ts';
import type { Drawing } from './drawing.ts';
import { type Label, type LabelInput, type Layout, readLabel } from './label.ts';
import { layOutBag } from './layout-bag.ts';
import { type LabelSize, layOutLogistic } from './layout-logistic.ts';
import { layOutPack } from './layout-pack.ts';

/**
 * How labels are made: `dot` in millimetres where the device has dots; `year` from which centuries of dates are seen; `size` of case and
 * sscc labels, null: A6, or A5 for what does not fit on that.
 */
export type Sizing = { readonly dot: number | null; readonly year: number; readonly size: LabelSize | null };

const DRAWERS: Readonly<Record<Layout, (label: Label, sizing: Sizing) => Drawing>> = {
  pack: layOutPack,
  case: (label, sizing) => logistic(label, sizing, true),
  sscc: (label, sizing) => logistic(label, sizing, false),
  bag: layOutBag,
};

function logistic(label: Label, { size, ...sizing }: Sizing, withMatrix: boolean): Drawing {
  if (size !== null) return layOutLogistic(label, { ...sizing, size }, withMatrix);
  try {
    return layOutLogistic(label, { ...sizing, size: 'a6' }, withMatrix);
  } catch (error) {
    if (!(error instanceof LotlineError && error.code === 'LBL-FIT')) throw error;
    return layOutLogistic(label, { ...sizing, size: 'a5' }, withMatrix);
  }
}

/** Checks a label and lays it out. What is wrong is told with a pointer into the label. */
export const drawLabel = (layout: Layout, input: LabelInput, sizing: Sizing): Drawing => DRAWERS[layout](readLabel(layout, input), sizing);
