import { STEPS, type StepId } from '../vocabulary.ts';

/** What a check at a step has to be (domain.md §12.2): “2ID” two independent identifiers, “2P” two qualified people. */
export type Checkpoint = {
  readonly people: 1 | 2;
  readonly identifiers: number;
  /** What is compared with each other. */
  readonly sources: readonly string[];
  /** Of these, those that nothing else stands in for; two sources are always demanded. */
  readonly required?: readonly string[];
  /** The checkers are others than who performed the step. */
  readonly independent: boolean;
};
export type TemplateStep = {
  readonly id: StepId;
  readonly title: string;
  readonly checkpoint?: Checkpoint;
  /** It need not happen; what it demands is demanded only when it does. */
  readonly optional?: boolean;
  /** Its space has to be cleared of other patients' material (INV-15). */
  readonly clearance?: boolean;
};
export type Template = { readonly id: string; readonly version: number; readonly steps: readonly TemplateStep[] };

const checkpoint = (people: 1 | 2, sources: readonly string[], more: Partial<Checkpoint> = {}): Checkpoint => ({
  people,
  identifiers: 2,
  sources,
  independent: false,
  ...more,
});

const TITLES: Readonly<Record<StepId, string>> = {
  enrol: 'Enrol, consent, eligibility',
  schedule: 'Schedule collection, manufacture and infusion',
  labels: 'Print the label set',
  collection: 'Collect the cells',
  samples: 'Take samples',
  hold: 'Cryopreserve or hold at the site',
  pack: 'Pack the shipper',
  pickup: 'Hand over to the courier',
  transit: 'Transit',
  receive: 'Receive at the maker',
  accept: 'Accept or reject',
  start: 'Clear the line and start',
  process: 'Process',
  'qc-samples': 'Take in-process and release samples',
  fill: 'Formulate, fill, label',
  store: 'Cryopreserve and store',
  qc: 'Test',
  release: 'Review and release',
  ship: 'Pack and ship to the treatment site',
  'site-receive': 'Receive at the treatment site',
  'site-store': 'Store at the treatment site',
  ready: 'Physician goes ahead',
  thaw: 'Thaw and prepare',
  bedside: 'Check at the bedside',
  infuse: 'Infuse',
  residue: 'Residue and empty bag',
  'follow-up': 'Follow up',
  close: 'Close the order',
};

const AUTOLOGOUS: Partial<Record<StepId, Omit<TemplateStep, 'id' | 'title'>>> = {
  labels: { checkpoint: checkpoint(1, ['order', 'record']) },
  collection: { checkpoint: checkpoint(2, ['wristband', 'order', 'label'], { required: ['wristband'] }) },
  samples: { checkpoint: checkpoint(1, ['label', 'bag']), optional: true },
  hold: { checkpoint: checkpoint(1, ['bag', 'paper']), optional: true },
  pack: { checkpoint: checkpoint(1, ['bag', 'order', 'paper']) },
  receive: { checkpoint: checkpoint(1, ['bag', 'order']) },
  accept: { checkpoint: checkpoint(2, ['bag', 'order']) },
  start: { checkpoint: checkpoint(2, ['bag', 'record', 'label']), clearance: true },
  process: { checkpoint: checkpoint(1, ['bag', 'label']), clearance: true },
  'qc-samples': { checkpoint: checkpoint(1, ['label', 'bag']), optional: true },
  fill: { checkpoint: checkpoint(2, ['bag', 'label', 'record']), clearance: true },
  store: { checkpoint: checkpoint(1, ['bag', 'record']) },
  qc: { checkpoint: checkpoint(1, ['label', 'record']), optional: true },
  ship: { checkpoint: checkpoint(2, ['bag', 'order', 'paper']) },
  'site-receive': { checkpoint: checkpoint(1, ['bag', 'order']) },
  'site-store': { checkpoint: checkpoint(1, ['bag', 'record']), optional: true },
  ready: { checkpoint: checkpoint(1, ['wristband', 'order']) },
  thaw: { checkpoint: checkpoint(2, ['bag', 'order', 'request']) },
  bedside: { checkpoint: checkpoint(2, ['bag', 'wristband', 'request'], { required: ['bag', 'wristband'], independent: true }) },
  transit: { optional: true },
  residue: { optional: true },
};

const stepsOf = (more: typeof AUTOLOGOUS): TemplateStep[] => STEPS.map((id) => ({ id, title: TITLES[id], ...more[id] }));

/** Shipped templates; a new version is a new line, for orders pin theirs. */
export const TEMPLATES: readonly Template[] = [
  { id: 'autologous-car-t', version: 1, steps: stepsOf(AUTOLOGOUS) },
  // Cells come from a bank: what is collected and made was so before there was an order, and the dose is allocated.
  {
    id: 'allogeneic',
    version: 1,
    steps: stepsOf({
      ...AUTOLOGOUS,
      labels: { optional: true },
      collection: { optional: true },
      pack: { optional: true },
      pickup: { optional: true },
      receive: { optional: true },
      accept: { optional: true },
      start: { optional: true },
      process: { optional: true },
      fill: { optional: true },
      store: { optional: true },
      qc: { optional: true },
    }),
  },
];

/** The newest version of a template, or the one that an order pins; null: there is none. */
export function templateOf(id: string, version?: number): Template | null {
  const all = TEMPLATES.filter((template) => template.id === id && (version === undefined || template.version === version));
  return all.sort((a, b) => b.version - a.version)[0] ?? null;
}
