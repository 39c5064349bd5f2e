import { foldCold } from '../cold/fold-cold.ts';
import type { ChainView } from '../view.ts';
import type { OrderState } from '../vocabulary.ts';
import type { ChainWorld } from '../world.ts';
import type { DemandOf } from './missing-checks.ts';
import { orderFacts } from './order-facts.ts';

/** One chain as figures are counted from it. */
export type KpiChain = { readonly view: ChainView; readonly world: ChainWorld };
/** From (inclusive) to (exclusive), ms; site as location key. */
export type KpiFilter = { readonly from: number | null; readonly to: number | null; readonly site: string | null };

/**
 * A figure of domain.md §16 with all that it was counted from. A time is the median in minutes: `numerator` is the sum, `denominator` how many.
 * Nothing to count is null, never 0.
 */
export type Kpi = {
  readonly kpi: string;
  readonly formula: string;
  readonly version: number;
  readonly says: string;
  readonly unit: 'ratio' | 'minutes';
  readonly filters: { readonly from: string | null; readonly to: string | null; readonly site: string | null };
  readonly asOf: string;
  readonly numerator: number | null;
  readonly denominator: number | null;
  readonly value: number | null;
  readonly p90?: number | null;
  readonly counted: readonly string[];
  readonly excluded: readonly { readonly id: string; readonly reason: string }[];
  /** Entries that tell of the period and came after it: what was answered before them was another figure. */
  readonly restated: readonly number[];
};

type Counted =
  | { id: string; chain: string; hit: boolean }
  | { id: string; chain: string; minutes: number }
  | { id: string; chain: string; excluded: string };
type Formula = {
  kpi: string;
  version: number;
  unit: Kpi['unit'];
  says: string;
  count: (chains: readonly KpiChain[], inPeriod: (time: number) => boolean) => Counted[];
};

/** Orders that count for figures about orders: those that events or people have begun. */
const orderOf = ({ view }: KpiChain) => view.order;
const stage = (chain: KpiChain, state: OrderState): number | null =>
  chain.view.order?.stages.find((one) => one.state === state)?.at ?? null;

function interval(kpi: string, says: string, from: (chain: KpiChain) => number | null, to: (chain: KpiChain) => number | null): Formula {
  return {
    kpi,
    version: 1,
    unit: 'minutes',
    says,
    count: (chains, inPeriod) =>
      chains.flatMap((chain): Counted[] => {
        const [begun, ended] = [from(chain), to(chain)];
        const id = chain.view.chain;
        if (begun === null && ended === null) return [];
        if (begun === null) return ended !== null && inPeriod(ended) ? [{ id, chain: id, excluded: 'its beginning is not on record' }] : [];
        if (ended === null) return inPeriod(begun) ? [{ id, chain: id, excluded: 'it has not ended' }] : [];
        if (!inPeriod(ended)) return [];
        if (ended < begun) return [{ id, chain: id, excluded: 'it ends before it begins: a clock is wrong' }];
        return [{ id, chain: id, minutes: Math.round((ended - begun) / 60_000) }];
      }),
  };
}

const STAGES: readonly (readonly [string, OrderState, OrderState])[] = [
  ['collection-to-receipt', 'collected', 'received'],
  ['receipt-to-start', 'received', 'manufacturing'],
  ['start-to-fill', 'manufacturing', 'fillFinished'],
  ['fill-to-release', 'fillFinished', 'released'],
  ['release-to-site', 'released', 'atSite'],
  ['site-to-infusion', 'atSite', 'infused'],
];

/** An attempt at manufacturing: the orders' own number of it, begun with the state `manufacturing`. */
function attempts(
  chain: KpiChain,
): { id: string; begun: number; released: number | null; finished: number | null; oos: boolean; failed: number | null }[] {
  const { order } = chain.view;
  if (order === null) return [];
  const begins = order.stages.filter(({ state }) => state === 'manufacturing');
  return begins.map(({ at }, i) => {
    const until = begins[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const first = (states: readonly OrderState[]) =>
      order.stages.find((one) => states.includes(one.state) && one.at >= at && one.at < until)?.at ?? null;
    const released = first(['released']);
    const oos = first(['oos']) !== null || (i === begins.length - 1 && order.oos !== null);
    const failed = first(['manufacturingFailed']);
    return {
      id: `${chain.view.chain}/${i + 1}`,
      begun: at,
      released,
      finished: first(['fillFinished', 'oos', 'released']) ?? failed,
      oos,
      failed,
    };
  });
}

function formulas(demandOf: DemandOf): readonly Formula[] {
  const acts = <K extends 'check' | 'handover'>(chain: KpiChain, kind: K) =>
    chain.world.acts.flatMap((act) => (act.kind === kind ? [act as Extract<typeof act, { kind: K }>] : []));
  return [
    interval(
      'vein-to-vein',
      'Start of the infusion − start of the collection.',
      (chain) => chain.view.order?.veinToVein.from ?? null,
      (chain) => chain.view.order?.veinToVein.to ?? null,
    ),
    ...STAGES.map(([name, from, to]) =>
      interval(
        `vein-to-vein/${name}`,
        `State ${to} − state ${from}.`,
        (chain) => stage(chain, from),
        (chain) => stage(chain, to),
      ),
    ),
    interval(
      'turn-round',
      'Release − receipt at the maker.',
      (chain) => stage(chain, 'received'),
      (chain) => stage(chain, 'released'),
    ),
    {
      kpi: 'manufacturing-success',
      version: 1,
      unit: 'ratio',
      says: 'Attempts released within specification ÷ attempts begun.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain) =>
          attempts(chain).flatMap(({ id, begun, released, failed, oos }): Counted[] => {
            if (!inPeriod(begun)) return [];
            if (released === null && failed === null && !oos)
              return [{ id, chain: chain.view.chain, excluded: 'it is neither released nor failed yet' }];
            return [{ id, chain: chain.view.chain, hit: released !== null && !oos }];
          }),
        ),
    },
    {
      kpi: 'oos-rate',
      version: 1,
      unit: 'ratio',
      says: 'Attempts out of specification ÷ attempts finished.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain) =>
          attempts(chain).flatMap(({ id, begun, finished, oos }): Counted[] => {
            if (finished === null && !oos)
              return inPeriod(begun) ? [{ id, chain: chain.view.chain, excluded: 'it is not finished yet' }] : [];
            return inPeriod(finished ?? begun) ? [{ id, chain: chain.view.chain, hit: oos }] : [];
          }),
        ),
    },
    {
      kpi: 'oos-infused',
      version: 1,
      unit: 'ratio',
      says: 'Infused out of specification ÷ infused.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain): Counted[] => {
          const at = chain.view.order?.veinToVein.to ?? null;
          return at !== null && inPeriod(at) ? [{ id: chain.view.chain, chain: chain.view.chain, hit: chain.view.order?.oos != null }] : [];
        }),
    },
    {
      kpi: 'infused-of-collected',
      version: 1,
      unit: 'ratio',
      says: 'Orders infused ÷ orders collected.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain): Counted[] => {
          const order = orderOf(chain);
          const from = order?.veinToVein.from ?? null;
          if (from === null || !inPeriod(from)) return [];
          return [{ id: chain.view.chain, chain: chain.view.chain, hit: order?.veinToVein.to != null }];
        }),
    },
    {
      kpi: 'check-compliance',
      version: 1,
      unit: 'ratio',
      says: 'Identity checks passed in time and by as many people as the template demands ÷ checkpoints that were reached.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain) =>
          chain.view.checkpoints.flatMap(({ step, attempt, state, checks }): Counted[] => {
            const id = `${chain.view.chain}/${attempt ?? 1}/${step}`;
            const own = acts(chain, 'check').filter((act) => checks.includes(act.id));
            const time = own.at(-1)?.time ?? chain.view.order?.since ?? null;
            if (time === null || !inPeriod(time)) return [];
            if (state === 'open') return [{ id, chain: chain.view.chain, excluded: 'the step was not reached' }];
            const order = orderFacts(chain.world, chain.view);
            const demanded = order === null ? null : demandOf(order.template, step);
            const last = own.filter(({ body }) => body.result === 'pass').at(-1);
            const people = new Set(last?.signatures.map(({ person }) => person) ?? []).size;
            return [{ id, chain: chain.view.chain, hit: state === 'passed' && people >= Math.min(demanded?.people ?? 1, 2) }];
          }),
        ),
    },
    {
      kpi: 'mismatch-rate',
      version: 1,
      unit: 'ratio',
      says: 'Checks that found a mismatch ÷ checks. A mismatch that was found is a good catch.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain) =>
          acts(chain, 'check').flatMap(({ id, time, body }): Counted[] =>
            inPeriod(time) ? [{ id, chain: chain.view.chain, hit: body.result === 'fail' }] : [],
          ),
        ),
    },
    {
      kpi: 'manual-entry-rate',
      version: 1,
      unit: 'ratio',
      says: 'Identifiers typed by hand ÷ identifiers read.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain) =>
          acts(chain, 'check').flatMap(({ id, time, body }): Counted[] =>
            inPeriod(time) ? body.reads.map((read, i) => ({ id: `${id}/${i}`, chain: chain.view.chain, hit: read.manual })) : [],
          ),
        ),
    },
    {
      kpi: 'custody-gaps',
      version: 1,
      unit: 'ratio',
      says: 'Gaps in custody ÷ hand-overs.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain) =>
          chain.view.custody.handovers.flatMap(({ handoverId, time, gap }): Counted[] =>
            inPeriod(time) ? [{ id: handoverId, chain: chain.view.chain, hit: gap !== null }] : [],
          ),
        ),
    },
    {
      kpi: 'cold-chain-conformity',
      version: 1,
      unit: 'ratio',
      says: 'Shipments without excursion and without gap in the data ÷ shipments.',
      count: (chains, inPeriod) =>
        chains.flatMap((chain) => {
          // What quality has accepted was an excursion all the same.
          const outs = foldCold(chain.world).shipments.flatMap(({ series, excursions, gaps }) =>
            [...excursions, ...gaps]
              .filter(({ affected }) => affected.length > 0)
              .map(({ start, end }) => ({ of: series.shipper, start, end })),
          );
          const spoilt = chain.view.findings.filter(({ code }) => /^SENS-(?:EXC|CRIT|GAP)$/.test(code));
          return chain.world.events
            .filter(({ bizStep, time }) => bizStep === 'shipping' && inPeriod(time))
            .map(({ seq, time, epcs }): Counted => {
              const arrival = chain.world.events.find(
                (one) => one.bizStep === 'receiving' && one.time >= time && one.epcs.some((key) => epcs.includes(key)),
              );
              if (arrival === undefined) return { id: `${seq}`, chain: chain.view.chain, excluded: 'it has not arrived' };
              const between = (at: number | undefined) => at !== undefined && at >= time && at <= arrival.time;
              const isOut = outs.some(({ of, start, end }) => epcs.includes(of) && start <= arrival.time && end >= time);
              const hit = !isOut && !spoilt.some(({ seq: about }) => between(chain.world.events.find((one) => one.seq === about)?.time));
              return { id: `${seq}`, chain: chain.view.chain, hit };
            });
        }),
    },
  ];
}

/** Figures that identity's own record does not tell: slots are kept by the maker's planning. */
const NOT_COUNTED = { kpi: 'slot-utilisation', says: 'Slots used ÷ slots offered. Slots are not kept here.' } as const;

/** The figures of a period (domain.md §16): each with its formula, what was counted, and what was left out and why. Times in ms. */
export function kpisOf(
  chains: readonly KpiChain[],
  filter: KpiFilter,
  options: {
    readonly now: number;
    readonly demandOf: DemandOf;
    readonly reads?: { readonly due: readonly string[]; readonly reviewed: readonly string[] };
  },
): Kpi[] {
  const { now, demandOf, reads } = options;
  const mine = chains.filter(({ view, world }) => {
    const order = orderFacts(world, view);
    return (
      filter.site === null || (order !== null && [order.treatmentSite, order.collectionSite, order.manufacturer].includes(filter.site))
    );
  });
  const inPeriod = (time: number) => (filter.from === null || time >= filter.from) && (filter.to === null || time < filter.to);
  const common = {
    filters: { from: isoOrNull(filter.from), to: isoOrNull(filter.to), site: filter.site },
    asOf: new Date(now).toISOString(),
  };
  const late = lateEntries(mine, filter, inPeriod);
  const kpis = formulas(demandOf).map(({ kpi, version, unit, says, count }): Kpi => {
    const all = count(mine, inPeriod);
    const excluded = all.flatMap((one) => ('excluded' in one ? [{ id: one.id, reason: one.excluded }] : []));
    const times = all.flatMap((one) => ('minutes' in one ? [one.minutes] : [])).sort((a, b) => a - b);
    const hits = all.flatMap((one) => ('hit' in one ? [one] : []));
    const counted = all.flatMap((one) => ('excluded' in one ? [] : [one.id]));
    const restated = [...new Set(all.flatMap((one) => late.get(one.chain) ?? []))].sort((a, b) => a - b);
    const told = { kpi, formula: `lotline.kpi.${kpi}`, version, says, unit, ...common, counted, excluded, restated };
    if (unit === 'minutes')
      return {
        ...told,
        numerator: times.length === 0 ? null : times.reduce((sum, one) => sum + one, 0),
        denominator: times.length,
        value: quantile(times, 0.5),
        p90: quantile(times, 0.9),
      };
    const numerator = hits.filter(({ hit }) => hit).length;
    return { ...told, numerator, denominator: hits.length, value: hits.length === 0 ? null : numerator / hits.length };
  });
  const empty = {
    formula: `lotline.kpi.${NOT_COUNTED.kpi}`,
    version: 1,
    unit: 'ratio' as const,
    ...common,
    numerator: null,
    denominator: null,
    value: null,
    counted: [],
    excluded: [],
    restated: [],
  };
  return [...kpis, readReviews(common, reads), { ...empty, ...NOT_COUNTED }];
}

function readReviews(
  common: Pick<Kpi, 'filters' | 'asOf'>,
  reads: { readonly due: readonly string[]; readonly reviewed: readonly string[] } = { due: [], reviewed: [] },
): Kpi {
  const kpi = 'read-reviews';
  const says = 'Reads of patient data that were reviewed ÷ reads that are due for review.';
  const { due, reviewed } = reads;
  const value = due.length === 0 ? null : reviewed.length / due.length;
  return {
    kpi,
    formula: `lotline.kpi.${kpi}`,
    version: 1,
    says,
    unit: 'ratio',
    ...common,
    numerator: reviewed.length,
    denominator: due.length,
    value,
    counted: due,
    excluded: [],
    restated: [],
  };
}

/** By chain, the entries that tell of the period but were recorded after its end. */
function lateEntries(chains: readonly KpiChain[], { to }: KpiFilter, inPeriod: (time: number) => boolean): Map<string, number[]> {
  const late = new Map<string, number[]>();
  if (to === null) return late;
  for (const { view, world } of chains) {
    const seqs = [...world.events, ...world.acts].filter(({ time, recorded }) => inPeriod(time) && recorded >= to).map(({ seq }) => seq);
    if (seqs.length > 0) late.set(view.chain, seqs);
  }
  return late;
}

/** By nearest rank; of an even number the median is the mean of the middle two. */
function quantile(sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null;
  if (q === 0.5 && sorted.length % 2 === 0) return ((sorted[sorted.length / 2 - 1] as number) + (sorted[sorted.length / 2] as number)) / 2;
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
}

const isoOrNull = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
