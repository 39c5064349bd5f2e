import fc from 'fast-check';

/** Small builders of events of chains of identity, and random genealogies of them. Bags by number; times are minutes after START. */
export const CONTEXT = ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', { coi: 'urn:lotline:identity:' }];
export const START = Date.parse('2026-03-01T08:00:00Z');
export const bag = (n: number) => `urn:lotline:isbt128:bag:A9999260${String(n).padStart(5, '0')}:S1295400`;
export const reagent = 'urn:epc:class:lgtin:9520123.000012.VECTOR1';

export type Json = Record<string, unknown>;
export const at = (minute: number): Json => ({ eventTime: new Date(START + minute * 60_000).toISOString(), eventTimeZoneOffset: '+00:00' });
export const documentOf = (events: readonly Json[]): Json => ({
  '@context': CONTEXT,
  type: 'EPCISDocument',
  schemaVersion: '2.0',
  creationDate: '2026-03-01T08:00:00Z',
  epcisBody: { eventList: events },
});
export const collect = (minute: number, n: number, chain: string): Json => ({
  type: 'ObjectEvent',
  action: 'ADD',
  bizStep: 'commissioning',
  ...at(minute),
  epcList: [bag(n)],
  'coi:chain': chain,
});
export const make = (minute: number, inputs: readonly number[], outputs: readonly number[], more: Json = {}): Json => ({
  type: 'TransformationEvent',
  ...at(minute),
  ...(inputs.length > 0 && { inputEPCList: inputs.map(bag) }),
  ...(outputs.length > 0 && { outputEPCList: outputs.map(bag) }),
  ...more,
});
export const sample = (minute: number, from: number, n: number, more: Json = {}): Json => ({
  type: 'ObjectEvent',
  action: 'ADD',
  bizStep: 'sampling',
  ...at(minute),
  epcList: [bag(n)],
  'coi:from': bag(from),
  ...more,
});

export const CHAIN_A = 'CHA999926AAAA11';
export const CHAIN_B = 'CHA999926BBBB22';

/** A random history: what each event makes of which, by small numbers of containers; collections come first of all, whatever their time. */
const CHAINS = [CHAIN_A, CHAIN_B, 'CHA999926CCCC33'];
export const histories = fc
  .record({
    collections: fc.array(fc.nat(2), { minLength: 2, maxLength: 6 }),
    makings: fc.array(
      fc.record({
        kind: fc.constantFrom('transform', 'sample', 'pieces'),
        inputs: fc.array(fc.nat(30), { minLength: 1, maxLength: 3 }),
        outputs: fc.integer({ min: 1, max: 3 }),
        order: fc.nat(1_000),
      }),
      { maxLength: 12 },
    ),
  })
  .map(({ collections, makings }) => {
    const events: { json: Json; inputs: number[]; outputs: number[]; order: number; chain: string | null; group: number }[] = [];
    let next = 1;
    for (const chain of collections) {
      const n = next++;
      events.push({
        json: collect(n, n, CHAINS[chain] as string),
        inputs: [],
        outputs: [n],
        order: n,
        chain: CHAINS[chain] as string,
        group: -n,
      });
    }
    makings.forEach(({ kind, inputs, outputs, order }, i) => {
      const from = [...new Set(inputs.map((one) => (one % (next - 1)) + 1))];
      const minute = 100 + i;
      if (kind === 'sample') {
        const source = from[0] as number;
        const n = next++;
        events.push({ json: sample(minute, source, n), inputs: [source], outputs: [n], order, chain: null, group: i });
        return;
      }
      const to = Array.from({ length: outputs }, () => next++);
      if (kind === 'transform') {
        events.push({ json: make(minute, from, to), inputs: from, outputs: to, order, chain: null, group: i });
        return;
      }
      const id = { transformationID: `urn:example:run:${i}` };
      events.push({ json: make(minute, from, [], id), inputs: from, outputs: [], order, chain: null, group: i });
      events.push({ json: make(minute, [], to, id), inputs: [], outputs: to, order: order + 1, chain: null, group: i });
    });
    return events;
  });
