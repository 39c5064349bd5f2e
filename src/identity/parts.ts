import type { Act, ActKind } from './acts.ts';
import { sealKey } from './custody/seals.ts';
import type { PartKind } from './deciding.ts';

type Named = Partial<Record<PartKind, string | null | readonly (string | null)[]>>;

/** By what an act is found, besides its kind. Things by canonical key, chains as chainKey. */
const NAMED: { readonly [K in ActKind]?: (body: Act<K>) => Named } = {
  patient: ({ patientRef }) => ({ patient: patientRef }),
  donor: ({ donorRef }) => ({ donor: donorRef }),
  rectification: ({ patientRef }) => ({ patient: patientRef }),
  order: ({ orderId, coiId, patientRef }) => ({ order: orderId, chain: coiId, patient: patientRef }),
  'order-state': ({ orderId }) => ({ order: orderId }),
  'order-amendment': ({ orderId }) => ({ order: orderId }),
  'material-decision': ({ orderId, containers }) => ({ order: orderId, thing: containers }),
  labels: ({ orderId, container }) => ({ order: orderId, thing: container }),
  check: ({ orderId, containers, met, device, offline }) => ({
    order: orderId,
    thing: containers,
    chain: met ?? [],
    device: [...new Set([device ?? null, offline?.device ?? null])],
  }),
  handover: ({ containers, shipment, seals }) => ({ thing: [...containers, shipment, ...seals.map(sealKey)] }),
  hold: ({ things, chain }) => ({ thing: things, chain }),
  result: ({ sample }) => ({ thing: sample }),
  oos: ({ orderId }) => ({ order: orderId }),
  release: ({ orderId, containers }) => ({ order: orderId, thing: containers }),
  allocation: ({ orderId, container }) => ({ order: orderId, thing: container }),
  deallocation: ({ orderId, container }) => ({ order: orderId, thing: container }),
  rebinding: ({ container, chain }) => ({ thing: container, chain }),
  clearance: ({ space }) => ({ space }),
  override: ({ orderId, containers }) => ({ order: orderId, thing: containers }),
  device: ({ device }) => ({ device }),
  'device-person': ({ device }) => ({ device }),
  capsule: ({ device, orders }) => ({ device, order: orders }),
  sync: ({ device }) => ({ device }),
  'clock-offset': ({ device }) => ({ device }),
  erasure: ({ patientRef }) => ({ patient: patientRef }),
  notice: ({ donor, chain }) => ({ donor, chain }),
  excursion: ({ shipment }) => ({ thing: shipment }),
};

/** Which act another one is about: it belongs to the chains of that one. */
export function aboutAct<K extends ActKind>(kind: K, body: Act<K>): string | null {
  switch (kind) {
    case 'resolution':
      return (body as Act<'resolution'>).checkId;
    case 'labels-close':
      return (body as Act<'labels-close'>).jobId;
    case 'hold-lift':
      return (body as Act<'hold-lift'>).holdId;
    case 'sync':
      return (body as Act<'sync'>).act;
    default:
      return null;
  }
}

export function partsOf<K extends ActKind>(kind: K, body: Act<K>): [PartKind, string][] {
  const named = (NAMED[kind] as ((body: Act<K>) => Named) | undefined)?.(body) ?? {};
  const parts: [PartKind, string][] = [['kind', kind]];
  for (const [part, value] of Object.entries(named) as [PartKind, Named[PartKind]][])
    for (const one of Array.isArray(value) ? value : [value]) if (typeof one === 'string' && one !== '') parts.push([part, one]);
  return parts;
}
