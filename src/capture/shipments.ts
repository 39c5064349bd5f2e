import { sql } from 'drizzle-orm';
import type { EpcisEvent } from '../epcis/model.ts';
import { byShortName, completenessOf } from '../genealogy/completeness.ts';
import { inspectShipment, type ShipmentFinding } from '../genealogy/shipment.ts';
import { unauthorised } from '../genealogy/shipment-partner.ts';
import { glnOf, parseKey } from '../identifiers/index.ts';
import { FINDINGS } from '../lifecycle/findings.ts';
import type { Journal } from '../store/journal.ts';
import { eachText } from '../store/sql.ts';
import { readMasterdata } from './masterdata.ts';
import type { EventVerdict, ShipmentTerms } from './outcome.ts';

/** What stands against a shipment that is planned, and whether its data are whole; the earlier events of the document count as stored. */
export type ShipmentJudged = {
  readonly findings: readonly ShipmentFinding[];
  readonly completeness: NonNullable<EventVerdict['completeness']>;
};

export async function judgeShipment(
  journal: Journal,
  event: EpcisEvent,
  header: Record<string, unknown> | null,
  terms: ShipmentTerms,
): Promise<ShipmentJudged> {
  const shipment = await inspectShipment(journal.db, event, terms);
  const findings = [...shipment.findings];
  const partners = await unauthorised(journal.db, event);
  if (partners.length > 0) {
    const { severity, says } = FINDINGS['SHIP-PARTNER'];
    findings.push({ code: 'SHIP-PARTNER', severity, things: partners, message: says });
  }
  const wanted = new Set(shipment.units.map(({ key }) => parseKey(key).class));
  for (const { id } of [...event.sourceList, ...event.destinationList]) {
    const gln = glnOf(id);
    for (const key of gln === null ? [id] : [`414/${gln}`, `417/${gln}`]) wanted.add(key);
  }
  const rows = await journal.db.all<{ id: string; attributes: string }>(
    sql`SELECT m.id, m.attributes FROM ${eachText([...wanted])} j CROSS JOIN masterdata m ON m.id = j.value ORDER BY m.seq`,
  );
  const stored = rows.map(({ id, attributes }) => ({ id, attributes: JSON.parse(attributes) as Record<string, unknown> }));
  return { findings, completeness: completenessOf(event, shipment, byShortName([...stored, ...readMasterdata(header)]), { header }) };
}
