import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { CONTAINER, type Floor, LOTS, type LookUps, spread } from './floor.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS item (id bigint PRIMARY KEY, class integer NOT NULL, serial text COLLATE "C" NOT NULL, status integer NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS item_key ON item (class, serial);
  CREATE TABLE IF NOT EXISTS event (seq bigint PRIMARY KEY, time bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS event_item (item bigint NOT NULL, seq bigint NOT NULL, role smallint NOT NULL, PRIMARY KEY (item, seq, role));
  CREATE TABLE IF NOT EXISTS containment (child bigint NOT NULL, parent bigint NOT NULL, PRIMARY KEY (child, parent));
  CREATE INDEX IF NOT EXISTS containment_parent ON containment (parent);
  CREATE TABLE IF NOT EXISTS pack (id bigint PRIMARY KEY, lot integer NOT NULL, status integer NOT NULL, holder integer NOT NULL, place integer NOT NULL);
  CREATE INDEX IF NOT EXISTS pack_lot ON pack (lot);
  CREATE TABLE IF NOT EXISTS entry (seq bigserial PRIMARY KEY, body bytea NOT NULL);
  CREATE TABLE IF NOT EXISTS document (id bigserial PRIMARY KEY, body bytea NOT NULL);`;

/** Many rows through COPY, few through unnest. */
export class PostgresFloor implements Floor {
  readonly target: string;
  private readonly client: pg.Client;
  private items: number;
  private events: number;

  private constructor(url: string, client: pg.Client, from: number) {
    this.target = url;
    this.client = client;
    this.items = from;
    this.events = from;
  }

  /** In a database that is there; whoever made it drops it. `from`: items and events get higher numbers than this. */
  static async open(url: string, from = 0): Promise<PostgresFloor> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(TABLES);
    return new PostgresFloor(url, client, from);
  }

  async commission(serials: readonly string[], perEvent: number): Promise<void> {
    const items: string[] = [];
    const parts: string[] = [];
    const events: number[] = [];
    serials.forEach((serial, i) => {
      if (i % perEvent === 0) events.push(++this.events);
      const id = ++this.items;
      items.push(`${id}\t1\t${serial}\t0\n`);
      parts.push(`${id}\t${this.events}\t0\n`);
    });
    await this.inTransaction(async () => {
      await this.insertEvents(events);
      await this.copy('item', items);
      await this.copy('event_item', parts);
    });
  }

  async refer(from: number, count: number): Promise<void> {
    const seq = ++this.events;
    await this.inTransaction(async () => {
      await this.insertEvents([seq]);
      await this.client.query('INSERT INTO event_item SELECT id, $1, 1 FROM item WHERE id >= $2 AND id < $3', [seq, from, from + count]);
    });
  }

  async observe(items: readonly number[]): Promise<void> {
    const seqs = items.map(() => ++this.events);
    await this.inTransaction(async () => {
      await this.insertEvents(seqs);
      await this.client.query('INSERT INTO event_item SELECT i, s, 0 FROM unnest($1::bigint[], $2::bigint[]) AS t(i, s)', [items, seqs]);
      await this.client.query('UPDATE item SET status = status + 1 WHERE id = ANY ($1)', [items]);
    });
  }

  async keep(documents: readonly Uint8Array[]): Promise<void> {
    await this.inTransaction(async () => {
      await this.client.query('DELETE FROM document');
      await this.client.query('INSERT INTO document (body) SELECT unnest($1::bytea[])', [
        documents.map((document) => Buffer.from(document)),
      ]);
    });
  }

  async rewrite(from: number, count: number): Promise<void> {
    await this.inTransaction(async () => {
      const { rows } = await this.client.query<{ id: string; status: number }>('SELECT * FROM item WHERE id >= $1 AND id < $2', [
        from,
        from + count,
      ]);
      await this.client.query('UPDATE item SET status = s FROM unnest($1::bigint[], $2::integer[]) AS t(i, s) WHERE id = i', [
        rows.map((row) => row.id),
        rows.map((row) => row.status + 1),
      ]);
    });
  }

  async pack(from: number, count: number): Promise<void> {
    const seq = ++this.events;
    await this.inTransaction(async () => {
      await this.insertEvents([seq]);
      await this.client.query('INSERT INTO containment SELECT id, $1 FROM item WHERE id >= $2 AND id < $3', [
        CONTAINER,
        from,
        from + count,
      ]);
      await this.client.query('INSERT INTO event_item VALUES ($1, $2, 1)', [CONTAINER, seq]);
    });
  }

  async distribute(count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, n) => {
      const { lot, status, holder, place } = spread(n);
      return `${n + 1}\t${lot}\t${status}\t${holder}\t${place}\n`;
    });
    await this.copy('pack', rows);
    await this.client.query('VACUUM ANALYZE');
  }

  async store(bodies: readonly Uint8Array[]): Promise<void> {
    await this.client.query('INSERT INTO entry (body) SELECT unnest($1::bytea[])', [bodies.map((body) => Buffer.from(body))]);
  }

  async bytes(): Promise<number> {
    const { rows } = await this.client.query<{ n: string }>('SELECT pg_database_size(current_database()) AS n');
    return Number(rows[0]?.n);
  }

  async end(): Promise<void> {
    await this.client.end();
  }

  private async insertEvents(seqs: readonly number[]): Promise<void> {
    await this.client.query('INSERT INTO event SELECT unnest($1::bigint[]), $2', [seqs, Date.now()]);
  }

  private async copy(table: string, lines: readonly string[]): Promise<void> {
    await pipeline(Readable.from([lines.join('')]), this.client.query(copyFrom(`COPY ${table} FROM STDIN`)));
  }

  private async inTransaction(work: () => Promise<void>): Promise<void> {
    await this.client.query('BEGIN');
    await work();
    await this.client.query('COMMIT');
  }
}

export function openLookUps(url: string): LookUps {
  const pool = new pg.Pool({ connectionString: url });
  const rows = async (name: string, text: string, values: unknown[]) => (await pool.query({ name, text, values })).rows;
  const item = async (serial: string) => (await rows('item', 'SELECT * FROM item WHERE class = 1 AND serial = $1', [serial]))[0];
  return {
    item,
    history: async (serial) => {
      const found = (await item(serial)) as { id: string };
      const [inside] = (await rows('parent', 'SELECT parent FROM containment WHERE child = $1', [found.id])) as { parent: string }[];
      const of = inside === undefined ? [found.id] : [found.id, inside.parent];
      return [
        found,
        inside,
        await rows('events', 'SELECT * FROM event_item p JOIN event e ON e.seq = p.seq WHERE p.item = ANY ($1)', [of]),
      ];
    },
    contents: () => rows('contents', 'SELECT i.* FROM containment c JOIN item i ON i.id = c.child WHERE c.parent = $1', [CONTAINER]),
    scope: () => rows('scope', 'SELECT lot, status, holder, place, count(*) FROM pack WHERE lot < $1 GROUP BY 1, 2, 3, 4', [LOTS]),
  };
}
