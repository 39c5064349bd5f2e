import type { Journal } from '../store/journal.ts';

/**
 * GS1 company prefixes, learned from the URNs that say where theirs ends and never guessed (codes.md §5). What a document teaches counts only when
 * it is kept.
 */
export class LearnedPrefixes {
  private readonly known = new Set<string>();
  /** Of the document in hand. */
  private learned: string[] = [];

  /** Knows what the store knows: at the start, and after a transaction that came to nothing. */
  async recall(journal: Journal): Promise<void> {
    this.learned = [];
    this.known.clear();
    for (const [scheme, company] of await journal.prefixes()) this.known.add(`${scheme}:${company}`);
  }

  /** Looks through the bytes of a stored event. */
  learn(body: Uint8Array): void {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    let last = '';
    for (let at = text.indexOf('urn:epc:'); at !== -1; at = text.indexOf('urn:epc:', at + 8)) {
      const dot = text.indexOf(46, at);
      if (dot === -1 || dot - at > HEAD_MAX) continue;
      const head = text.toString('latin1', at + 8, dot);
      if (head === last) continue;
      last = head;
      const [, scheme, company] = head.split(':');
      if (scheme === undefined || company === undefined || !/^\d{6,12}$/.test(company)) continue;
      const prefix = `${scheme}:${company}`;
      if (this.known.has(prefix)) continue;
      this.known.add(prefix);
      this.learned.push(prefix);
    }
  }

  /** Answers what forgets what is learned from now on. */
  mark(): () => void {
    const count = this.learned.length;
    return () => {
      for (const prefix of this.learned.splice(count)) this.known.delete(prefix);
    };
  }

  /** The document is kept, and what it taught with it. */
  async keep(journal: Journal): Promise<void> {
    if (this.learned.length === 0) return;
    await journal.putPrefixes(this.learned.splice(0).map((prefix) => prefix.split(':') as [string, string]));
  }
}

/** `urn:epc:idpat:sgtin:` and twelve digits are shorter than this. */
const HEAD_MAX = 40;
