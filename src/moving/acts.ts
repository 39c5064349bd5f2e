import { joinPayload } from '../store/payload.ts';
import { type Document, type Entry, replayFault, type SignedCheckpoint, type TruthRecord } from './truth.ts';

/** What was done to the store in one go: a document captured, or one record of lotline's own; and the entries that came of it. */
export type Act = {
  /** Of the act's first entry; a document is of the kind `document`. */
  readonly kind: string;
  readonly first: number;
  readonly actor: string;
  /** Microseconds since 1970. */
  readonly recordTime: number;
  /** The document, byte for byte as it was sent; or the entry's body. */
  readonly body: Uint8Array;
  readonly captureID: string;
  /** Under LOTLINE_RULES=enforce a document's refused events are told in an entry right behind those of the stored ones. */
  readonly partlyRefused: boolean;
  /** What was logged of each entry. */
  readonly leafHashes: readonly Uint8Array[];
  /** Signed right after it. */
  readonly checkpoints: readonly SignedCheckpoint[];
};

/** Puts the pieces of a journal together again to what they came from. Holds one document at a time. */
export async function* actsOf(records: AsyncIterable<TruthRecord>): AsyncGenerator<Act, void> {
  let making: Making | null = null;
  let awaited: Document | null = null;
  for await (const record of records) {
    if ('checkpoint' in record) making?.checkpoints.push(record.checkpoint);
    else if ('document' in record) awaited = record.document;
    else if (awaited === null && making?.takes(record.entry)) making.add(record.entry);
    else {
      if (making !== null) yield making.done();
      making = new Making(record.entry, awaited);
      awaited = null;
    }
  }
  if (making !== null) yield making.done();
}

class Making {
  readonly checkpoints: SignedCheckpoint[] = [];
  private readonly document: Document | null;
  private readonly entries: Entry[];
  private partlyRefused = false;

  constructor(first: Entry, document: Document | null) {
    if (first.leaf.capture !== (document?.captureID ?? '')) throw replayFault(first.seq, 'has lost the document that it came with');
    this.document = document;
    this.entries = [first];
  }

  /** Whether an entry that follows came of the same document. */
  takes({ leaf, body }: Entry): boolean {
    if (this.document === null || this.partlyRefused || this.checkpoints.length > 0) return false;
    const { captureID } = this.document;
    if (leaf.capture !== '') return leaf.capture === captureID;
    return leaf.kind === 'refusal' && (jsonOf(body) as { captureID?: unknown } | null)?.captureID === captureID;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    if (entry.leaf.capture === '') this.partlyRefused = true;
  }

  done(): Act {
    const first = this.entries[0] as Entry;
    return {
      kind: this.document === null ? first.leaf.kind : 'document',
      first: first.seq,
      actor: first.leaf.actor,
      recordTime: Number(first.leaf.recordTime),
      body: this.document === null ? first.body : this.join(first.seq, this.document),
      captureID: this.document?.captureID ?? '',
      partlyRefused: this.partlyRefused,
      leafHashes: this.entries.map((entry) => entry.leafHash),
      checkpoints: this.checkpoints,
    };
  }

  private join(seq: number, { parts, gaps }: Document): Uint8Array {
    const body = joinPayload({ parts, encoding: 0, gaps }, (part) => this.entries[part - seq]?.body);
    if (body === null) throw replayFault(seq, 'came with a document that does not come together again');
    return body;
  }
}

/** What a record of lotline's own says; undefined when it is no JSON. */
export function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
