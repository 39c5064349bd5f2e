import type { Zone } from './clock.ts';
import type { Party, PartyKind } from './document.ts';
import type { Random } from './random.ts';

/** Everybody in a seeded world (domain.md §19): 3 API and 6 excipient suppliers, 2 makers, 2 CMOs, 3 packaging sites, 5 wholesalers with 4 DCs each, 300 pharmacies. */
export type Parties = {
  all: Party[];
  apiSuppliers: Party[];
  excipientSuppliers: Party[];
  /** Makers and contract makers, who turn raw lots into bulk. */
  makers: Party[];
  packagers: Party[];
  wholesalers: Wholesaler[];
  /** Sends the pharmacies' events for them, once a day. */
  pharmacyService: Party;
};

export type Wholesaler = { company: Party; centres: Party[]; pharmacies: Party[] };

const EUROPE = {
  zone: 'Europe/Zurich',
  country: 'CH',
  cities: ['Basel', 'Bern', 'Zurich', 'Geneva', 'Lucerne', 'Lugano', 'Chur', 'Sion'],
} as const;
const INDIA = { zone: 'Asia/Kolkata', country: 'IN', cities: ['Hyderabad', 'Ahmedabad', 'Pune', 'Bengaluru'] } as const;
const COLOMBIA = { zone: 'America/Bogota', country: 'CO', cities: ['Bogota', 'Medellin', 'Cali', 'Barranquilla'] } as const;
type Region = { zone: Zone; country: string; cities: readonly string[] };

/** GLNs of seeded worlds begin here; the numbers below belong to scenario E-01. */
const FIRST_LOCATION = 1000;
const PHARMACIES_EACH = 60;

/** The parties of a world. Clocks are 0 to 90 s ahead; some partners write Digital Links, one wholesaler writes its times in UTC. */
export function openParties(random: Random): Parties {
  const all: Party[] = [];
  const add = (kind: PartyKind, name: string, region: Region, habits: Partial<Pick<Party, 'spelling' | 'zulu'>> = {}): Party => {
    const party: Party = {
      index: all.length,
      location: String(FIRST_LOCATION + all.length).padStart(5, '0'),
      name,
      kind,
      city: random.pick(region.cities),
      country: region.country,
      zone: region.zone,
      spelling: habits.spelling ?? 'urn',
      zulu: habits.zulu ?? false,
      skewMs: random.below(91) * 1000,
    };
    all.push(party);
    return party;
  };
  const several = (count: number, make: (n: number) => Party): Party[] => Array.from({ length: count }, (_, i) => make(i + 1));

  const apiSuppliers = several(3, (n) => add('supplier', `API supplier ${n}`, n === 3 ? EUROPE : INDIA));
  const excipientSuppliers = several(6, (n) => add('supplier', `Excipient supplier ${n}`, EUROPE));
  const makers = [
    add('maker', 'Maker 1', EUROPE),
    add('maker', 'Maker 2', EUROPE),
    add('contract maker', 'Contract maker 1', EUROPE),
    add('contract maker', 'Contract maker 2', INDIA),
  ];
  const packagers = several(3, (n) => add('packager', `Packaging site ${n}`, n === 3 ? INDIA : EUROPE));
  const wholesalers = Array.from({ length: 5 }, (_, i): Wholesaler => {
    const n = i + 1;
    const region = n <= 3 ? EUROPE : COLOMBIA;
    const habits = { spelling: n === 2 || n === 5 ? 'link' : 'urn', zulu: n === 3 } as const;
    return {
      company: add('wholesaler', `Wholesaler ${n}`, region, habits),
      centres: several(4, (m) => add('distribution centre', `Wholesaler ${n}, distribution centre ${m}`, region, habits)),
      pharmacies: several(PHARMACIES_EACH, (m) =>
        add('pharmacy', `Pharmacy ${i * PHARMACIES_EACH + m}`, region, { spelling: m % 4 === 0 ? 'link' : 'urn' }),
      ),
    };
  });
  const pharmacyService = add('data service', 'Pharmacy data service', EUROPE);
  return { all, apiSuppliers, excipientSuppliers, makers, packagers, wholesalers, pharmacyService };
}
