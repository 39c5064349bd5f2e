import type { Told } from '../fold-chain.ts';
import type { AnyAct, ChainWorld, Found, Key } from '../world.ts';

/** Ends of an order, and stops, that a device without network cannot have known of. */
const STOPPING: ReadonlySet<string> = new Set([
  'onHold',
  'rejectedIncoming',
  'collectionFailed',
  'manufacturingFailed',
  'oos',
  'recallCollection',
  'cancelled',
  'patientDied',
  'withdrawnConsent',
  'lost',
]);

type Done = { seq: number; time: number; device: string; things: readonly Key[] };

/** What was done offline against a change that the device could not know: one that was put on record after its capsule was sealed (C-13). */
export function offlineConflicts(world: ChainWorld, { order }: Told): Found[] {
  const done: Done[] = [
    ...world.acts.flatMap((act): Done[] =>
      act.kind === 'check' && act.body.offline !== null && act.body.orderId === (order?.orderId ?? null)
        ? [{ seq: act.seq, time: act.time, device: act.body.offline.device, things: act.body.containers }]
        : [],
    ),
    ...world.events.flatMap(({ seq, time, coi, epcs, children, inputs }): Done[] =>
      coi.offline === null ? [] : [{ seq, time, device: coi.offline.device, things: [...epcs, ...children, ...inputs] }],
    ),
  ];
  const conflicts = done.flatMap((one): Found[] =>
    isUnknownChange(world, one) ? [{ code: 'OFFLINE-CONFLICT', seq: one.seq, things: one.things }] : [],
  );
  const counters = world.acts.flatMap((act): Found[] =>
    act.kind === 'sync' && act.body.conflicts.includes('OFFLINE-COUNTER') ? [{ code: 'OFFLINE-COUNTER', seq: act.seq, things: [] }] : [],
  );
  return [...conflicts, ...counters];
}

/**
 * Whether the order was stopped, its site changed, or something held, between what the device knew and the entry of what it did. It knows what was on
 * record when its last capsule was sealed; a device without one, what was on record when it acted.
 */
function isUnknownChange({ acts, holds }: ChainWorld, { seq, time, device }: Done): boolean {
  const capsule = acts.findLast((act) => act.kind === 'capsule' && act.body.device === device && act.seq < seq);
  const changed = acts.some(
    (act) => act.seq < seq && (capsule === undefined ? act.recorded >= time : act.seq > capsule.seq) && isChange(act, device),
  );
  const since = capsule?.seq ?? seq;
  return changed || holds.some((hold) => hold.seq > since && hold.seq < seq && (hold.lifted === null || hold.lifted > seq));
}

function isChange(act: AnyAct, device: string): boolean {
  switch (act.kind) {
    case 'order-state':
      return STOPPING.has(act.body.to);
    case 'order-amendment':
    case 'hold':
    case 'erasure':
      return true;
    case 'check':
      // What the device itself found it knows.
      return act.body.result === 'fail' && act.body.offline?.device !== device;
    default:
      return false;
  }
}
