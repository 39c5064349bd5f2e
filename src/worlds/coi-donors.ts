import { DAY, HOUR } from './clock.ts';
import { act, bagOf, type Course, ITEMS, idFrom, itemOf, type Named, pass, send, tell, wait } from './coi-book.ts';
import { moveTo, type OrderCourse } from './coi-order.ts';
import { among, type CoiPerson, type CoiSite } from './coi-parties.ts';
import { placed } from './document.ts';
import { lgtin, lotKey, partyKey } from './keys.ts';

/** One donor's cells, from the donation to the dose bags that wait to be allocated. */
export type Bank = {
  readonly donorRef: string;
  readonly din: string;
  readonly maker: CoiSite;
  readonly lots: readonly string[];
  readonly doses: readonly Named[];
  /** Dose bags that are nobody's yet. */
  readonly free: Named[];
  /** When the doses are there. */
  readonly readyAt: number;
  /** Bags that were given, and to whom they are bound, by key. */
  readonly infused: Set<string>;
  readonly allocated: Map<string, string>;
};

/** Donation → bank → expanded cells → lots of dose bags (domain.md §12.6). */
export function makeBank(
  course: Course,
  o: { donorRef: string; n: number; centre: CoiSite; maker: CoiSite; lots: readonly number[] },
): Bank {
  const { donorRef, n, centre, maker } = o;
  const { random } = course;
  act(course, 'donor', idFrom(random, 'dn'), { donorRef }, []);
  pass(course, DAY);
  const din = `${centre.fin}26${String(900_000 + n)}`;
  const bag = bagOf(din, '00');
  const donor = { 'coi:donor': donorRef };
  tell(course, centre.party, 'ObjectEvent', 'donation', {
    action: 'ADD',
    bizStep: 'commissioning',
    disposition: 'active',
    epcList: [bag.uri],
    ...placed(centre.party, 'APHERESIS'),
    ...donor,
  });
  send(course);
  pass(course, DAY);
  const here = placed(maker.party, 'GMP');
  const bank = { epcClass: lgtin(ITEMS.bank, `BANK-${n}`), quantity: 40, uom: 'MLT' };
  tell(course, maker.party, 'TransformationEvent', 'bank', {
    inputEPCList: [bag.uri],
    outputQuantityList: [bank],
    ...here,
    ...donor,
  });
  const lots: string[] = [];
  const doses: Named[] = [];
  o.lots.forEach((count, i) => {
    pass(course, 2 * DAY);
    const expanded = { epcClass: lgtin(ITEMS.intermediate, `EXP-${n}-${i + 1}`), quantity: 900, uom: 'MLT' };
    tell(course, maker.party, 'TransformationEvent', 'expansion', {
      inputQuantityList: [{ ...bank, quantity: 10 }],
      outputQuantityList: [expanded],
      ...here,
      ...donor,
    });
    wait(course, 6 * HOUR);
    const lot = `ALLO-${n}-${i + 1}`;
    const bags = Array.from({ length: count }, (_, k) => itemOf(ITEMS.donorDose, `A${n}-${i + 1}-${k + 1}`));
    tell(course, maker.party, 'TransformationEvent', 'fill', {
      inputQuantityList: [expanded],
      outputEPCList: bags.map(({ uri }) => uri),
      ilmd: {
        'cbvmda:lotNumber': lot,
        'cbvmda:itemExpirationDate': new Date(course.now + 700 * DAY).toISOString().slice(0, 10),
      },
      ...here,
      ...donor,
    });
    lots.push(lotKey(ITEMS.donorDose, lot));
    doses.push(...bags);
  });
  send(course);
  return {
    donorRef,
    din,
    maker,
    lots,
    doses,
    free: [...doses],
    readyAt: course.now + DAY,
    infused: new Set(),
    allocated: new Map(),
  };
}

/** A dose bag of the bank becomes this patient's, and it is released for them. */
export function allocate(course: OrderCourse, bank: Bank): Named {
  const { maker, random, orderId, coordinator } = course;
  course.now = Math.max(course.now, bank.readyAt);
  pass(course, DAY);
  const dose = bank.free.shift()!;
  const [reviewer] = among(maker, 'reviewer', random) as [CoiPerson];
  const [qp] = among(maker, 'qualified person', random) as [CoiPerson];
  const allocationId = idFrom(random, 'al');
  const match = [{ criterion: 'HLA', pass: true, rules: 'match-3' }];
  act(course, 'allocation', allocationId, { allocationId, container: dose.key, orderId, match }, [
    [coordinator, 'authored'],
    [reviewer, 'approved'],
  ]);
  bank.allocated.set(dose.key, course.coiId);
  course.containers.push(dose.key);
  wait(course, 5 * HOUR);
  const [analyst] = among(maker, 'analyst', random) as [CoiPerson];
  const resultId = idFrom(random, 're');
  const result = { resultId, sample: dose.key, test: 'viability', value: 80 + random.below(10), unit: '%', limits: { min: 70 } };
  act(course, 'result', resultId, { ...result, verdict: 'pass', computed: 'pass' }, [[analyst, 'authored']]);
  wait(course, 5 * HOUR);
  const releaseId = idFrom(random, 'rl');
  act(course, 'release', releaseId, { releaseId, orderId, containers: [dose.key] }, [
    [reviewer, 'reviewed'],
    [qp, 'released'],
  ]);
  course.state = 'released';
  return dose;
}

/** After the infusion of a donor's cells nothing is left of them here. */
export function recovered(course: OrderCourse): void {
  const { site, random, coordinator } = course;
  pass(course, DAY);
  const [physician] = among(site, 'physician', random) as [CoiPerson];
  moveTo(course, 'followUp', [[physician, 'reviewed']]);
  wait(course, 28 * DAY);
  moveTo(course, 'closed', [[coordinator, 'reviewed']]);
}

/** The donor is reported infected: everything that is left of the donation is held, and every site that has a recipient is told (C-16). */
export function lookBack(course: Course, bank: Bank, sites: readonly CoiSite[], privacyOf: CoiPerson): void {
  const { book, random } = course;
  const left = bank.doses.filter(({ key }) => !bank.infused.has(key));
  const [reviewer] = among(bank.maker, 'reviewer', random) as [CoiPerson];
  const holdId = idFrom(random, 'hd');
  const reason = 'post-donation information about the donor';
  act(course, 'hold', holdId, { holdId, things: left.map(({ key }) => key).sort(), chain: null, reason }, [[reviewer, 'approved', reason]]);
  const acts = [holdId];
  for (const { party } of sites) {
    wait(course, HOUR / 4);
    const noticeId = idFrom(random, 'no');
    const body = { noticeId, donor: bank.donorRef, chain: null, lot: null, to: partyKey(party.location), state: 'sent', note: reason };
    acts.push(act(course, 'notice', noticeId, body, [[privacyOf, 'authored']]));
  }
  const chains = [...bank.allocated.values()].sort();
  book.plants.push({ kind: 'look-back', chains, acts, events: [], note: 'A donor is reported infected after the donation.' });
  for (const { key } of left) {
    const chain = bank.allocated.get(key);
    if (chain !== undefined) book.onHold.add(chain);
  }
  book.lookBack = {
    donorRef: bank.donorRef,
    din: bank.din,
    lots: [...bank.lots].sort(),
    doses: bank.doses.map(({ key }) => key).sort(),
    chains,
    stock: left
      .filter(({ key }) => !bank.allocated.has(key))
      .map(({ key }) => key)
      .sort(),
  };
}
