import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LotlineError } from '../errors.ts';
import { Frontier, parseVerifierKey, type VerifierKey } from '../ledger/index.ts';
import { sha256Node } from '../ledger/node-crypto.ts';
import { type ExportLine, type Manifest, readLine } from './export-lines.ts';
import { JournalCheck } from './journal-check.ts';
import type { Carried, Truth, TruthRecord } from './truth.ts';

export type CheckOptions = {
  /** The log's key, where it is known from elsewhere; else the one that the export names is believed. */
  readonly verifier?: VerifierKey | undefined;
  /** Entries that were checked, of all. */
  readonly onProgress?: (done: number, total: number) => void;
};

/** Entries between two reports of progress. */
const PROGRESS_STEP = 1_000;

/** The truth of a store from an export. */
export class ExportedTruth implements Truth {
  readonly manifest: Manifest;
  private readonly file: string;

  private constructor(file: string, manifest: Manifest) {
    this.file = file;
    this.manifest = manifest;
  }

  /** Reads an export from its first line to its last; answers it only when all of it is as it was written and as it was signed. Else MOVE-FILE. */
  static async open(file: string, { verifier, onProgress }: CheckOptions = {}): Promise<ExportedTruth> {
    const whole = new WholeExport(verifier);
    let number = 0;
    for await (const line of linesOf(file)) {
      number = line.number;
      readingLine(file, number, () => whole.see(readLine(line.bytes), line));
      if (whole.size % PROGRESS_STEP === 0) onProgress?.(whole.size, whole.total);
    }
    return readingLine(file, number + 1, () => new ExportedTruth(file, whole.manifest()));
  }

  get size(): number {
    return this.manifest.size;
  }

  /** The log's key, as the export names it. */
  get verifier(): VerifierKey {
    return parseVerifierKey(this.manifest.vkey);
  }

  get checkpoint(): string | null {
    return this.manifest.checkpoint;
  }

  async *records(from: number): AsyncGenerator<TruthRecord> {
    let size = 0;
    for await (const line of this.lines()) {
      if ('entry' in line) size = line.entry.seq + 1;
      const begun = 'document' in line ? size >= from : size > from;
      if (begun && ('entry' in line || 'document' in line || 'checkpoint' in line)) yield line;
    }
  }

  async *carried(): AsyncGenerator<Carried> {
    for await (const line of this.lines()) {
      if ('document' in line || 'entry' in line || 'checkpoint' in line || 'end' in line) return;
      if (!('manifest' in line)) yield line;
    }
  }

  async rootAt(size: number): Promise<Uint8Array> {
    const tree = new Frontier(sha256Node);
    for await (const line of this.lines()) {
      if (tree.size === size) break;
      if ('entry' in line) tree.appendFull([line.entry.leafHash]);
    }
    return tree.root();
  }

  private async *lines(): AsyncGenerator<ExportLine> {
    for await (const { number, bytes } of linesOf(this.file)) yield readingLine(this.file, number, () => readLine(bytes));
  }
}

/** What must be true of an export as a whole. */
class WholeExport {
  private readonly verifier: VerifierKey | undefined;
  private readonly digest = createHash('sha256');
  private first: Manifest | null = null;
  private check = new JournalCheck([]);
  private ended = false;

  constructor(verifier: VerifierKey | undefined) {
    this.verifier = verifier;
  }

  get size(): number {
    return this.check.size;
  }
  get total(): number {
    return this.first?.size ?? 0;
  }

  see(line: ExportLine, { number, bytes }: Line): void {
    if (this.ended) throw new Error('it stands behind the end');
    if (this.first === null) this.begin(line);
    else if ('end' in line) this.end(line.end, number, this.first);
    else if ('document' in line || 'entry' in line || 'checkpoint' in line) this.check.see(line);
    else if ('manifest' in line || this.size > 0) throw new Error('it does not belong here');
    this.digest.update(bytes).update('\n');
  }

  manifest(): Manifest {
    if (this.first === null || !this.ended) throw new Error('the export stops before its end');
    return this.first;
  }

  private begin(line: ExportLine): void {
    if (!('manifest' in line)) throw new Error('the manifest is missing');
    this.first = line.manifest;
    this.check = new JournalCheck([this.verifier ?? parseVerifierKey(line.manifest.vkey)]);
  }

  private end({ lines, sha256 }: { lines: number; sha256: string }, number: number, { size, checkpoint }: Manifest): void {
    if (lines !== number - 1) throw new Error(`${lines} lines should come before it`);
    if (sha256 !== this.digest.copy().digest('hex')) throw new Error('the lines before it have another digest');
    this.check.end(size, checkpoint);
    this.ended = true;
  }
}

// ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────

type Line = { /** From 1. */ readonly number: number /** Without what ends it. */; readonly bytes: Uint8Array };

async function* linesOf(file: string): AsyncGenerator<Line> {
  const chunks: AsyncIterable<Buffer> = open(file);
  let number = 1;
  /** Of a line that has not ended yet. */
  let pieces: Buffer[] = [];
  try {
    for await (const chunk of chunks) {
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        pieces.push(chunk.subarray(from, end));
        yield { number: number++, bytes: pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces) };
        pieces = [];
        from = end + 1;
      }
      if (from < chunk.length) pieces.push(chunk.subarray(from));
    }
  } catch (cause) {
    throw broken(file, number, `it cannot be read (${(cause as Error).message})`, cause);
  }
  if (pieces.length > 0) yield { number, bytes: Buffer.concat(pieces) };
}

/** An export is known to be compressed by its first bytes, not by its name. */
function open(file: string): Readable {
  const head = Buffer.alloc(2);
  try {
    const handle = openSync(file, 'r');
    readSync(handle, head, 0, 2, 0);
    closeSync(handle);
  } catch (cause) {
    throw new LotlineError('CFG-VALUE', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      fix: 'Name a file that `lotline export` has written.',
      cause,
    });
  }
  const bytes = createReadStream(file, { highWaterMark: 1024 * 1024 });
  if (head[0] !== 0x1f || head[1] !== 0x8b) return bytes;
  const unpacked = createGunzip({ chunkSize: 256 * 1024 });
  bytes.once('error', (error) => unpacked.destroy(error));
  return bytes.pipe(unpacked);
}

function readingLine<T>(file: string, number: number, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw broken(file, number, (cause as Error).message, cause);
  }
}

function broken(file: string, number: number, why: string, cause: unknown): LotlineError {
  return new LotlineError('MOVE-FILE', `${file}, line ${number}: ${why}`, {
    at: `line ${number}`,
    fix: 'Copy the file again from where it was made, or make a new export; nothing of it was taken over.',
    cause,
  });
}
