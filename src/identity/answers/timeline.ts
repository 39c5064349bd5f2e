import { stepOf } from '../steps.ts';
import type { ChainView } from '../view.ts';
import type { AnyAct, ChainWorld, Key, WorldEvent } from '../world.ts';

/** One line of a chain's timeline (identity-wire.md §5). Times are ISO texts in UTC; `seq` is the entry that told it, by which its proof is found. */
export type TimelineEntry = {
  readonly seq: number;
  readonly kind: string;
  /** eventID of an event, id of an act. */
  readonly id: string;
  readonly eventTime: string;
  readonly recordTime: string;
  readonly step?: string;
  /** What came of it: pass or fail, the state, a verdict. */
  readonly result?: string;
  /** Of a finding. */
  readonly code?: string;
  readonly signatures: readonly string[];
  readonly things: readonly Key[];
  readonly place?: string;
  readonly offline?: true;
  /** Where the clock of its device is on record as wrong (C-21): when it really was. What was told stays. */
  readonly correctedTime?: string;
};

/** Acts whose word in the timeline is another than their kind. */
const WORDS: Readonly<Record<string, string>> = { 'order-state': 'state', 'order-amendment': 'amendment', 'labels-close': 'labels-closed' };

/** Everything that is known to have happened on a chain, in order of time, of one time in order of entries. Findings follow what they are about. */
export function timelineOf(world: ChainWorld, view: ChainView): TimelineEntry[] {
  const lines = [...world.events.map((event) => eventLine(world, event)), ...world.acts.map((act) => actLine(world, act))];
  const bySeq = new Map(lines.map((line) => [line.entry.seq, line]));
  const findings = view.findings.flatMap(({ code, seq, things }): Line[] => {
    const about = bySeq.get(seq);
    if (about === undefined) return [];
    const { eventTime, recordTime } = about.entry;
    return [
      { time: about.time, entry: { seq, kind: 'finding', id: `${code} ${seq}`, code, eventTime, recordTime, signatures: [], things } },
    ];
  });
  return [...lines, ...findings]
    .sort((a, b) => a.time - b.time || a.entry.seq - b.entry.seq || Number(a.entry.kind === 'finding') - Number(b.entry.kind === 'finding'))
    .map(({ entry }) => entry);
}

type Line = { readonly time: number; readonly entry: TimelineEntry };

function eventLine(world: ChainWorld, event: WorldEvent): Line {
  const { seq, eventID, time, recorded, coi } = event;
  const step = stepOf(event, world);
  const place = event.bizLocation ?? event.readPoint;
  return {
    time,
    entry: {
      seq,
      kind: 'event',
      id: eventID,
      eventTime: iso(time),
      recordTime: iso(recorded),
      ...(step !== null && { step }),
      ...(event.bizStep !== null && { result: event.bizStep }),
      signatures: [],
      things: thingsOf(event),
      ...(place !== null && { place }),
      ...offlineOf(world, coi.offline?.device ?? null, time),
    },
  };
}

function actLine(world: ChainWorld, act: AnyAct): Line {
  const { seq, id, kind, time, recorded } = act;
  const device = act.kind === 'check' ? (act.body.offline?.device ?? null) : null;
  return {
    time,
    entry: {
      seq,
      kind: WORDS[kind] ?? kind,
      id,
      eventTime: iso(time),
      recordTime: iso(recorded),
      ...told(act),
      signatures: act.signatures.map((signature) => signature.id),
      things: namedBy(act),
      ...offlineOf(world, device, time),
    },
  };
}

/** What an act says of itself beyond its kind. */
function told(act: AnyAct): { step?: string; result?: string; place?: string } {
  switch (act.kind) {
    case 'check':
      return { step: act.body.checkpoint, result: act.body.result, place: act.body.place };
    case 'resolution':
      return { result: act.body.decision };
    case 'order-state':
      return { result: act.body.to };
    case 'handover':
      return { place: act.body.place };
    case 'result':
      return { result: act.body.computed === 'oos' ? 'oos' : act.body.verdict };
    case 'excursion':
      return { result: act.body.verdict };
    case 'material-decision':
      return { result: act.body.decision };
    case 'erasure':
      return { result: act.body.decision };
    case 'notice':
      return { result: act.body.state };
    case 'order':
      return { step: 'enrol' };
    case 'release':
      return { step: 'release' };
    default:
      return {};
  }
}

function offlineOf(world: ChainWorld, device: string | null, time: number): { offline?: true; correctedTime?: string } {
  if (device === null) return {};
  // The last word on a clock counts; `offset` is how far it ran ahead.
  const offset = world.acts
    .flatMap((act) =>
      act.kind === 'clock-offset' && act.body.device === device && act.body.from <= time && time <= act.body.until ? [act.body.offset] : [],
    )
    .at(-1);
  return { offline: true, ...(offset !== undefined && { correctedTime: iso(time - offset) }) };
}

/** Every thing that an event names, each once. */
export function thingsOf(event: WorldEvent): Key[] {
  const { parent, epcs, children, inputs, outputs, quantities } = event;
  return [
    ...new Set([...(parent === null ? [] : [parent]), ...epcs, ...children, ...inputs, ...outputs, ...quantities.map(({ key }) => key)]),
  ];
}

/** Every thing that an act names. */
export function namedBy({ body }: Pick<AnyAct, 'body'>): Key[] {
  const { containers, container, things, sample, shipment } = body as unknown as Record<string, unknown>;
  const named = [containers, container, things, sample, shipment].flat().filter((one): one is string => typeof one === 'string');
  return [...new Set(named)];
}

export const iso = (ms: number): string => new Date(ms).toISOString();
