import { sql } from 'drizzle-orm';
import type { EpcisEvent } from '../epcis/model.ts';
import { glnOf } from '../identifiers/index.ts';
import type { Db } from '../store/db.ts';

/** The attribute of a party or place in master data that makes its owner an authorised trading partner, up to and with the date that it says. */
const LICENCE = 'urn:lotline:mda:licenceValidUntil';

/**
 * The destinations of a shipment to which nothing may be sent (SHIP-PARTNER): those whose licence master data do not know, or that has run out at the
 * event's time. Where master data name no licence of anybody, nothing is said of anybody.
 */
export async function unauthorised(db: Db, event: EpcisEvent): Promise<string[]> {
  const licences = await licencesKnown(db);
  if (licences.size === 0) return [];
  const parties = event.destinationList.filter(({ type }) => type === 'owning_party' || type === 'possessing_party');
  const wrong = parties.filter(({ id }) => {
    const until = licences.get(glnOf(id) ?? id);
    const day = until === undefined ? Number.NaN : Date.parse(until.slice(0, 10));
    return !(day + 86_400_000 > event.eventTime.ms);
  });
  return [...new Set(wrong.map(({ id }) => id))];
}

/** Until when each partner is licensed, by GLN (by id, where it has none), as told last. */
async function licencesKnown(db: Db): Promise<Map<string, string>> {
  const rows = await db.all<{ id: string; attributes: string }>(
    sql`SELECT m.id, m.attributes FROM masterdata m WHERE m.attributes LIKE ${`%${LICENCE}%`}
        AND NOT EXISTS (SELECT 1 FROM masterdata n WHERE n.type = m.type AND n.id = m.id AND n.seq > m.seq) ORDER BY m.seq`,
  );
  const licences = new Map<string, string>();
  for (const { id, attributes } of rows) {
    const until = (JSON.parse(attributes) as Record<string, unknown>)[LICENCE];
    if (typeof until === 'string') licences.set(glnOf(id) ?? id, until);
  }
  return licences;
}
