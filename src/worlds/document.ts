import { localText, offsetAt, offsetText, timeText, type Zone } from './clock.ts';
import { glnOf, itemPattern, pgln, type Spelling, sgln, type TradeItem } from './keys.ts';

/** One EPCISDocument of a world: names sort in the order of capture. */
export type WorldDocument = { name: string; text: string; note: string };

export type PartyKind =
  | 'supplier'
  | 'maker'
  | 'contract maker'
  | 'packager'
  | 'wholesaler'
  | 'distribution centre'
  | 'pharmacy'
  | 'customer'
  | 'data service'
  | 'collection centre'
  | 'cell maker'
  | 'treatment site'
  | 'courier';

/** A company or a site, and its habits of writing. */
export type Party = {
  readonly index: number;
  /** The five digits after the company prefix in its GLN. */
  readonly location: string;
  readonly name: string;
  readonly kind: PartyKind;
  readonly city: string;
  readonly country: string;
  readonly zone: Zone;
  readonly spelling: Spelling;
  /** Writes eventTime in UTC with Z; the offset field still says the local one (legal, epcis-2.0.md §16.3). */
  readonly zulu: boolean;
  /** How far its clock is ahead of true time. */
  readonly skewMs: number;
};

/** Everything of an event but its type, time and id; members as on the wire. */
export type EventMembers = Record<string, unknown>;

/** The bytes of one event as this party's system writes it at that (true) time. */
export function eventText(party: Party, type: string, at: number, eventID: string, members: EventMembers): string {
  const seen = at + party.skewMs;
  const offset = offsetAt(party.zone, seen);
  const eventTime = party.zulu ? `${localText(seen, 0)}Z` : timeText(seen, offset);
  return JSON.stringify({ type, eventID, eventTime, eventTimeZoneOffset: offsetText(offset), ...members });
}

/** readPoint and, unless the things are on the road afterwards, bizLocation. */
export function placed(party: Party, spot: string, stays = true): EventMembers {
  return {
    readPoint: { id: sgln(party.location, party.spelling, spot) },
    ...(stays && { bizLocation: { id: sgln(party.location, party.spelling) } }),
  };
}

/** Who hands over to whom, in the seller's words and repeated by the buyer (domain.md §7.1). */
export type Deal = {
  /** Who sells and who lets go of it, and from where. */
  readonly owner: Party;
  readonly from: Party;
  readonly fromPlace: Party;
  readonly to: Party;
  readonly toPlace: Party;
  readonly order: string;
  readonly advice: string;
  /** A return goes under an rma instead of a po. */
  readonly returned?: boolean;
};

/** bizTransactionList, sourceList and destinationList of a shipping or receiving event, spelled as its writer spells. */
export function dealt(writer: Party, deal: Deal): EventMembers {
  const { spelling } = writer;
  const document = (issuer: Party, id: string): string => `urn:epcglobal:cbv:bt:${glnOf(issuer.location)}:${id}`;
  return {
    bizTransactionList: [
      { type: deal.returned ? 'rma' : 'po', bizTransaction: document(deal.to, deal.order) },
      { type: 'desadv', bizTransaction: document(deal.from, deal.advice) },
    ],
    sourceList: [
      { type: 'owning_party', source: pgln(deal.owner.location, spelling) },
      { type: 'possessing_party', source: pgln(deal.from.location, spelling) },
      { type: 'location', source: sgln(deal.fromPlace.location, spelling) },
    ],
    destinationList: [
      { type: 'owning_party', destination: pgln(deal.to.location, spelling) },
      { type: 'possessing_party', destination: pgln(deal.to.location, spelling) },
      { type: 'location', destination: sgln(deal.toPlace.location, spelling) },
    ],
  };
}

/** Lot and expiry as an ObjectEvent with action ADD tells them. */
export const ilmd = (lot: string, expiry: string): EventMembers => ({
  ilmd: { 'cbvmda:lotNumber': lot, 'cbvmda:itemExpirationDate': expiry },
});

/** An EPCISDocument with one event a line. `prefixes`: namespaces of further members, by prefix. */
export function documentText(
  sender: Party,
  createdAt: number,
  events: readonly string[],
  masterData?: EventMembers,
  prefixes?: Readonly<Record<string, string>>,
): string {
  const head = JSON.stringify({
    '@context': ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', ...(prefixes ? [prefixes] : [])],
    type: 'EPCISDocument',
    schemaVersion: '2.0',
    creationDate: timeText(createdAt, offsetAt(sender.zone, createdAt)),
    sender: sgln(sender.location, sender.spelling),
    ...(masterData && { epcisHeader: { epcisMasterData: masterData } }),
  });
  return `${head.slice(0, -1)},"epcisBody":{"eventList":[\n${events.join(',\n')}\n]}}\n`;
}

const attribute = (name: string, value: string): EventMembers => ({ id: `urn:epcglobal:cbv:mda#${name}`, attribute: value });

/** Header master data (MD-1 to MD-5): each party as party and as location, each trade item by its name. */
export function masterData(parties: readonly Party[], items: readonly { item: TradeItem; maker: Party }[]): EventMembers {
  const described = (id: string, party: Party): EventMembers => ({
    id,
    attributes: [attribute('name', party.name), attribute('city', party.city), attribute('countryCode', party.country)],
  });
  return {
    vocabularyList: [
      {
        type: 'urn:epcglobal:epcis:vtype:Party',
        vocabularyElementList: parties.map((party) => described(pgln(party.location), party)),
      },
      {
        type: 'urn:epcglobal:epcis:vtype:Location',
        vocabularyElementList: parties.map((party) => described(sgln(party.location), party)),
      },
      {
        type: 'urn:epcglobal:epcis:vtype:EPCClass',
        vocabularyElementList: items.map(({ item, maker }) => ({
          id: itemPattern(item),
          attributes: [attribute('descriptionShort', item.name), attribute('manufacturerOfTradeItemPartyName', maker.name)],
        })),
      },
    ],
  };
}
