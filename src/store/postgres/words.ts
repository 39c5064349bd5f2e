import { arrayOf } from './binary.ts';
import { type Batch, batch, type Statement, statement, type Table, table } from './bulk.ts';

/** Words and classes kept in memory; a store with more distinct ones (locations, parties, products) looks the rest up. */
const WORDS_MAX = 500_000;

type Word = { readonly id: number; readonly text: string };

/** What words need of the journal they belong to. */
export type WordStore = {
  ask<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  insert(batches: readonly Batch[]): Promise<void>;
  /** The next free id. */
  take(): number;
};

/** Texts ⇄ ids of one table, as far as they have been asked for. All that a call does not know is looked up at once. */
export class Words {
  private readonly idOf = new Map<string, number>();
  private readonly textOf = new Map<number, string>();
  private readonly store: WordStore;
  private readonly table: Table<Word>;
  private readonly byText: Statement;
  private readonly byId: Statement;

  constructor(store: WordStore, name: 'term' | 'class', column: 'text' | 'key') {
    this.store = store;
    this.table = table<Word>(name, { id: 'integer', [column]: ['text', (word) => word.text] });
    this.byText = statement(
      `SELECT w.id, j.value AS text FROM unnest($1::text[]) AS j(value) CROSS JOIN LATERAL (SELECT id FROM ${name} WHERE ${column} = j.value OFFSET 0) w`,
    );
    this.byId = statement(
      `SELECT j.value AS id, w.text FROM unnest($1::bigint[]) AS j(value) CROSS JOIN LATERAL (SELECT ${column} AS text FROM ${name} WHERE id = j.value OFFSET 0) w`,
    );
  }

  forget(): void {
    this.idOf.clear();
    this.textOf.clear();
  }

  /** The ids of these texts; what is new gets one, in the order given. */
  async ids(texts: readonly string[]): Promise<number[]> {
    const ids = await this.known(texts);
    const made = new Map<string, number>();
    for (const [i, id] of ids.entries()) {
      if (id !== null) continue;
      const text = texts[i] as string;
      const fresh = made.get(text) ?? this.store.take();
      made.set(text, fresh);
      ids[i] = fresh;
    }
    if (made.size > 0) {
      const words = [...made].map(([text, id]) => ({ id, text }));
      await this.store.insert([batch(this.table, words)]);
      this.learn(words);
    }
    return ids as number[];
  }

  /** The ids of these texts; null for one that is not stored. */
  async known(texts: readonly string[]): Promise<(number | null)[]> {
    const missing = new Set<string>();
    for (const text of texts) if (!this.idOf.has(text)) missing.add(text);
    if (missing.size === 0) return texts.map((text) => this.idOf.get(text) as number);
    const rows = await this.store.ask<Word>(this.byText, [arrayOf('text', [...missing])]);
    const found = new Map(rows.map((row) => [row.text, row.id]));
    const ids = texts.map((text) => this.idOf.get(text) ?? found.get(text) ?? null);
    this.learn(rows);
    return ids;
  }

  async texts(ids: readonly number[]): Promise<(string | null)[]> {
    const missing = new Set<number>();
    for (const id of ids) if (!this.textOf.has(id)) missing.add(id);
    if (missing.size === 0) return ids.map((id) => this.textOf.get(id) as string);
    const rows = await this.store.ask<Word>(this.byId, [arrayOf('bigint', [...missing])]);
    const found = new Map(rows.map((row) => [row.id, row.text]));
    const texts = ids.map((id) => this.textOf.get(id) ?? found.get(id) ?? null);
    this.learn(rows);
    return texts;
  }

  private learn(words: readonly Word[]): void {
    if (this.idOf.size + words.length > WORDS_MAX) this.forget();
    for (const { id, text } of words) {
      this.idOf.set(text, id);
      this.textOf.set(id, text);
    }
  }
}
