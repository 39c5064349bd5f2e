import { describe, expect, it } from 'vitest';
import {
  commissioned,
  destroyed,
  given,
  observed,
  packed,
  type Quantities,
  received,
  shipped,
  type Told,
  transformed,
  unpacked,
} from '../../test/support/folded.ts';
import { FLAG, ROLE, type Status } from './state.ts';
import { REACTIVATING } from './steps.ts';

const day = (text: string) => Date.parse(`${text}T12:00:00Z`);

describe('serial numbers (domain.md §4)', () => {
  it('finds nothing wrong with a pack that is commissioned, packed, shipped and received', () => {
    const { codes } = given(commissioned('a'), packed('case', 'a'), shipped('case'), received('case'), unpacked('case'));
    expect(codes()).toEqual([]);
  });

  it('lets the first of two commissionings stand and flags the second as SN-DUP', () => {
    const { codes, of } = given(commissioned('a', { lot: 'L1', party: 'maker' }), commissioned('a', { lot: 'L1', party: 'other' }));
    expect(codes()).toEqual(['SN-DUP a']);
    expect(of('a')).toMatchObject({ claimSeq: 0, holder: 'maker', statusSeq: 0 });
  });

  it('tells SN-CONFLICT when the second commissioning states another lot or expiry, and keeps the first claim', () => {
    const lots = given(commissioned('a', { lot: 'L1' }), commissioned('a', { lot: 'L2' }));
    expect(lots.codes()).toEqual(['SN-CONFLICT a']);
    expect(lots.of('a').lot).toBe(lots.lot('L1').node);
    const dates = given(commissioned('a', { expiry: '2028-01-31' }), commissioned('a', { expiry: '2028-02-29' }));
    expect(dates.codes()).toEqual(['SN-CONFLICT a']);
    expect(dates.of('a').expiry).toBe('2028-01-31');
  });

  it('takes a commissioning of what a transformation produced for the same claim, unless the lots differ', () => {
    const same = given(transformed(['bulk'], ['a'], { lot: 'L1' }), commissioned('a', { lot: 'L1' }));
    expect(same.codes()).toEqual(['SN-UNKNOWN bulk']);
    const other = given(transformed(['bulk'], ['a'], { lot: 'L1' }), commissioned('a', { lot: 'L2' }));
    expect(other.codes()).toEqual(['SN-UNKNOWN bulk', 'SN-CONFLICT a']);
    expect(other.of('a').lot).toBe(other.lot('L1').node);
    const claimed = given(commissioned('a', { lot: 'L1' }), transformed(['a'], ['a'], { lot: 'L2' }));
    expect(claimed.codes()).toEqual(['SN-CONFLICT a']);
  });

  it('tells SN-UNKNOWN of what is observed, moved or ended and was never commissioned', () => {
    expect(given(shipped('a')).codes()).toEqual(['SN-UNKNOWN a']);
    expect(given(destroyed('a')).codes()).toEqual(['SN-UNKNOWN a']);
    expect(given(commissioned('a'), shipped('a'), destroyed('a')).codes()).toEqual([]);
  });

  it('knows the number of a printed label before anything is commissioned with it (2→4, 4→7)', () => {
    const printed = given(observed('a', 'encoding'));
    expect(printed.codes()).toEqual([]);
    expect(printed.of('a')).toMatchObject({ status: 'Encoded', flags: 0 });
    const used = given(observed('a', 'encoding'), commissioned('a'));
    expect(used.codes()).toEqual([]);
    expect(used.of('a').status).toBe('Commissioned');
    expect(given(observed('a', 'encoding'), shipped('a')).codes()).toEqual(['SN-UNKNOWN a']);
    expect(given(commissioned('a'), observed('a', 'encoding')).of('a').status).toBe('Commissioned');
  });

  it.each<[string, Told, string]>([
    ['scrapped as it is printed (4→6)', observed('a', 'encoding', { disposition: 'destroyed' }), 'LabelScrapped'],
    ['sampled as it is printed (4→5)', observed('a', 'encoding', { disposition: 'inactive' }), 'LabelSampled'],
    ['destroyed', destroyed('a'), 'LabelScrapped'],
    ['sampled', observed('a', 'sampling'), 'LabelSampled'],
  ])('tells SN-INVALID-USED when the number of a label that was %s is commissioned', (_, end, status) => {
    const label = given(observed('a', 'encoding'), end);
    expect(label.codes()).toEqual([]);
    expect(label.of('a').status).toBe(status);
    expect(given(observed('a', 'encoding'), end, observed('a', 'encoding')).of('a').status).toBe(status);
    const used = given(observed('a', 'encoding'), end, commissioned('a'));
    expect(used.fold.offences).toEqual([{ code: 'SN-INVALID-USED', seq: 2, node: used.of('a').node, other: 1 }]);
    expect(used.of('a')).toMatchObject({ status: 'Commissioned', claimSeq: 2 });
  });

  it('brings back, by a reactivation, what a thing was before its end (9→11), and never what is destroyed', () => {
    const back = observed('a', REACTIVATING, { disposition: 'active' });
    const end = (bizStep: string, disposition: string | null = null) => destroyed('a', { bizStep, disposition });
    const life = [commissioned('a'), packed('case', 'a'), received('case')];
    for (const ended of [end('decommissioning'), end('dispensing'), end('decommissioning', 'stolen')]) {
      const { of, codes } = given(...life, ended, back);
      expect(codes()).toEqual([]);
      expect(of('a')).toMatchObject({ status: 'Received', statusSeq: 2, disposition: 'active', before: null, parent: 0 });
    }
    expect(given(commissioned('a'), end('dispensing'), back).of('a')).toMatchObject({ status: 'Commissioned', statusSeq: 0 });
    expect(given(...life, observed('a', 'sampling'), end('dispensing'), back).of('a').status).toBe('Sampled');
    expect(given(...life, end('dispensing'), end('decommissioning'), back).of('a').status).toBe('Received');
    expect(given(...life, back).of('a').status).toBe('Commissioned');
    const gone = given(...life, end('decommissioning'), destroyed('a'), back);
    expect(gone.of('a').status).toBe('Destroyed');
    expect(gone.codes()).toEqual(['SN-AFTER-END a']);
  });

  it.each(['decommissioning', 'dispensing', 'destroying'])('flags what is shipped after its %s, critical', (bizStep) => {
    expect(given(commissioned('a'), destroyed('a', { bizStep }), shipped('a')).codes()).toEqual(['SN-AFTER-END a']);
  });

  it('calls a container known from its first packing on, though nobody commissioned it', () => {
    const { codes, of } = given(commissioned('a'), packed('pallet', 'a'), shipped('pallet'));
    expect(codes()).toEqual([]);
    expect(of('pallet').flags & FLAG.known).toBe(FLAG.known);
    expect(given(commissioned('a'), unpacked('pallet', 'a'), shipped('pallet')).codes()).toContain('SN-UNKNOWN pallet');
  });

  it('remembers what waits for its commissioning, and answers when it comes', () => {
    const { fold, of } = given(shipped('a'), commissioned('a'));
    expect(fold.introduced).toEqual([of('a').node]);
    expect(of('a').flags & FLAG.waiting).toBe(0);
    expect(given(shipped('a')).of('a').flags & FLAG.waiting).toBe(FLAG.waiting);
  });

  it('tells SN-AFTER-END of whatever happens after a destruction', () => {
    for (const after of [shipped('a'), packed('case', 'a'), commissioned('a'), transformed(['a'], ['b']), destroyed('a')])
      expect(given(commissioned('a'), destroyed('a'), after).codes()).toContain('SN-AFTER-END a');
    expect(given(commissioned('a'), packed('case', 'a'), destroyed('case'), unpacked('case')).codes()).toEqual(['SN-AFTER-END case']);
  });

  it('lets an inactive or dispensed pack be seen, but not shipped', () => {
    for (const step of ['decommissioning', 'dispensing']) {
      const ended = [commissioned('a'), observed('a', step)];
      expect(given(...ended, observed('a', 'inspecting')).codes()).toEqual([]);
      expect(given(...ended, shipped('a')).codes()).toEqual(['SN-AFTER-END a']);
    }
  });
});

describe('packing (domain.md §6.1)', () => {
  it('tells AGG-DOUBLE when a child is packed while still inside another, and ends the earlier stay by inference', () => {
    const { codes, stays, parent } = given(commissioned('a'), packed('one', 'a'), packed('two', 'a'));
    expect(codes()).toEqual(['AGG-DOUBLE a']);
    expect(stays()).toEqual(['a in one 1–2 inferred', 'a in two 2–']);
    expect(parent('a')).toBe('two');
  });

  it('finds nothing wrong with packing again into the same container, or into another after unpacking', () => {
    const again = given(commissioned('a'), packed('one', 'a'), packed('one', 'a'));
    expect(again.codes()).toEqual([]);
    expect(again.stays()).toEqual(['a in one 1–']);
    expect(given(commissioned('a'), packed('one', 'a'), unpacked('one', 'a'), packed('two', 'a')).codes()).toEqual([]);
  });

  it('does not apply a packing that would put a thing inside itself, however deep: AGG-CYCLE', () => {
    expect(given(commissioned('a'), packed('a', 'a')).codes()).toEqual(['AGG-CYCLE a']);
    const { codes, parent } = given(commissioned(['a', 'b', 'c']), packed('a', 'b'), packed('b', 'c'), packed('c', 'a'));
    expect(codes()).toEqual(['AGG-CYCLE a']);
    expect([parent('a'), parent('b'), parent('c')]).toEqual([null, 'a', 'b']);
  });

  it('tells AGG-NOTCHILD of what is unpacked from where it is not', () => {
    const { codes, parent } = given(commissioned(['a', 'b']), packed('one', 'a'), unpacked('two', 'a'), unpacked('one', 'b'));
    expect(codes()).toEqual(['AGG-NOTCHILD a', 'AGG-NOTCHILD b']);
    expect(parent('a')).toBe('one');
  });

  it('contains an unknown child at once and tells AGG-UNKNOWN-CHILD', () => {
    const { codes, parent } = given(packed('case', 'a'));
    expect(codes()).toEqual(['AGG-UNKNOWN-CHILD a']);
    expect(parent('a')).toBe('case');
  });

  it('lets everything leave when an unpacking names no child', () => {
    const { stays, parent } = given(commissioned(['a', 'b', 'c']), packed('case', ['a', 'b']), packed('other', 'c'), unpacked('case'));
    expect(stays()).toEqual(['a in case 1–3', 'b in case 1–3', 'c in other 2–']);
    expect([parent('a'), parent('b'), parent('c')]).toEqual([null, null, 'other']);
  });

  it('lets a pack that ends leave its container, whichever kind of event tells it, and not the content of a container that ends', () => {
    const ends: Told[] = [
      destroyed('a'),
      observed('a', 'dispensing'),
      observed('a', 'dispensing', { type: 'TransactionEvent', action: 'ADD' }),
      { action: 'DELETE', bizStep: 'decommissioning', epcs: ['a'] },
    ];
    for (const end of ends) expect(given(commissioned('a'), packed('case', 'a'), end).stays()).toEqual(['a in case 1–2']);
    const container = given(commissioned('a'), packed('case', 'a'), destroyed('case'));
    expect(container.parent('a')).toBe('case');
    expect(container.now('a').status).toBe('Commissioned');
  });

  it('marks whatever was a parent, for it is no pack', () => {
    const { of } = given(commissioned(['a', 'b']), packed('a', 'b'), unpacked('a'));
    expect(of('a').flags & FLAG.parent).toBe(FLAG.parent);
    expect(of('b').flags & FLAG.parent).toBe(0);
  });

  it('keeps count of lots inside a container', () => {
    const child = (quantity: number): Quantities => [['L', ROLE.child, quantity, 'KGM']];
    const { stays, codes } = given(
      packed('drum', [], { lots: child(10) }),
      packed('drum', [], { lots: child(5) }),
      unpacked('drum', [], { lots: child(12) }),
      unpacked('drum'),
      unpacked('drum', [], { lots: child(1) }),
    );
    expect(stays()).toEqual(['L in drum 10KGM 0–1', 'L in drum 15KGM 1–2', 'L in drum 3KGM 2–3']);
    expect(codes()).toEqual(['AGG-NOTCHILD L']);
  });

  it('expects nobody to commission what was built into something', () => {
    const built: Told = { type: 'AssociationEvent', action: 'ADD', parent: 'box', children: ['logger'] };
    expect(given(built, shipped('logger')).codes()).toEqual([]);
    expect(given(shipped('other'), built).codes()).toEqual(['SN-UNKNOWN other']);
  });

  it('keeps built-in parts apart from content: a part may be in several things, and is not unpacked with them', () => {
    const build = (action: 'ADD' | 'DELETE', children: string[]): Told => ({ type: 'AssociationEvent', action, parent: 'box', children });
    const { stays, codes, parent } = given(
      commissioned('a'),
      build('ADD', ['sensor']),
      packed('box', 'a'),
      unpacked('box'),
      build('DELETE', []),
      build('DELETE', ['sensor']),
    );
    expect(stays()).toEqual(['sensor in box 1–4', 'a in box 2–3']);
    expect(parent('sensor')).toBe(null);
    expect(codes()).toEqual(['AGG-NOTCHILD sensor']);
  });
});

describe('status, by the last event that maps (design.md §7)', () => {
  const table: [string, Told, Status | null][] = [
    ['commissioning', {}, 'Commissioned'],
    ['sampling', {}, 'Sampled'],
    ['sampling', { action: 'DELETE' }, 'Sampled'],
    ['destroying', {}, 'Destroyed'],
    ['decommissioning', {}, 'Inactive'],
    ['decommissioning', { disposition: 'stolen' }, 'Stolen'],
    ['dispensing', {}, 'Dispensed'],
    ['shipping', {}, 'InTransit'],
    ['receiving', {}, 'Received'],
    ['receiving', { disposition: 'returned' }, 'Returned'],
    ['accepting', {}, 'Received'],
    ['accepting', { disposition: 'returned' }, 'Returned'],
    ['storing', {}, 'Stocked'],
    ['stocking', {}, 'Stocked'],
    ['holding', {}, 'Quarantined'],
    ['inspecting', {}, null],
    ['https://example.com/steps/waiting', {}, null],
  ];
  it.each(table)('%s with %o is %s', (step, more, status) => {
    expect(given(observed('a', step, more)).of('a').status).toBe(status);
    const after = given(commissioned('a'), observed('a', 'storing'), observed('a', step, more)).of('a');
    expect(after.status).toBe(status ?? 'Stocked');
  });

  it('is Commissioned of what a transformation gives, and not of what it takes', () => {
    const { of } = given(commissioned('a'), observed('a', 'storing'), transformed(['a'], ['b']));
    expect([of('a').status, of('b').status]).toEqual(['Stocked', 'Commissioned']);
  });

  it('is what it was before when a shipping is voided', () => {
    const story = [commissioned('a'), observed('a', 'storing'), shipped('a')];
    expect(given(...story).of('a')).toMatchObject({ status: 'InTransit', before: 'Stocked' });
    expect(given(...story, observed('a', 'void_shipping')).of('a')).toMatchObject({ status: 'Stocked', statusSeq: 1, before: null });
    expect(given(commissioned('a'), observed('a', 'void_shipping')).of('a')).toMatchObject({ status: 'Commissioned', statusSeq: 0 });
  });

  it('is of the content, too, what it was before when the shipping of its container is voided', () => {
    const { now } = given(
      commissioned(['a', 'b', 'c']),
      packed('pallet', ['a', 'b', 'c']),
      received('pallet'),
      observed('a', 'holding'),
      shipped('pallet'),
      observed('b', 'sampling'),
      observed('pallet', 'void_shipping'),
    );
    expect([now('a').status, now('b').status, now('c').status]).toEqual(['Quarantined', 'Sampled', 'Received']);
  });

  it('goes back, after a shipping that a thing took over from a container it has left, to what it had been in there', () => {
    const story = [commissioned('a'), packed('pallet', 'a'), received('pallet'), shipped('pallet'), unpacked('pallet')];
    expect(given(...story).of('a')).toMatchObject({ status: 'InTransit', before: 'Received' });
    expect(given(...story, observed('a', 'void_shipping')).of('a').status).toBe('Received');
    const own = [commissioned('a'), observed('a', 'storing'), packed('pallet', 'a'), shipped('pallet'), unpacked('pallet')];
    expect(given(...own, observed('a', 'void_shipping')).of('a').status).toBe('Stocked');
  });
});

describe('inference (design.md §3, domain.md §6.2)', () => {
  const story = [
    commissioned('a', { party: 'maker', place: 'line' }),
    packed('case', 'a'),
    packed('pallet', 'case'),
    shipped('pallet', { place: 'dock' }),
  ];

  it('is made at read: the row of what is inside stays as it is', () => {
    const { of, now } = given(...story, received('pallet', 'buyer'));
    expect(of('a')).toMatchObject({ status: 'Commissioned', holder: 'maker', place: 'line' });
    expect(now('a')).toMatchObject({
      status: 'Received',
      holder: 'buyer',
      owner: 'buyer',
      place: 'buyer',
      disposition: 'in_progress',
      observed: false,
    });
  });

  it('is written when a thing leaves, with the events it comes from', () => {
    const { of } = given(...story, received('pallet', 'buyer'), unpacked('pallet', 'case'), received('pallet', 'other'));
    expect(of('case')).toMatchObject({ status: 'Received', statusSeq: 4, holder: 'buyer', custodySeq: 4, place: 'buyer', placeSeq: 4 });
    expect(of('case').flags & FLAG.observed).toBe(0);
    expect(of('a')).toMatchObject({ status: 'Commissioned', holder: 'maker' });
  });

  it('reaches through all containers, and not past one that was left', () => {
    const { now } = given(
      ...story,
      unpacked('pallet', 'case'),
      received('pallet', 'buyer'),
      observed('case', 'storing', { place: 'shelf' }),
    );
    expect(now('a')).toMatchObject({ status: 'Stocked', place: 'shelf', holder: 'maker' });
  });

  it('does not share how a container was made or how it ended', () => {
    const { now } = given(
      observed('a', 'storing', { disposition: 'active' }),
      packed('case', 'a'),
      commissioned('case', { disposition: 'encoded' }),
      destroyed('case'),
    );
    expect(now('a')).toMatchObject({ status: 'Stocked', disposition: 'active' });
    const after = given(...story, received('pallet', 'buyer'), destroyed('pallet'));
    expect(after.now('a').status).toBe('Received');
  });

  it('takes nothing from before a thing went in', () => {
    const { now } = given(commissioned(['a', 'b']), packed('case', 'b'), received('case', 'early'), packed('case', 'a'));
    expect(now('a')).toMatchObject({ status: 'Commissioned', holder: null, place: null });
    expect(now('b')).toMatchObject({ status: 'Received', holder: 'early' });
  });

  it('calls a thing observed whose own number was read, or whose container was fully unpacked where it says', () => {
    expect(given(commissioned('a', { place: 'line' })).now('a').observed).toBe(true);
    expect(given(commissioned('a')).now('a').observed).toBe(false);
    const part = [commissioned('a', { place: 'line' }), packed('case', 'a'), received('case')];
    expect(given(...part).now('a').observed).toBe(false);
    expect(given(...part, unpacked('case', 'a')).now('a').observed).toBe(false);
    expect(given(...part, unpacked('case', 'a', { place: 'dock' })).now('a')).toMatchObject({ observed: true, place: 'dock' });
    expect(given(...part, unpacked('case', [], { place: 'dock' })).now('a')).toMatchObject({ observed: true, place: 'dock' });
    expect(given(...part, unpacked('case', [])).now('a')).toMatchObject({ observed: false, place: 'buyer' });
  });

  it('stays inferred for what is deeper inside than the container that was fully unpacked', () => {
    const { now } = given(...story, received('pallet', 'buyer'), unpacked('pallet', [], { place: 'dock' }));
    expect([now('case').observed, now('a').observed]).toEqual([true, false]);
    expect(now('a').place).toBe('dock');
  });
});

describe('an event that names a container and what is inside it', () => {
  it('tells the same of both, whichever it names first', () => {
    const before = [
      commissioned('a'),
      packed('case', 'a'),
      destroyed('case', { bizStep: 'holding', action: 'OBSERVE', disposition: 'recalled' }),
    ];
    const end = (names: string[]) => given(...before, destroyed(names, { bizStep: 'dispensing', disposition: null })).of('a');
    expect(end(['case', 'a'])).toMatchObject({ status: 'Dispensed', disposition: 'recalled', before: 'Quarantined', parent: 0 });
    expect(end(['a', 'case'])).toEqual(end(['case', 'a']));
  });
});

describe('holder and owner (design.md §7)', () => {
  it('are the party of the commissioning until a receiving, and stay in transit', () => {
    const { of } = given(
      commissioned('a', { party: 'maker', owner: 'mah' }),
      shipped('a', { party: 'maker' }),
      observed('a', 'storing', { party: 'x' }),
    );
    expect(of('a')).toMatchObject({ holder: 'maker', owner: 'mah', custodySeq: 0 });
  });

  it('are those of the last receiving, which no later commissioning replaces', () => {
    const { of } = given(received('a', 'first'), received('a', 'second'), commissioned('a', { party: 'maker' }));
    expect(of('a')).toMatchObject({ holder: 'second', owner: 'second', custodySeq: 1 });
  });

  it('come from the transformation that made a thing', () => {
    expect(given(transformed(['x'], ['a'], { party: 'maker' })).of('a').holder).toBe('maker');
  });
});

describe('dispositions', () => {
  it('persist from set to unset, each with the event that set it', () => {
    const set = given(commissioned('a'), observed('a', 'inspecting', { set: ['recalled', 'expired'] }));
    expect(set.of('a').persistent).toEqual([
      ['recalled', 1],
      ['expired', 1],
    ]);
    const unset = given(
      commissioned('a'),
      observed('a', 'inspecting', { set: ['recalled', 'expired'] }),
      observed('a', 'inspecting', { unset: ['recalled'] }),
    );
    expect(unset.of('a').persistent).toEqual([['expired', 1]]);
  });

  it('that persist are taken along out of a container', () => {
    const { of } = given(commissioned('a'), packed('case', 'a'), observed('case', 'inspecting', { set: ['recalled'] }), unpacked('case'));
    expect(of('a').persistent).toEqual([['recalled', 2]]);
  });
});

describe('use in a transformation (domain.md §10.2)', () => {
  it('tells GEN-HELD-USED of what is on hold, recalled or past its expiry', () => {
    const use = transformed(['a'], ['b'], { at: day('2028-02-01') });
    expect(given(commissioned('a', { expiry: '2028-01-31' }), use).codes()).toEqual(['GEN-HELD-USED a']);
    expect(given(commissioned('a', { expiry: '2028-02-01' }), use).codes()).toEqual([]);
    expect(given(commissioned('a'), observed('a', 'holding'), use).codes()).toEqual(['GEN-HELD-USED a']);
    expect(given(commissioned('a'), observed('a', 'holding'), observed('a', 'storing'), use).codes()).toEqual([]);
    expect(given(commissioned('a'), observed('a', 'inspecting', { disposition: 'recalled' }), use).codes()).toEqual(['GEN-HELD-USED a']);
    expect(given(commissioned('a'), observed('a', 'inspecting', { set: ['recalled'] }), use).codes()).toEqual(['GEN-HELD-USED a']);
  });

  it('asks the containers for the condition of what it takes in, and touches them, so that what comes late about them is late', () => {
    const { codes, of } = given(commissioned('a'), packed('case', 'a'), observed('case', 'holding'), transformed(['a'], ['b']));
    expect(codes()).toEqual(['GEN-HELD-USED a']);
    expect(of('case').lastSeq).toBe(3);
  });

  it('tells GEN-HELD-USED of lots, too, and marks what was used', () => {
    const use: Told = transformed([], ['b'], { lots: [['R', ROLE.input, 1, 'KGM']] });
    const held = given(observed([], 'holding', { lots: [['R', ROLE.epc, 5, 'KGM']] }), use);
    expect(held.codes()).toEqual(['GEN-HELD-USED R']);
    expect(held.lot('R').flags & FLAG.consumed).toBe(FLAG.consumed);
    expect(given(observed([], 'storing', { lots: [['R', ROLE.epc, 5, 'KGM']] }), use).codes()).toEqual([]);
  });

  it('tells GEN-OVERUSE when more was used than came in, in any unit of one kind, and where it is known what came in', () => {
    const came = received([], 'maker', { lots: [['R', ROLE.epc, 2, 'KGM']] });
    const use = (quantity: number, uom: string) => transformed([], ['b'], { lots: [['R', ROLE.input, quantity, uom]] });
    expect(given(came, use(2000, 'GRM')).codes()).toEqual([]);
    expect(given(came, use(1500, 'GRM'), use(1, 'KGM')).codes()).toEqual(['GEN-OVERUSE R']);
    expect(given(use(5, 'KGM')).codes()).toEqual([]);
    expect(given(came, use(5, 'LTR')).codes()).toEqual([]);
    expect(given(came, use(1500, 'GRM'), use(1, 'KGM')).lot('R').balance).toEqual({ mass: { in: 2, out: 2.5 } });
  });

  it('takes a lot to be known by what it gave rise to, with the first expiry stated', () => {
    const { lot } = given(commissioned('a', { lot: 'L', expiry: '2028-01-31' }), commissioned('b', { lot: 'L', expiry: '2029-01-31' }));
    expect(lot('L')).toMatchObject({ expiry: '2028-01-31', claimSeq: 0, flags: FLAG.introduced | FLAG.known });
  });
});

describe('a shortage found on unpacking (packs-wire.md, EX-DNP-3)', () => {
  const short = (parent: string, came: string[]) => unpacked(parent, came, { disposition: 'mismatch_quantity', place: 'shop' });
  const life = [
    commissioned(['a', 'b', 'c']),
    packed('case', ['a', 'b', 'c']),
    packed('pallet', 'case'),
    received('pallet', 'w'),
    unpacked('pallet', 'case'),
  ];

  it('puts at large what is not on the list of what came out, and takes it out of the container', () => {
    const { fold, of, codes, parent } = given(...life, short('case', ['a', 'b']));
    expect(codes()).toEqual(['EX-DNP-3 c']);
    expect(fold.offences[0]).toMatchObject({ seq: 5, other: 1 });
    expect(of('c')).toMatchObject({ status: 'AtLarge', statusSeq: 5, before: 'Received', parent: 0, place: 'w', holder: 'w' });
    expect(of('a')).toMatchObject({ status: 'Received', parent: 0, place: 'shop' });
    expect(parent('b')).toBeNull();
  });

  it('says nothing of what is missing without a list, or without that disposition', () => {
    expect(given(...life, short('case', [])).codes()).toEqual([]);
    expect(given(...life, unpacked('case', ['a'])).of('c').parent).not.toBe(0);
  });

  it.each<[string, Told, Status]>([
    ['received', received('c', 'x'), 'Received'],
    ['only looked at', observed('c', 'inspecting'), 'Received'],
    ['listed in another unpacking', unpacked('case', ['c']), 'Received'],
    ['packed', packed('box', 'c'), 'Received'],
    ['told to be stolen', destroyed('c', { bizStep: 'decommissioning', disposition: 'stolen' }), 'Stolen'],
  ])('has an end when it is %s', (_, seen, status) => {
    const { fold, of } = given(...life, short('case', ['a', 'b']), seen);
    expect(of('c').status).toBe(status);
    expect(fold.seen).toEqual([of('c').node]);
  });

  it('is of a whole case what it is of the packs inside, until the case is seen', () => {
    const truck = [
      commissioned(['a', 'x']),
      packed('c1', 'a'),
      packed('c2', 'x'),
      packed('pallet', ['c1', 'c2']),
      received('pallet', 'w'),
      short('pallet', ['c2']),
    ];
    expect(given(...truck).now('a')).toMatchObject({ status: 'AtLarge', before: 'Received', holder: 'w' });
    expect(given(...truck, received('c1', 'v')).now('a')).toMatchObject({ status: 'Received', holder: 'v' });
    expect(given(...truck, unpacked('c1', 'a')).of('a').status).toBe('Received');
    expect(given(...truck, unpacked('c1')).of('a').status).toBe('Received');
  });
});

describe('lateness', () => {
  it('is to come before something that a thing or one of its containers has taken in', () => {
    const before = given(commissioned('a', { at: 0 }), packed('case', 'a', { at: 10 }), shipped('case', { at: 30 }));
    expect(before.isLate(observed('a', 'inspecting', { at: 40 }))).toBe(false);
    expect(before.isLate(observed('a', 'inspecting', { at: 5 }))).toBe(true);
    expect(before.isLate(observed('a', 'inspecting', { at: 20 }))).toBe(true);
    expect(before.isLate(unpacked('case', [], { at: 20 }))).toBe(true);
    expect(before.isLate(observed('b', 'inspecting', { at: 5 }))).toBe(false);
    const seen = given(
      commissioned(['a', 'b'], { at: 0 }),
      packed('case', ['a', 'b'], { at: 10 }),
      observed('b', 'inspecting', { at: 30 }),
    );
    expect(seen.isLate(unpacked('case', ['a'], { at: 20, disposition: 'mismatch_quantity' }))).toBe(true);
    expect(seen.isLate(unpacked('case', ['a'], { at: 20 }))).toBe(false);
  });

  it('is not to claim a lot out of order, unless the lot was used', () => {
    const claim = commissioned('a', { at: 50, lot: 'L', expiry: '2028-01-31' });
    const claims = given(claim);
    expect(claims.isLate(commissioned('b', { at: 10, lot: 'L', expiry: '2028-01-31' }))).toBe(false);
    const used = given(claim, transformed([], ['x'], { at: 60, lots: [['L', ROLE.input, 1]] }));
    expect(used.isLate(commissioned('b', { at: 10, lot: 'L', expiry: '2027-01-31' }))).toBe(true);
    expect(used.isLate(commissioned('b', { at: 70, lot: 'L', expiry: '2027-01-31' }))).toBe(false);
    expect(claims.isLate(transformed([], ['x'], { at: 10, lots: [['L', ROLE.input, 1]] }))).toBe(true);
  });
});
