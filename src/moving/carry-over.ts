import { type SQL, sql } from 'drizzle-orm';
import { insertErasures, insertLinks, insertSalts, insertTokens, insertVault } from '../access/index.ts';
import { NONE } from '../lifecycle/state.ts';
import type {
  JobRow,
  PersonSecretRow,
  VaultErasureRow,
  VaultLinkRow,
  VaultRow,
  VaultSaltRow,
  VaultTokenRow,
  VerificationRow,
} from '../store/rows.ts';
import { insertVerifications } from '../store/verifications.ts';
import type { Listener } from './replay.ts';
import type { Carried, Finding, ToldFinding } from './truth.ts';

/** Rows of one statement. */
const BATCH = 500;

/**
 * Puts what no entry tells into a store that was replayed, in one transaction: jobs, that events came again, and the numbers of findings, by which
 * people cite them. Done twice, it comes to the same. The journal must be opened anew afterwards: it remembers numbers. `more` is done in the same
 * transaction.
 */
export async function carryOver(
  carried: AsyncIterable<Carried>,
  { journal, db }: Listener,
  more: (lastJob: number) => Promise<void> = async () => {},
): Promise<void> {
  await journal.begin();
  try {
    for (const change of CLEARED) await db.run(change);
    const jobs = new Batch<JobRow>((rows) => db.run(insertJobs(rows)));
    const numbers = new Batch<Finding>(async (rows) => {
      for (const change of renumber(rows)) await db.run(change);
    });
    const repeats = new Batch<Finding & { told: ToldFinding }>(async (rows) => {
      for (const change of insertRepeats(rows)) await db.run(change);
    });
    const verifications = new Batch<VerificationRow>((rows) => db.run(insertVerifications(rows)));
    const identities = new Batch<VaultRow>((rows) => db.run(insertVault(rows)));
    const salts = new Batch<VaultSaltRow>((rows) => db.run(insertSalts(rows)));
    const words = new Batch<VaultTokenRow>((rows) => db.run(insertTokens(rows)));
    const links = new Batch<VaultLinkRow>((rows) => db.run(insertLinks(rows)));
    const erasures = new Batch<VaultErasureRow>((rows) => db.run(insertErasures(rows)));
    let lastJob = 0;
    for await (const one of carried) {
      if ('job' in one) {
        lastJob = one.job.id;
        await jobs.add(one.job);
      } else if ('query' in one) await journal.putQuery(one.query);
      else if ('subscription' in one) await journal.putSubscription(one.subscription);
      else if ('verification' in one) await verifications.add(one.verification);
      else if ('identity' in one) await identities.add(one.identity);
      else if ('salt' in one) await salts.add(one.salt);
      else if ('word' in one) await words.add(one.word);
      else if ('link' in one) await links.add(one.link);
      else if ('erasure' in one) await erasures.add(one.erasure);
      else if ('secret' in one) await db.run(insertSecret(one.secret));
      else if ('meta' in one) await db.run(sql`INSERT INTO meta (name, value) VALUES (${one.meta.name}, ${one.meta.value})`);
      else if (one.finding.told === null) await numbers.add(one.finding);
      else await repeats.add({ ...one.finding, told: one.finding.told });
    }
    for (const batch of [jobs, numbers, repeats, verifications, identities, salts, words, links, erasures]) await batch.end();
    for (const change of UNKNOWN) await db.run(change);
    await more(lastJob);
    await journal.commit();
  } catch (error) {
    await journal.rollback();
    throw error;
  }
}

/** Findings get numbers below zero, out of the way of those that they will have. */
const CLEARED: readonly SQL[] = [
  sql`DELETE FROM capture_job`,
  sql`DELETE FROM subscription`,
  sql`DELETE FROM named_query`,
  sql`DELETE FROM verification`,
  sql`DELETE FROM vault`,
  sql`DELETE FROM vault_salt`,
  sql`DELETE FROM vault_token`,
  sql`DELETE FROM vault_link`,
  sql`DELETE FROM vault_erasure`,
  sql`DELETE FROM person_secret`,
  sql`DELETE FROM meta`,
  sql`DELETE FROM finding_thing WHERE finding IN (SELECT id FROM finding WHERE code = 'EV-DUP')`,
  sql`DELETE FROM finding WHERE code = 'EV-DUP'`,
  sql`UPDATE finding_thing SET finding = -finding`,
  sql`UPDATE finding SET id = -id`,
];

/** Findings that only the new store has follow those of the old one; where both are right there are none. */
const BEYOND = sql`(SELECT coalesce(max(f.id), 0) FROM finding f WHERE f.id > 0)`;
const UNKNOWN: readonly SQL[] = [
  sql`UPDATE finding_thing SET finding = ${BEYOND} - finding WHERE finding < 0`,
  sql`UPDATE finding SET id = ${BEYOND} - id WHERE id < 0`,
];

function renumber(findings: readonly Finding[]): SQL[] {
  const rows = findings.map((f) => sql`(CAST(${f.code} AS TEXT), CAST(${f.seq} AS BIGINT), CAST(${f.id} AS BIGINT))`);
  const wanted = sql`WITH wanted(code, seq, id) AS (VALUES ${listed(rows)})`;
  return [
    sql`${wanted} UPDATE finding_thing SET finding = w.id FROM wanted w CROSS JOIN finding f ON f.code = w.code AND f.seq = w.seq
        WHERE finding_thing.finding = f.id`,
    sql`${wanted} UPDATE finding SET id = w.id FROM wanted w WHERE finding.code = w.code AND finding.seq = w.seq`,
  ];
}

/** That an event came again names no thing and no other event. */
function insertRepeats(findings: readonly (Finding & { told: ToldFinding })[]): SQL[] {
  const rows = findings.map(
    ({ id, code, seq, told: t }) =>
      sql`(${id}, ${code}, ${seq}, ${t.severity}, ${t.state}, ${t.opened}, ${t.due}, ${t.closedSeq}, ${t.resolution}, ${t.stage}, ${t.owner}, ${t.record})`,
  );
  return [
    sql`INSERT INTO finding (id, code, seq, severity, state, opened, due, closed_seq, resolution, stage, owner, record) VALUES ${listed(rows)}`,
    sql`INSERT INTO finding_thing (finding, node, other) VALUES ${listed(findings.map(({ id }) => sql`(${id}, 0, ${NONE})`))}`,
  ];
}

function insertJobs(jobs: readonly JobRow[]): SQL {
  const rows = jobs.map(
    (j) =>
      sql`(${j.id}, ${j.capture_id}, ${j.actor}, ${j.behaviour}, ${j.created}, ${j.finished}, ${j.success}, ${j.events}, ${j.stored}, ${j.errors})`,
  );
  return sql`INSERT INTO capture_job (id, capture_id, actor, behaviour, created, finished, success, events, stored, errors) VALUES ${listed(rows)}`;
}

function insertSecret(s: PersonSecretRow): SQL {
  return sql`INSERT INTO person_secret (person, hash, setup_code, setup_expires, failures, locked_until)
             VALUES (${s.person}, ${s.hash}, ${s.setup_code}, ${s.setup_expires}, ${s.failures}, ${s.locked_until})`;
}

const listed = (rows: readonly SQL[]): SQL => sql.join([...rows], sql`, `);

/** Rows on their way into one statement. */
class Batch<Row> {
  private rows: Row[] = [];
  private readonly put: (rows: readonly Row[]) => Promise<void>;

  constructor(put: (rows: readonly Row[]) => Promise<void>) {
    this.put = put;
  }

  async add(row: Row): Promise<void> {
    if (this.rows.push(row) === BATCH) await this.end();
  }

  async end(): Promise<void> {
    if (this.rows.length > 0) await this.put(this.rows);
    this.rows = [];
  }
}
