import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { formatVerifierKey, type VerifierKey } from '../ledger/index.ts';
import type { Db } from '../store/db.ts';
import { formatCarried, formatEnd, formatManifest, formatRecord } from './export-lines.ts';
import { JournalCheck } from './journal-check.ts';
import { StoredTruth } from './stored-truth.ts';

export type ExportOptions = {
  /** The log's key. */
  readonly verifier: VerifierKey;
  /** The version that writes. */
  readonly program: string;
  readonly onProgress?: (done: number, total: number) => void;
};

export type ExportReport = {
  readonly entries: number;
  readonly lines: number /** The newest checkpoint. */;
  readonly checkpoint: string | null;
};

/** Entries between two reports of progress. */
const PROGRESS_STEP = 1_000;

/**
 * Writes the truth of a store, as it is at one moment whatever is captured meanwhile; the stream is the caller's to end. What may change is written first, within one
 * snapshot; entries never change, so nothing is held up while they are written. Everything is held to the log on its way: what is not as it was logged
 * throws, and the export has no end.
 */
export async function exportStore(db: Db, out: Writable, { verifier, program, onProgress }: ExportOptions): Promise<ExportReport> {
  const lines = new LineWriter(out);
  const truth = await db.snapshot(async () => {
    const now = await StoredTruth.open(db);
    const { size, checkpoint } = now;
    await lines.write(
      formatManifest({
        program,
        made: new Date().toISOString(),
        origin: verifier.name,
        vkey: formatVerifierKey(verifier),
        size,
        checkpoint,
      }),
    );
    for await (const carried of now.carried()) await lines.write(formatCarried(carried));
    return now;
  });
  const check = new JournalCheck([verifier]);
  for await (const record of truth.records(0)) {
    check.see(record);
    await lines.write(formatRecord(record));
    if (check.size % PROGRESS_STEP === 0) onProgress?.(check.size, truth.size);
  }
  check.end(truth.size, truth.checkpoint);
  const { count, digest } = lines;
  await lines.write(formatEnd(count, digest()));
  await lines.flush();
  onProgress?.(truth.size, truth.size);
  return { entries: truth.size, lines: count + 1, checkpoint: truth.checkpoint };
}

/** Lines on their way out, no faster than they are taken. */
class LineWriter {
  count = 0;
  private readonly out: Writable;
  private readonly hash = createHash('sha256');
  private failed: Error | null = null;

  constructor(out: Writable) {
    this.out = out;
    out.once('error', (error) => {
      this.failed = error;
    });
  }

  async write(line: string): Promise<void> {
    if (this.failed !== null) throw this.failed;
    const bytes = Buffer.from(line, 'utf8');
    this.hash.update(bytes);
    this.count++;
    if (!this.out.write(bytes)) await once(this.out, 'drain');
  }

  readonly digest = (): string => this.hash.copy().digest('hex');

  /** Everything has been taken. */
  async flush(): Promise<void> {
    await new Promise<void>((done, failed) => this.out.write('', (error) => (error ? failed(error) : done())));
  }
}
