import {
  caseOf, commission, declareError, decommission, destroy, type Json, lotOf, MAKER, observe, observeLot, pack, packOf, palletOf, quantityOf, receive,
  SHOP, ship, transform, unpack,
} from '../support/events.ts'; // biome-ignore format: a list

/** What is asked of a row: of its pack, where not said otherwise with the lot and expiry that it was commissioned with. */
export type Ask = {
  gtin?: string;
  lot?: string | null;
  serial?: string;
  exp?: string | null;
  reqGLN?: string;
  key?: 'none' | 'line';
  /** The clock of who answers. */
  now?: string;
};
export type Row = {
  situation: string;
  events: (serial: string) => Json[];
  ask?: Ask;
  expected: { verified: boolean; reason?: string; info?: string; hint?: string } | { status: number };
  policy?: readonly string[];
  zone?: string;
  profile?: 'local';
  clause?: string;
};

export const GTIN = '09520123000110';
export const CASE_GTIN = '19520123000117';
export const LOT = 'L1';
export const EXPIRY = '2028-01-31';
/** When rows are asked unless they say so. */
export const NOW = '2026-06-01T12:00:00Z';

const made = (serial: string, more: { lot?: string; expiry?: string } = {}) =>
  commission(0, packOf(serial), { lot: LOT, expiry: EXPIRY, site: MAKER, ...more });
const shipped = (serial: string) => ship(10, packOf(serial), { site: MAKER, from: MAKER, to: SHOP });
const sold = (serial: string, more: { lot?: string; expiry?: string } = {}) => [made(serial, more), shipped(serial)];
const YES = { verified: true };
const no = (reason: string, info?: string) => ({ verified: false, reason, ...(info !== undefined && { info }) });
const NOT_FOR = 'Not_for_re-distribution';
const after = (serial: string, ...more: Json[]) => [...sold(serial), ...more];
const dispense = (at: number, serial: string) =>
  observe(at, packOf(serial), { step: 'dispensing', disposition: 'dispensed', site: SHOP }, { action: 'DELETE' });
const recallLot = (lot: string) =>
  observeLot(20, [quantityOf(lotOf(lot))], { step: 'inspecting' }, { persistentDisposition: { set: ['recalled'] } });
const recalled = (serial: string) => observe(20, packOf(serial), { step: 'holding', disposition: 'recalled' });

/** The test table of domain.md §8.5, its first rows in its order, extended. Events of every row are captured once; then each is asked. */
export const ROWS: readonly Row[] = [
  { situation: 'all four match, active', events: (s) => sold(s), expected: YES, clause: '1' },
  {
    situation: 'serial unknown, product known',
    events: (s) => sold(s),
    ask: { serial: 'NONE' },
    expected: no('No_match_GTIN_Serial'),
    clause: '2',
  },
  {
    situation: 'serial right, lot wrong',
    events: (s) => sold(s),
    ask: { lot: 'L2' },
    expected: no('No_match_GTIN_Serial_Lot'),
    clause: '3',
  },
  {
    situation: 'serial right, expiry wrong',
    events: (s) => sold(s),
    ask: { exp: '280130' },
    expected: no('No_match_GTIN_Serial_Expiry'),
    clause: '4',
  },
  {
    situation: 'lot and expiry wrong',
    events: (s) => sold(s),
    ask: { lot: 'L2', exp: '290131' },
    expected: no('No_match_GTIN_Serial_Lot_Expiry'),
    clause: '5',
  },
  {
    situation: 'serial known under another GTIN',
    events: (s) => [
      commission(0, packOf(s, 12), { lot: LOT, expiry: EXPIRY, site: MAKER }),
      ship(10, packOf(s, 12), { from: MAKER, to: SHOP }),
    ],
    expected: no('No_match_GTIN_Serial'),
    clause: '6',
  },
  {
    situation: 'case differs only (capitals scanned as small letters)',
    events: (s) => sold(s),
    ask: { serial: 'lower' },
    expected: { ...no('No_match_GTIN_Serial'), hint: 'case' },
    clause: '7',
  },
  {
    situation: 'exp=260500, stored 2026-05-31',
    events: (s) => sold(s, { expiry: '2026-05-31' }),
    ask: { exp: '260500', now: '2026-05-01T00:00:00Z' },
    expected: YES,
    clause: '8',
  },
  {
    situation: 'exp=260531, stored with day 00',
    events: (s) => sold(s, { expiry: '2026-05-00' }),
    ask: { exp: '260531', now: '2026-05-01T00:00:00Z' },
    expected: YES,
    clause: '9',
  },
  { situation: 'destroyed', events: (s) => after(s, destroy(20, packOf(s))), expected: no(NOT_FOR), clause: '10' },
  {
    situation: 'dispensed, then received back',
    events: (s) => after(s, dispense(20, s), receive(30, packOf(s), { site: SHOP, to: SHOP }, { disposition: 'returned' })),
    expected: no(NOT_FOR),
    clause: '11',
  },
  {
    situation: 'recalled lot, policy false',
    events: (s) => [...sold(s, { lot: 'RA' }), recallLot('RA')],
    ask: { lot: 'RA' },
    expected: no(NOT_FOR, 'Recalled'),
    clause: '12',
  },
  {
    situation: 'recalled lot, policy info',
    events: (s) => [...sold(s, { lot: 'RB' }), recallLot('RB')],
    ask: { lot: 'RB' },
    policy: ['recalled=info'],
    expected: { ...YES, info: 'Recalled' },
    clause: '12',
  },
  {
    situation: 'one minute before the end of its last day, UTC',
    events: (s) => sold(s),
    ask: { now: '2028-01-31T23:59:00Z' },
    expected: YES,
    clause: '13',
  },
  {
    situation: 'the last day is over in UTC',
    events: (s) => sold(s),
    ask: { now: '2028-02-01T00:00:00Z' },
    expected: no(NOT_FOR, 'Expired'),
    clause: '13',
  },
  {
    situation: 'the last day is over in the zone of who answers (Tokyo), not yet in UTC',
    events: (s) => sold(s),
    zone: 'Asia/Tokyo',
    ask: { now: '2028-01-31T15:00:00Z' },
    expected: no(NOT_FOR, 'Expired'),
    clause: '13',
  },
  { situation: 'commissioned, never shipped', events: (s) => [made(s)], expected: no('Manufacturer_policy'), clause: '14' },
  {
    situation: 'commissioning declared erroneous',
    events: (s) => [made(s), declareError(made(s))],
    expected: no('No_match_GTIN_Serial'),
    clause: '15',
  },
  { situation: 'no key', events: (s) => sold(s), ask: { key: 'none' }, expected: { status: 401 }, clause: '16' },
  { situation: 'a key that may not verify', events: (s) => sold(s), ask: { key: 'line' }, expected: { status: 403 }, clause: '16' },
  {
    situation: 'GTIN with a wrong check digit',
    events: (s) => sold(s),
    ask: { gtin: '09520123000111' },
    expected: { status: 400 },
    clause: '17',
  },
  { situation: 'GTIN of another maker', events: (s) => sold(s), ask: { gtin: '00012345678905' }, expected: { status: 404 }, clause: '18' },
  { situation: 'lot missing, US profile', events: (s) => sold(s), ask: { lot: null }, expected: { status: 400 }, clause: '19' },
  {
    situation: 'lot missing, local profile',
    events: (s) => sold(s),
    profile: 'local',
    ask: { lot: null, exp: null },
    expected: YES,
    clause: '19',
  },
  { situation: 'expiry missing, US profile', events: (s) => sold(s), ask: { exp: null }, expected: { status: 400 } },
  { situation: 'expiry that is no date', events: (s) => sold(s), ask: { exp: '281301' }, expected: { status: 400 } },
  { situation: 'reqGLN with a wrong check digit', events: (s) => sold(s), ask: { reqGLN: '9520123000012' }, expected: { status: 400 } },
  {
    situation: 'serial with / % and "',
    events: () =>
      ['https://id.gs1.org/01/09520123000110/21/A%2FB%25C%22'].flatMap((link) => [
        commission(0, link, { lot: LOT, expiry: EXPIRY, site: MAKER }),
        ship(10, link, { from: MAKER, to: SHOP }),
      ]),
    ask: { serial: 'A/B%C"' },
    expected: YES,
    clause: '22',
  },
  {
    situation: 'sealed case',
    events: (s) => [
      made(`${s}a`),
      commission(0, caseOf(s), { lot: LOT, expiry: EXPIRY, site: MAKER }),
      pack(5, caseOf(s), [packOf(`${s}a`)]),
      ship(10, caseOf(s), { from: MAKER, to: SHOP }),
    ],
    ask: { gtin: CASE_GTIN, serial: 'C' },
    expected: YES,
    clause: '23',
  },
  {
    situation: 'opened case',
    events: (s) => [
      made(`${s}a`),
      made(`${s}b`),
      commission(0, caseOf(s), { lot: LOT, expiry: EXPIRY, site: MAKER }),
      pack(5, caseOf(s), [packOf(`${s}a`), packOf(`${s}b`)]),
      ship(10, caseOf(s), { from: MAKER, to: SHOP }),
      unpack(20, caseOf(s), packOf(`${s}a`)),
    ],
    ask: { gtin: CASE_GTIN, serial: 'C' },
    expected: no('Manufacturer_policy'),
  },
  {
    situation: 'case without a lot of its own, all of its content of one',
    events: (s) => [
      made(`${s}a`),
      commission(0, caseOf(s)),
      pack(5, caseOf(s), [packOf(`${s}a`)]),
      ship(10, caseOf(s), { from: MAKER, to: SHOP }),
    ],
    ask: { gtin: CASE_GTIN, serial: 'C' },
    expected: YES,
  },
  {
    situation: 'in a case on a pallet that was shipped: released by it',
    events: (s) => [
      made(s),
      commission(0, caseOf(s), { site: MAKER }),
      pack(5, caseOf(s), [packOf(s)]),
      pack(6, palletOf(9_000), [caseOf(s)]),
      ship(10, palletOf(9_000), { from: MAKER, to: SHOP }),
    ],
    expected: YES,
  },
  {
    situation: 'in a case that is on hold',
    events: (s) => [
      made(s),
      commission(0, caseOf(s), { site: MAKER }),
      pack(5, caseOf(s), [packOf(s)]),
      ship(10, caseOf(s), { from: MAKER, to: SHOP }),
      observe(20, caseOf(s), { step: 'holding', disposition: 'non_sellable_other' }),
    ],
    expected: no(NOT_FOR, 'Suspect'),
  },
  {
    situation: 'on hold, policy info',
    events: (s) => after(s, observe(20, packOf(s), { step: 'holding' })),
    policy: ['suspect=info'],
    expected: { ...YES, info: 'Suspect' },
  },
  { situation: 'decommissioned', events: (s) => after(s, decommission(20, packOf(s))), expected: no(NOT_FOR) },
  { situation: 'stolen', events: (s) => after(s, decommission(20, packOf(s), { disposition: 'stolen' })), expected: no(NOT_FOR) },
  { situation: 'taken as a sample', events: (s) => after(s, observe(20, packOf(s), { step: 'sampling' })), expected: no(NOT_FOR) },
  {
    situation: 'repacked: went into another package',
    events: (s) => after(s, transform(20, [packOf(s)], [packOf(`${s}n`)], { lot: 'L9', expiry: EXPIRY })),
    expected: no(NOT_FOR),
  },
  { situation: 'recalled by its own number', events: (s) => after(s, recalled(s)), expected: no(NOT_FOR, 'Recalled') },
  { situation: 'destroyed after a recall', events: (s) => after(s, recalled(s), destroy(30, packOf(s))), expected: no(NOT_FOR) },
  {
    situation: 'expired, policy info',
    events: (s) => sold(s),
    policy: ['expired=info'],
    ask: { now: '2028-02-01T00:00:00Z' },
    expected: { ...YES, info: 'Expired' },
  },
  {
    situation: 'recalled and expired, policy info for the recall',
    events: (s) => after(s, recalled(s)),
    policy: ['recalled=info'],
    ask: { now: '2028-02-01T00:00:00Z' },
    expected: no(NOT_FOR, 'Expired'),
  },
  {
    situation: 'recalled, asked with a wrong lot: the mismatch alone is told',
    events: (s) => after(s, recalled(s)),
    ask: { lot: 'L2' },
    expected: no('No_match_GTIN_Serial_Lot'),
  },
  {
    situation: 'claimed a second time with another lot (SN-CONFLICT)',
    events: (s) => after(s, made(s, { lot: 'LX' })),
    expected: no('Manufacturer_policy'),
  },
  {
    situation: 'observed, but never commissioned',
    events: (s) => [observe(5, packOf(s), { site: SHOP })],
    expected: no('No_match_GTIN_Serial'),
  },
  {
    situation: 'commissioned without lot and expiry',
    events: (s) => [commission(0, packOf(s), { site: MAKER }), shipped(s)],
    expected: no('No_match_GTIN_Serial_Lot_Expiry'),
  },
  { situation: 'lot differs in its case', events: (s) => sold(s), ask: { lot: 'l1' }, expected: no('No_match_GTIN_Serial_Lot') },
  {
    situation: 'returned to the wholesaler',
    events: (s) => after(s, receive(30, packOf(s), { site: SHOP, to: SHOP }, { disposition: 'returned' })),
    expected: YES,
  },
  {
    situation: 'sealed case with a pack of a recalled lot inside',
    events: (s) => [
      made(`${s}a`, { lot: 'RC' }),
      commission(0, caseOf(s), { lot: LOT, expiry: EXPIRY, site: MAKER }),
      pack(5, caseOf(s), [packOf(`${s}a`)]),
      ship(10, caseOf(s), { from: MAKER, to: SHOP }),
      recallLot('RC'),
    ],
    ask: { gtin: CASE_GTIN, serial: 'C' },
    expected: no(NOT_FOR, 'Recalled'),
  },
  {
    situation: 'sold at the till, then received as returned',
    events: (s) =>
      after(
        s,
        observe(20, packOf(s), { step: 'retail_selling', disposition: 'retail_sold', site: SHOP }),
        receive(30, packOf(s), { site: SHOP, to: SHOP }, { disposition: 'returned' }),
      ),
    expected: no(NOT_FOR),
    clause: '11',
  },
  {
    situation: 'expiry stated with a zone',
    events: (s) => sold(s, { expiry: '2028-01-31Z' }),
    expected: YES,
  },
];

/** The table as it stands in docs/verification.md. */
export function tableInWords(): string {
  const answer = (expected: Row['expected']): string => {
    if ('status' in expected) return `HTTP ${expected.status}`;
    return [
      String(expected.verified),
      expected.reason && `\`${expected.reason}\``,
      expected.info && `\`${expected.info}\``,
      expected.hint && `hint \`${expected.hint}\``,
    ]
      .filter((part) => part !== undefined)
      .join(', ');
  };
  const rows = ROWS.map((row, i) => `| ${i + 1} | ${row.situation} | ${answer(row.expected)} | ${row.clause ?? ''} |`);
  return ['| | situation | answer | domain.md §8.5 |', '|---|---|---|---|', ...rows].join('\n');
}
