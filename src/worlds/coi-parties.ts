import type { Zone } from './clock.ts';
import type { Party, PartyKind } from './document.ts';
import { partyKey } from './keys.ts';
import type { Random } from './random.ts';

/** Somebody who signs in the COI world. Registered by its id, login and printed name; nobody knows a secret of theirs. */
export type CoiPerson = {
  readonly id: string;
  readonly login: string;
  /** Printed name: a post, since nobody is invented here. */
  readonly name: string;
  readonly roles: readonly string[];
  /** Canonical keys of the sites that they act for; none: all. */
  readonly sites: readonly string[];
  readonly zone: Zone;
};

/** A site with the people on its posts. `fin` is its ISBT 128 facility identification number. */
export type CoiSite = { readonly party: Party; readonly fin: string; readonly people: Readonly<Record<string, readonly CoiPerson[]>> };

/** Everybody of domain.md §19, COI world: 8 collection centres, 2 cell makers, 10 treatment sites, 3 couriers, and those who coordinate. */
export type CoiParties = {
  readonly centres: readonly CoiSite[];
  readonly makers: readonly CoiSite[];
  readonly sites: readonly CoiSite[];
  readonly couriers: readonly CoiSite[];
  readonly coordinators: readonly CoiPerson[];
  readonly all: readonly Party[];
  readonly people: readonly CoiPerson[];
};

const EUROPE = { zone: 'Europe/Zurich', country: 'CH', cities: ['Basel', 'Bern', 'Zurich', 'Geneva', 'Lausanne'] } as const;
const INDIA = { zone: 'Asia/Kolkata', country: 'IN', cities: ['Mumbai', 'Chennai', 'Bengaluru'] } as const;
const COLOMBIA = { zone: 'America/Bogota', country: 'CO', cities: ['Bogota', 'Medellin', 'Cali'] } as const;
type Region = { zone: Zone; country: string; cities: readonly string[] };
const regionOf = (n: number): Region => (n % 4 === 2 ? INDIA : n % 4 === 3 ? COLOMBIA : EUROPE);

/** GLNs of the COI world begin here; those below belong to the other worlds. */
const FIRST_LOCATION = 5000;

type Post = { readonly post: string; readonly count: number; readonly role: string };
const POSTS: Readonly<Record<'centre' | 'maker' | 'site' | 'courier', readonly Post[]>> = {
  centre: [
    { post: 'nurse', count: 4, role: 'collectionSite' },
    { post: 'cell lab', count: 2, role: 'collectionSite' },
  ],
  maker: [
    { post: 'dock', count: 2, role: 'warehouse' },
    { post: 'operator', count: 8, role: 'operator' },
    { post: 'analyst', count: 2, role: 'labAnalyst' },
    { post: 'reviewer', count: 3, role: 'qaReviewer' },
    { post: 'qualified person', count: 2, role: 'qp' },
  ],
  site: [
    { post: 'physician', count: 2, role: 'treatmentSite' },
    { post: 'pharmacist', count: 3, role: 'treatmentSite' },
    { post: 'nurse', count: 4, role: 'treatmentSite' },
  ],
  courier: [{ post: 'driver', count: 4, role: 'courier' }],
};

/** The parties of a COI world. Clocks are 0 to 90 s ahead; some write Digital Links, one maker writes its times in UTC. */
export function openCoiParties(random: Random, newId: (prefix: string) => string): CoiParties {
  const all: Party[] = [];
  const people: CoiPerson[] = [];
  const person = (name: string, role: string, sites: readonly string[], zone: Zone): CoiPerson => {
    const one: CoiPerson = {
      id: newId('pe'),
      login: name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '.')
        .replace(/^\.|\.$/g, ''),
      name,
      roles: [role],
      sites,
      zone,
    };
    people.push(one);
    return one;
  };
  const site = (kind: PartyKind, name: string, posts: readonly Post[], region: Region): CoiSite => {
    const n = all.length;
    const party: Party = {
      index: n,
      location: String(FIRST_LOCATION + n).padStart(5, '0'),
      name,
      kind,
      city: random.pick(region.cities),
      country: region.country,
      zone: region.zone,
      spelling: n % 5 === 4 ? 'link' : 'urn',
      zulu: n === 9,
      skewMs: random.below(91) * 1000,
    };
    all.push(party);
    const key = partyKey(party.location);
    return {
      party,
      fin: `A99${String(10 + n)}`,
      people: Object.fromEntries(
        posts.map(({ post, count, role }) => [
          post,
          Array.from({ length: count }, (_, i) => person(`${name}, ${post} ${i + 1}`, role, [key], party.zone)),
        ]),
      ),
    };
  };
  const several = (count: number, make: (n: number) => CoiSite): CoiSite[] => Array.from({ length: count }, (_, i) => make(i + 1));
  const centres = several(8, (n) => site('collection centre', `Collection centre ${n}`, POSTS.centre, regionOf(n)));
  const makers = several(2, (n) => site('cell maker', `Cell maker ${n}`, POSTS.maker, EUROPE));
  const sites = several(10, (n) => site('treatment site', `Treatment site ${n}`, POSTS.site, regionOf(n)));
  const couriers = several(3, (n) => site('courier', `Courier ${n}`, POSTS.courier, EUROPE));
  const coordinators = Array.from({ length: 3 }, (_, i) => person(`Coordinator ${i + 1}`, 'coiCoordinator', [], EUROPE.zone));
  return { centres, makers, sites, couriers, coordinators, all, people };
}

/** Two or more different people of a post. */
export function among(site: CoiSite, post: string, random: Random, count = 1): CoiPerson[] {
  const there = site.people[post] ?? [];
  const first = random.below(there.length);
  return Array.from({ length: count }, (_, i) => there[(first + i) % there.length]!);
}
