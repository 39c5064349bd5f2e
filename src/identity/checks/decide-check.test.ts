import { describe, expect, it, vi } from 'vitest';
import {
  at,
  BAG,
  CHAIN,
  check,
  DOSE,
  deciding,
  ORDER,
  OTHER,
  PATIENT,
  signature,
  told,
  worldOf,
} from '../../../test/support/check-worlds.ts';
import type { Act, CheckRead } from '../acts.ts';
import type { ChainView } from '../view.ts';
import type { Signature } from '../world.ts';
import { compareReads, countIndependent, type Weighed } from './compare.ts';
import { decideCheck, decideResolution } from './decide-check.ts';
import { canonicalValue, independent } from './identifiers.ts';

vi.mock('./demands.ts', async () => (await import('../../../test/support/check-worlds.ts')).plainDemands());

const code = (c: string, more: object = {}) => expect.objectContaining({ code: c, ...more });
const read = (source: string, identifier: string, value: string, by = 'p1', more: Partial<CheckRead> = {}): CheckRead => ({
  source,
  identifier,
  value,
  by,
  manual: false,
  reason: null,
  ...more,
});

const READS = [
  read('bag', 'coiId', CHAIN, 'p1'),
  read('order', 'coiId', CHAIN, 'p2'),
  read('bag', 'din', 'A999925123456', 'p2'),
  read('paper', 'din', 'A999925123456', 'p1'),
];
const ALL = [
  { identifier: 'coiId', sources: ['bag', 'order'], match: true },
  { identifier: 'din', sources: ['bag', 'paper'], match: true },
];

function body(more: Partial<Act<'check'>> = {}): Act<'check'> {
  return { ...check({ minutes: 0, checkpoint: 'collection', containers: [BAG], reads: READS, compared: ALL, ...more }).body };
}
const TWO = [signature('p1'), signature('p2')];
const view = { ...told(), findings: [], holds: [] } as ChainView;
const decide = async (act: Act<'check'>, signatures: readonly Signature[] = TWO, world = worldOf([])) =>
  await decideCheck(deciding(signatures, { world, view }), act);

describe('INV-09: what a check compares', () => {
  it('are two independent identifiers from two sources, read in this check', async () => {
    await expect(decide(body())).resolves.toBeUndefined();
  });

  it.each([
    ['one identifier', READS.slice(0, 2), ALL.slice(0, 1)],
    ['one source', [READS[0], READS[2]].map((one, i) => ({ ...(one as CheckRead), by: `p${i + 1}` })), ALL],
    ['a second identifier that was read from one source only, and so remembered', READS.slice(0, 3), ALL],
    [
      'a number that contains the other',
      [READS[2], READS[3], read('bag', 'container', BAG), read('order', 'container', BAG)] as CheckRead[],
      [ALL[1], { identifier: 'container', sources: ['bag', 'order'], match: true }] as typeof ALL,
    ],
    [
      'what goes with everything of a product',
      [READS[0], READS[1], read('bag', 'product', 'S1295'), read('order', 'product', 'S1295')] as CheckRead[],
      [ALL[0], { identifier: 'product', sources: ['bag', 'order'], match: true }] as typeof ALL,
    ],
  ])('are not %s', async (_, reads, compared) => {
    await expect(decide(body({ reads, compared }))).rejects.toThrow(code('COI-WEAKCHECK', { at: '/reads' }));
  });

  it('says what lacks', async () => {
    await expect(decide(body({ reads: READS.slice(0, 2), compared: ALL.slice(0, 1) }))).rejects.toThrow(
      /2 independent identifiers that were compared, there is 1/,
    );
  });

  it('counts name and birth date on a wristband as two, compared in the vault', () => {
    const weighed: Weighed[] = [
      { source: 'wristband', identifier: 'patientName', value: 'hmac:aa', canonical: 'hmac:aa', patients: true },
      { source: 'wristband', identifier: 'birthDate', value: 'hmac:bb', canonical: 'hmac:bb', patients: true },
    ];
    expect(countIndependent(weighed)).toBe(2);
  });

  it.each([
    ['coiId and DIN', { identifier: 'coiId', value: CHAIN }, { identifier: 'din', value: 'A999925123456' }, true],
    ['coiId and a number that contains it', { identifier: 'coiId', value: CHAIN }, { identifier: 'lot', value: `L-${CHAIN}` }, false],
    ['DIN and the bag of it', { identifier: 'din', value: 'A999925123456' }, { identifier: 'container', value: BAG }, false],
    [
      'DIN and a chain that was made of it',
      { identifier: 'coiId', value: 'CHA999925123456' },
      { identifier: 'din', value: 'A999925123456' },
      false,
    ],
    ['DIN and the serial of the same bag', { identifier: 'din', value: 'A999925123456' }, { identifier: 'container', value: DOSE }, true],
    [
      'birth date and a number that begins with it',
      { identifier: 'birthDate', value: '1961-02-03' },
      { identifier: 'recordNumber', value: '030261-1234' },
      false,
    ],
    [
      'birth date and another number',
      { identifier: 'birthDate', value: '1961-02-03' },
      { identifier: 'recordNumber', value: '4711-08-15' },
      true,
    ],
    ['one identifier twice', { identifier: 'din', value: 'A' }, { identifier: 'din', value: 'B' }, false],
    ['how a number is set apart', { identifier: 'din', value: 'A999925123456' }, { identifier: 'lot', value: 'a9999 25-123456' }, false],
  ])('%s: independent %s', (_, a, b, expected) => {
    expect(independent(a, b)).toBe(expected);
    expect(independent(b, a)).toBe(expected);
  });
});

describe('what is read', () => {
  it.each([
    ['din', '=A99992512345600', 'A999925123456'],
    ['din', ']C0=A99992512345600', 'A999925123456'],
    ['din', 'a9999 25 123456', 'A999925123456'],
    ['din', BAG, 'A999925123456'],
    ['coiId', `&/${CHAIN}`, CHAIN],
    ['coiId', CHAIN.toLowerCase(), CHAIN],
    ['container', '=A99992512345600=<S1295400', BAG],
    ['container', '(01)09520123000110(21)D1', DOSE],
    ['container', 'https://id.gs1.org/01/09520123000110/21/D1', DOSE],
  ])('is compared canonically: %s %s', (identifier, text, canonical) => {
    expect(canonicalValue(identifier, text, '/reads/0/value')).toBe(canonical);
  });

  it.each([
    ['din', '=A99992512345671', 'ID-CHECK'],
    ['din', 'A999925123456A', 'ID-CHECK'],
    ['coiId', `${CHAIN}0`, 'ID-CHECK'],
    ['coiId', 'x', 'ID-FORM'],
    ['din', 'Erika Musterfrau', 'ID-FORM'],
    ['orderId', 'my order', 'ID-FORM'],
  ])('is refused when it was misread, without being repeated: %s %s', (identifier, text, expected) => {
    expect(() => canonicalValue(identifier, text, '/reads/0/value')).toThrow(code(expected, { at: '/reads/0/value' }));
    expect(() => canonicalValue(identifier, text, '/reads/0/value')).not.toThrow(text);
  });

  it('of one bag agrees by any of its keys', () => {
    const truth = { chain: CHAIN, orderId: ORDER, patientRef: PATIENT, donors: [], containers: [[BAG, DOSE]] };
    const weighed = [
      { source: 'bag', identifier: 'container', value: BAG, canonical: BAG, patients: null },
      { source: 'order', identifier: 'container', value: DOSE, canonical: BAG, patients: null },
    ];
    expect(compareReads(weighed, truth)).toEqual([{ identifier: 'container', sources: ['bag', 'order'], match: true }]);
  });

  it('C-22: a last digit that makes another order’s valid number is a mismatch', () => {
    const truth = { chain: CHAIN, orderId: ORDER, patientRef: PATIENT, donors: [], containers: [[BAG]] };
    const weighed = [
      { source: 'bag', identifier: 'coiId', value: OTHER, canonical: OTHER, patients: null },
      { source: 'order', identifier: 'coiId', value: CHAIN, canonical: CHAIN, patients: null },
    ];
    expect(compareReads(weighed, truth)[0]?.match).toBe(false);
  });

  it('agrees among itself and is another order’s all the same', () => {
    const truth = { chain: CHAIN, orderId: ORDER, patientRef: PATIENT, donors: [], containers: [[BAG]] };
    const weighed = ['bag', 'paper'].map((source) => ({
      source,
      identifier: 'din',
      value: 'A999925000017',
      canonical: 'A999925000017',
      patients: null,
    }));
    expect(compareReads(weighed, truth)).toEqual([{ identifier: 'din', sources: ['bag', 'paper'], match: false }]);
  });

  it('is not what it was compared with any more when the world has changed: the check is sent again', async () => {
    const compared = [{ ...(ALL[0] as (typeof ALL)[number]), match: false }, ALL[1] as (typeof ALL)[number]];
    await expect(decide(body({ compared, result: 'fail' }))).rejects.toThrow(code('EV-STALE'));
  });
});

describe('INV-10: who checks', () => {
  it.each([
    ['one person twice', [signature('p1'), signature('p1', { id: 'sg_2', minutes: 1 })]],
    ['one person', [signature('p1')]],
    [
      'C-15: two signatures of one session within 3 s',
      [signature('p1', { session: 's' }), signature('p2', { session: 's', at: at(0) + 2_900 })],
    ],
    ['somebody who is not qualified', [signature('p1'), signature('p2', { qualifications: [] })]],
    [
      'a qualification that has ended',
      [signature('p1'), signature('p2', { qualifications: [{ step: 'collection', until: '2026-05-03' }] })],
    ],
    ['signatures more than ten minutes apart', [signature('p1'), signature('p2', { minutes: 11 })]],
  ])('is no pair of two: %s', async (_, signatures) => {
    await expect(decide(body(), signatures)).rejects.toThrow(code('COI-2P'));
  });

  it('may share a session at their own times', async () => {
    const signatures = [signature('p1', { session: 's' }), signature('p2', { session: 's', at: at(0) + 3_100 })];
    await expect(decide(body(), signatures)).resolves.toBeUndefined();
  });

  it('has not performed what it checks, where the template says so', async () => {
    const bedside = body({ checkpoint: 'bedside' });
    await expect(decide({ ...bedside, performedBy: ['p3'] })).resolves.toBeUndefined();
    await expect(decide({ ...bedside, performedBy: ['p2'] })).rejects.toThrow(code('COI-2P'));
    await expect(decide(body({ performedBy: ['p2'] }))).resolves.toBeUndefined();
  });

  it('signs, and is qualified, where one is enough', async () => {
    const reads = READS.map((one) => ({ ...one, by: 'p1' }));
    await expect(decide(body({ checkpoint: 'pack', reads }), [signature('p1')])).resolves.toBeUndefined();
    await expect(decide(body({ checkpoint: 'pack', reads }), [])).rejects.toThrow(code('SIG-MISSING'));
    await expect(decide(body({ checkpoint: 'pack', reads }), [signature('p1', { qualifications: [] })])).rejects.toThrow(code('COI-2P'));
  });

  it('reads for themselves, each of the two', async () => {
    const reads = READS.map((one) => ({ ...one, by: 'p1' }));
    await expect(decide(body({ reads }))).rejects.toThrow(code('COI-2P', { at: '/reads' }));
  });

  it('signs what they have read', async () => {
    const reads = [...READS.slice(0, 3), { ...(READS[3] as CheckRead), by: 'p3' }];
    await expect(decide(body({ reads }))).rejects.toThrow(code('COI-2P', { at: '/reads/3/by' }));
  });
});

describe('INV-11: a mismatch', () => {
  const reads = [read('bag', 'coiId', OTHER, 'p1'), ...READS.slice(1)];
  const compared = [{ identifier: 'coiId', sources: ['bag', 'order'], match: false }, ALL[1] as (typeof ALL)[number]];

  it('is put on record, not refused', async () => {
    await expect(decide(body({ reads, compared, result: 'fail' }))).resolves.toBeUndefined();
  });
});

describe('INV-12: after a failed check', () => {
  const failed = check({ minutes: 0, checkId: 'ck_failed', checkpoint: 'collection', containers: [BAG], result: 'fail' });
  const resolution = {
    minutes: 5,
    kind: 'resolution' as const,
    body: { resolutionId: 're_1', checkId: 'ck_failed', decision: 'relabel', reason: 'wrong label set' },
  };

  it('none passes before quality has resolved it', async () => {
    await expect(decide(body(), TWO, worldOf([failed]))).rejects.toThrow(code('COI-MISMATCH', { at: '/checkpoint', things: [BAG] }));
  });

  it('none passes without reference to the resolution', async () => {
    await expect(decide(body(), TWO, worldOf([failed, resolution]))).rejects.toThrow(code('COI-MISMATCH', { at: '/resolution' }));
    await expect(decide(body({ resolution: 're_none' }), TWO, worldOf([failed, resolution]))).rejects.toThrow(code('COI-MISMATCH'));
  });

  it('one passes with it, and the next ones are free again', async () => {
    const world = worldOf([failed, resolution]);
    await expect(decide(body({ resolution: 're_1' }), TWO, world)).resolves.toBeUndefined();
    const passed = check({ minutes: 9, checkpoint: 'collection', containers: [BAG], resolution: 're_1' });
    await expect(decide(body(), TWO, worldOf([failed, resolution, passed]))).resolves.toBeUndefined();
  });

  it('other checkpoints are not concerned', async () => {
    await expect(decide(body({ checkpoint: 'pack' }), TWO, worldOf([failed]))).resolves.toBeUndefined();
  });

  it('quality resolves it, once, and none of the checkers', async () => {
    const world = worldOf([failed]);
    const resolve = (signatures: readonly Signature[], here = world) =>
      decideResolution(deciding(signatures, { world: here, view }), resolution.body);
    const quality = (person: string, role = 'qaReviewer') => signature(person, { roles: [role], meaning: 'resolved' });
    await expect(resolve([quality('q1')])).resolves.toBeUndefined();
    await expect(resolve([])).rejects.toThrow(code('SIG-MISSING'));
    await expect(resolve([quality('q1', 'operator')])).rejects.toThrow(code('SIG-MISSING'));
    await expect(resolve([quality('p1')])).rejects.toThrow(code('SIG-SOD'));
    await expect(resolve([quality('q1', 'qp')], worldOf([failed, resolution]))).rejects.toThrow(code('REQ-REPEAT'));
    await expect(resolve([quality('q1', 'qp')], worldOf([]))).rejects.toThrow(code('NOT-FOUND'));
  });
});

describe('INV-13: what is typed in', () => {
  const typed = (reason: string | null) => READS.map((one, i) => (i === 0 ? { ...one, manual: true, reason } : one));

  it('has a reason and a second person', async () => {
    await expect(decide(body({ reads: typed('label torn') }))).resolves.toBeUndefined();
  });

  it.each([null, '  '])('is refused without a reason (%j)', async (reason) => {
    await expect(decide(body({ reads: typed(reason) }))).rejects.toThrow(code('COI-MANUAL', { at: '/reads/0/reason' }));
  });

  it('is refused without a second person, also where one is enough', async () => {
    const reads = typed('label torn').map((one) => ({ ...one, by: 'p1' }));
    await expect(decide(body({ checkpoint: 'pack', reads }), [signature('p1')])).rejects.toThrow(code('COI-MANUAL', { at: '/signatures' }));
  });
});

describe('a bedside check', () => {
  it('is about one bag', async () => {
    await expect(decide(body({ checkpoint: 'bedside', containers: [BAG, DOSE] }))).rejects.toThrow(
      code('COI-WEAKCHECK', { at: '/containers' }),
    );
  });
});
