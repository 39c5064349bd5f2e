import { type Budget, foldCold, type ShipmentView } from '../cold/fold-cold.ts';
import { shownSeries } from '../cold/shown-series.ts';
import type { ChainView } from '../view.ts';
import type { AnyAct, Binding, ChainWorld, Key, Signature, WorldEvent } from '../world.ts';
import { holdsOn } from './container-answer.ts';
import { orderFacts } from './order-facts.ts';
import { iso, type TimelineEntry, timelineOf } from './timeline.ts';

/** What a COI/COC report says of a chain (domain.md §11.3, §12.8); all of it follows from the world that goes with it. */
export type ReportSections = {
  readonly subject: {
    readonly coiId: string;
    readonly orderId: string | null;
    readonly patientRef: string | null;
    readonly product: string | null;
    readonly template: string | null;
    readonly state: string | null;
    readonly treatmentSite: string | null;
    readonly collectionSite: string | null;
    readonly manufacturer: string | null;
  };
  readonly summary: Readonly<Record<'events' | 'acts' | 'containers' | 'checksPassed' | 'checksFailed' | 'findings' | 'holds', number>>;
  /** Vein to vein: each state with the time from which it was in it. */
  readonly strip: readonly { readonly state: string; readonly at: string; readonly seq: number }[];
  readonly checkpoints: readonly {
    readonly step: string;
    readonly attempt: number | null;
    readonly state: string;
    readonly checks: readonly string[];
  }[];
  readonly checks: readonly {
    readonly checkId: string;
    readonly seq: number;
    readonly step: string;
    readonly result: string;
    readonly at: string;
    readonly place: string;
    readonly who: readonly string[];
    readonly compared: readonly string[];
    readonly things: readonly Key[];
    readonly resolution: string | null;
    readonly offline: boolean;
  }[];
  readonly custody: readonly {
    readonly at: string;
    readonly seq: number;
    readonly giver: string;
    readonly receiver: string;
    readonly place: string;
    readonly seals: readonly string[];
    readonly things: readonly Key[];
    readonly gap: string | null;
  }[];
  readonly containers: readonly {
    readonly key: Key;
    readonly kind: string;
    readonly aliases: readonly Key[];
    readonly from: readonly Key[];
    readonly volume: string | null;
    readonly made: string | null;
    readonly end: string | null;
    readonly endAt: string | null;
    readonly rebound: boolean;
  }[];
  readonly labels: readonly {
    readonly jobId: string;
    readonly container: Key | null;
    readonly printed: number;
    readonly counts: string | null;
    readonly state: string;
  }[];
  readonly results: readonly {
    readonly resultId: string;
    readonly seq: number;
    readonly sample: Key;
    readonly test: string;
    readonly value: string;
    readonly limits: string;
    readonly verdict: string;
    readonly at: string;
  }[];
  /** What loggers told of each shipment, °C. `minutesOut`: out of limits; `accepted`: quality has accepted all of that. */
  readonly shipments: readonly {
    readonly shipper: Key;
    readonly device: string | null;
    readonly stage: string;
    readonly limits: { readonly low: number; readonly high: number };
    readonly from: string | null;
    readonly to: string | null;
    readonly readings: number;
    readonly min: number | null;
    readonly max: number | null;
    readonly mkt: number | null;
    readonly excursions: number;
    readonly minutesOut: number;
    readonly gaps: number;
    readonly accepted: boolean;
    readonly things: readonly Key[];
  }[];
  /** Minutes out of limits over the whole life of each thing, and what is left of those allowed (domain.md §14). */
  readonly stability: readonly Budget[];
  readonly temperature: readonly { readonly code: string; readonly seq: number; readonly things: readonly Key[] }[];
  readonly findings: readonly { readonly code: string; readonly seq: number; readonly things: readonly Key[] }[];
  readonly holds: readonly { readonly id: string; readonly reason: string; readonly codes: readonly string[]; readonly lifted: boolean }[];
  readonly signatures: readonly { readonly id: string; readonly of: string; readonly seq: number; readonly text: string }[];
  readonly timeline: readonly TimelineEntry[];
};

export function reportSections(world: ChainWorld, view: ChainView): ReportSections {
  const order = orderFacts(world, view);
  const checks = world.acts.flatMap((act) => (act.kind === 'check' ? [act] : []));
  const cold = foldCold(world);
  const findings = view.findings.map(({ code, seq, things }) => ({ code, seq, things }));
  return {
    subject: {
      coiId: view.chain,
      orderId: order?.orderId ?? null,
      patientRef: order?.patientRef ?? null,
      product: order?.product ?? null,
      template: order === null ? null : `${order.template.id} v${order.template.version}`,
      state: view.order?.state ?? null,
      treatmentSite: order?.treatmentSite ?? null,
      collectionSite: order?.collectionSite ?? null,
      manufacturer: order?.manufacturer ?? null,
    },
    summary: {
      events: world.events.length,
      acts: world.acts.length,
      containers: view.containers.length,
      checksPassed: checks.filter(({ body }) => body.result === 'pass').length,
      checksFailed: checks.filter(({ body }) => body.result === 'fail').length,
      findings: findings.length,
      holds: holdsOn(view.holds, 'all').length,
    },
    strip: (view.order?.stages ?? []).map(({ state, at, seq }) => ({ state, at: iso(at), seq })),
    checkpoints: view.checkpoints.map(({ step, attempt, state, checks: ids }) => ({ step, attempt, state, checks: ids })),
    checks: checks.map(checkLine),
    custody: view.custody.handovers.map(({ time, seq, giver, receiver, place, seals, things, gap }) => ({
      at: iso(time),
      seq,
      giver,
      receiver,
      place,
      seals,
      things,
      gap,
    })),
    containers: view.containers.map(({ key, kind, aliases, from, volume, made, end, rebound }) => ({
      key,
      kind,
      aliases,
      from,
      volume: volume === null ? null : `${volume.value} ${volume.uom}`,
      made: made === null ? null : iso(made.time),
      end: end?.kind ?? null,
      endAt: end === null ? null : iso(end.time),
      rebound,
    })),
    labels: view.labels.map(({ jobId, container, copies, counts, state }) => ({
      jobId,
      container,
      printed: copies,
      counts:
        counts === null
          ? null
          : `${counts.applied} applied, ${counts.spoiled} spoiled, ${counts.returned} returned, ${counts.inRecord} in record`,
      state,
    })),
    results: world.acts.flatMap((act) => (act.kind === 'result' ? [resultLine(act)] : [])),
    shipments: cold.shipments.map(shipmentLine),
    stability: cold.budgets,
    temperature: findings.filter(({ code }) => code.startsWith('SENS-')),
    findings,
    holds: [...new Map(view.holds.map(({ id, reason, codes, lifted }) => [id, { id, reason, codes, lifted: lifted !== null }])).values()],
    signatures: world.acts.flatMap(signatureLines),
    timeline: timelineOf(world, view),
  };
}

function checkLine({ id, seq, time, body, signatures }: Extract<AnyAct, { kind: 'check' }>): ReportSections['checks'][number] {
  return {
    checkId: id,
    seq,
    step: body.checkpoint,
    result: body.result,
    at: iso(time),
    place: body.place,
    who: signatures.length > 0 ? signatures.map(({ name }) => name) : [...new Set(body.reads.map(({ by }) => by))],
    compared: body.compared.map(
      ({ identifier, sources, match }) => `${identifier} (${sources.join(', ')}): ${match ? 'match' : 'MISMATCH'}`,
    ),
    things: body.containers,
    resolution: body.resolution,
    offline: body.offline !== null,
  };
}

function shipmentLine(shipment: ShipmentView): ReportSections['shipments'][number] {
  const { device, stage, limits, from, to, readings, min, max, mkt, excursions, gaps } = shownSeries(shipment);
  return {
    shipper: shipment.series.shipper,
    device,
    stage,
    limits,
    from: from === null ? null : iso(from),
    to: to === null ? null : iso(to),
    readings,
    min,
    max,
    mkt,
    excursions: excursions.length,
    minutesOut: excursions.reduce((sum, { minutes }) => sum + minutes, 0),
    gaps: gaps.length,
    accepted: [...excursions, ...gaps].every(({ accepted }) => accepted),
    things: shipment.affected.map(({ thing }) => thing),
  };
}

function resultLine({ id, seq, time, body }: Extract<AnyAct, { kind: 'result' }>): ReportSections['results'][number] {
  const { min, max } = body.limits;
  const differs = body.computed !== null && body.computed !== body.verdict;
  return {
    resultId: id,
    seq,
    sample: body.sample,
    test: body.test,
    value: `${body.value}${body.unit === null ? '' : ` ${body.unit}`}`,
    limits: [min === undefined ? '' : `≥ ${min}`, max === undefined ? '' : `≤ ${max}`].filter((one) => one !== '').join(', '),
    verdict: differs ? `${body.verdict} (computed: ${body.computed})` : body.verdict,
    at: iso(time),
  };
}

/** Signatures as people read them; what was signed again later was signed as another version (domain.md §15). */
function signatureLines(act: AnyAct, place: number, all: readonly AnyAct[]): ReportSections['signatures'] {
  const record = recordOf(act);
  const version = all.slice(0, place + 1).filter((one) => one.kind === act.kind && recordOf(one) === record).length;
  return act.signatures.map((signature) => ({
    id: signature.id,
    of: act.id,
    seq: act.seq,
    text: `${signatureText(signature)}, for version ${version} of ${act.kind} ${record}`,
  }));
}

/** What an act is a version of: the record that it names. */
function recordOf(act: AnyAct): string {
  if (act.kind === 'order-state' || act.kind === 'order-amendment' || act.kind === 'order' || act.kind === 'release')
    return act.body.orderId;
  if (act.kind === 'resolution') return act.body.checkId;
  if (act.kind === 'hold-lift') return act.body.holdId;
  return act.id;
}

/** Printed name, meaning, date and time with zone, reason (21 CFR 11.50). */
export function signatureText({ name, meaning, at, offset, reason }: Signature): string {
  return `${name}, ${meaning.replaceAll('_', ' ')}, ${localTime(at, offset)}${reason === null ? '' : `, reason: ${reason}`}`;
}

/** `2026-03-01 09:15:00 +01:00`. */
export function localTime(ms: number, offset: string): string {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [null, '+', '00', '00'];
  const shift = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return `${new Date(ms + shift).toISOString().slice(0, 19).replace('T', ' ')} ${offset === 'Z' ? '+00:00' : offset}`;
}

/** A world as JSON: what a report is derived from, so that whoever has it can derive it again. */
export type WorldJson = {
  readonly chain: string;
  readonly events: readonly WorldEvent[];
  readonly acts: readonly AnyAct[];
  readonly others: readonly WorldEvent[];
  readonly bindings: readonly (readonly [Key, Binding])[];
  readonly aliases: readonly (readonly [Key, Key])[];
  readonly holds: ChainWorld['holds'];
  readonly products: readonly (readonly [string, unknown])[];
  readonly now: number;
};

export function worldJson(world: ChainWorld): WorldJson {
  return { ...world, bindings: [...world.bindings], aliases: [...world.aliases], products: [...world.products] };
}

export function worldOfJson(json: WorldJson): ChainWorld {
  return {
    ...json,
    bindings: new Map(json.bindings),
    aliases: new Map(json.aliases),
    products: new Map(json.products as [string, never][]),
  };
}
