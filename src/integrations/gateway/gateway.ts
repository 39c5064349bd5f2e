import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { mkdirSync, statfsSync } from 'node:fs';
import { isXml } from '../../epcis/syntax.ts';
import { LotlineError, type Problem } from '../../errors.ts';
import { lockFolder } from '../../store/sqlite/lock.ts';
import { Spool, type SpoolJob } from '../../store/sqlite/spool.ts';
import { Forwarder, type Link } from './forwarder.ts';
import { Upstream } from './upstream.ts';

/** What is left of the disk when nothing more is taken: forwarding has to write as well, or the spool could never become empty. */
const DISK_RESERVE_BYTES = 64 * 1024 * 1024;
/** How old the figure of what is left may be. */
const DISK_LOOK_MS = 1_000;

export type GatewayOptions = {
  readonly folder: string;
  readonly name: string;
  readonly upstream: string;
  readonly upstreamKey: string;
  /** The longest pause between two tries, ms. */
  readonly retryMaxMs?: number;
  readonly answerMs?: number;
  readonly diskReserveBytes?: number;
  /** What the time is here, ms since 1970. */
  readonly now?: () => number;
  readonly log: (line: string) => void;
};

export type GatewayStatus = {
  readonly name: string;
  readonly upstream: string;
  readonly link: 'up' | 'down';
  readonly linkSince: string;
  readonly lastError: { readonly at: string; readonly message: string } | null;
  readonly waiting: { readonly documents: number; readonly events: number; readonly bytes: number; readonly oldest: string | null };
  readonly forwarded: { readonly documents: number; readonly events: number };
  readonly refused: number;
  /** How far this machine's clock is ahead of upstream's; null before upstream was ever heard. */
  readonly clockOffsetMs: number | null;
};

/** The job of a capture as the standard shows it. */
export type GatewayJob = {
  readonly captureID: string;
  readonly running: boolean;
  readonly success: boolean;
  readonly createdAt: string;
  readonly finishedAt?: string;
  readonly captureErrorBehaviour: 'rollback' | 'proceed';
  readonly errors: readonly Problem[];
};

export type RefusedCapture = {
  readonly captureID: string;
  readonly received: string;
  readonly refusedAt: string;
  readonly events: number;
  readonly bytes: number;
  readonly errors: readonly Problem[];
};

/** A gateway beside a line: what it has answered is on its disk, and goes upstream once, in order, when the link carries. */
export class Gateway {
  private readonly options: GatewayOptions;
  private readonly spool: Spool;
  private readonly upstream: Upstream;
  private readonly forwarder: Forwarder;
  private readonly stopping = new AbortController();
  private readonly unlock: () => void;
  private readonly running: Promise<void>;
  /** SHA-256 of the key that the line shows. */
  private localKey: Buffer | null = null;
  private disk = { until: 0, free: Number.POSITIVE_INFINITY };
  /** The last try to keep something was successful. */
  healthy = true;

  private constructor(options: GatewayOptions, spool: Spool, unlock: () => void) {
    const { signal: stopping } = this.stopping;
    this.options = options;
    this.spool = spool;
    this.unlock = unlock;
    const { answerMs, retryMaxMs, log, name } = options;
    this.upstream = new Upstream({
      url: options.upstream,
      key: options.upstreamKey,
      stopping,
      ...(answerMs !== undefined && { answerMs }),
    });
    this.forwarder = new Forwarder({
      spool,
      upstream: this.upstream,
      name,
      stopping,
      log,
      ...(retryMaxMs !== undefined && { retryMaxMs }),
    });
    this.running = this.forwarder.run();
  }

  /** One process a folder (CFG-VALUE otherwise); what an earlier one has kept goes on from where it was. */
  static open(options: GatewayOptions): Gateway {
    mkdirSync(options.folder, { recursive: true });
    const unlock = lockFolder(options.folder);
    try {
      return new Gateway(options, Spool.open(options.folder), unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** The key of the line: the one that is given from now on, or at the first start a new one, which is answered to be printed once. */
  setLocalKey(given: string | null): string | null {
    const made = given === null && this.spool.meta(LOCAL_KEY) === null ? `lk_${randomBytes(32).toString('base64url')}` : null;
    const key = given ?? made;
    if (key !== null) this.spool.setMeta(LOCAL_KEY, hashOf(key).toString('hex'));
    this.localKey = Buffer.from(this.spool.meta(LOCAL_KEY) as string, 'hex');
    return made;
  }

  isLocalKey(key: string): boolean {
    return this.localKey !== null && timingSafeEqual(hashOf(key), this.localKey);
  }

  /** Resolves when the document is on disk. What `read` found wrong with it is the caller's to refuse; REQ-BUSY when there is no room. */
  async take(request: {
    body: Uint8Array;
    behaviour: 'rollback' | 'proceed';
    read: { events: number; envelope: string | null };
    /** Of a document that its sender sends again when it has lost the answer: it is taken once. */
    captureID?: string;
  }): Promise<{ captureID: string }> {
    const { body, behaviour, read, captureID = randomUUID() } = request;
    if (this.spool.job(captureID) !== null) return { captureID };
    this.checkRoom(body.length);
    // Under proceed upstream stores the good events of a document: its errors are told by their index, and it stays by itself.
    const envelope = behaviour === 'rollback' ? read.envelope : null;
    try {
      await this.spool.keep({ captureID, behaviour, received: (this.options.now ?? Date.now)(), events: read.events, envelope, body });
      this.healthy = true;
    } catch (error) {
      this.healthy = false;
      this.options.log(`the spool cannot be written: ${(error as Error).message}`);
      throw noRoom('the spool cannot be written now');
    }
    this.forwarder.wake();
    return { captureID };
  }

  /** Running until upstream has folded it; then what upstream said. Null for an id that is not known, or no longer. */
  job(captureID: string): GatewayJob | null {
    const job = this.spool.job(captureID);
    return job === null ? null : wireJob(job);
  }

  /** Documents that upstream has refused for good, oldest first. */
  refused(page: { after: number; limit: number }): { list: RefusedCapture[]; next: number | null } {
    const rows = this.spool.refused(page.after, page.limit + 1);
    const list = rows.slice(0, page.limit);
    return {
      list: list.map((row) => ({
        captureID: row.captureID,
        received: iso(row.received),
        refusedAt: iso(row.finished),
        events: row.events,
        bytes: row.length,
        errors: JSON.parse(row.errors) as Problem[],
      })),
      next: rows.length > page.limit ? (list.at(-1)?.id ?? null) : null,
    };
  }

  /** The bytes of a refused document, and of one that is still to be forwarded. */
  documentOf(captureID: string): Uint8Array | null {
    return this.spool.bodyOfCapture(captureID) ?? null;
  }

  /** Has a refused document tried again. False when there is none of that id. */
  forwardAgain(captureID: string): boolean {
    const found = this.spool.waitAgain(captureID);
    if (found) this.forwarder.wake();
    return found;
  }

  get name(): string {
    return this.options.name;
  }

  get clockOffsetMs(): number | null {
    return this.upstream.clock.ms;
  }

  get status(): GatewayStatus {
    const { documents, events, bytes, oldest, refused, forwarded } = this.spool.counts;
    const { up, since, lastError }: Link = this.forwarder.link;
    return {
      name: this.options.name,
      upstream: this.options.upstream,
      link: up ? 'up' : 'down',
      linkSince: iso(since),
      lastError: lastError && { at: iso(lastError.at), message: lastError.message },
      waiting: { documents, events, bytes, oldest: oldest === null ? null : iso(oldest) },
      forwarded,
      refused,
      clockOffsetMs: this.clockOffsetMs,
    };
  }

  /** Lets go of what is on its way, which is asked for at the next start, and closes. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.upstream.close();
    this.spool.close();
    this.unlock();
  }

  private checkRoom(bytes: number): void {
    const now = performance.now();
    if (now > this.disk.until) {
      const { bavail, bsize } = statfsSync(this.options.folder);
      this.disk = { until: now + DISK_LOOK_MS, free: bavail * bsize };
    }
    if (this.disk.free - bytes < (this.options.diskReserveBytes ?? DISK_RESERVE_BYTES)) throw noRoom('the disk of the gateway is full');
    this.disk.free -= bytes;
  }
}

const LOCAL_KEY = 'local_key';
const hashOf = (key: string): Buffer => createHash('sha256').update(key, 'utf8').digest();
const iso = (ms: number): string => new Date(ms).toISOString();
const noRoom = (what: string) =>
  new LotlineError('REQ-BUSY', what, { fix: 'Keep it and send it again in a little while; see /status of the gateway.' });

function wireJob({ captureID, behaviour, received, state, finished, errors }: SpoolJob): GatewayJob {
  const ended = state === 'captured' || state === 'refused';
  return {
    captureID,
    running: !ended,
    success: state !== 'refused',
    createdAt: iso(received),
    ...(ended && finished !== null && { finishedAt: iso(finished) }),
    captureErrorBehaviour: behaviour,
    errors: state === 'refused' && errors !== null ? (JSON.parse(errors) as Problem[]) : [],
  };
}

/**
 * A document of one bare event, which is kept byte for byte. A gateway cannot say what the event would be called or whether it was there before, as
 * POST /epcis/events does: so it is a capture like another, with a job.
 */
export function documentOfEvent(event: Uint8Array, now: number): Uint8Array {
  const text = Buffer.from(event.buffer, event.byteOffset, event.byteLength)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const creationDate = new Date(now).toISOString();
  if (isXml(event)) {
    const element = text.replace(/^\s*<\?xml[^>]*\?>/, '');
    return Buffer.from(
      `<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="${creationDate}"><EPCISBody><EventList>${element}</EventList></EPCISBody></epcis:EPCISDocument>`,
    );
  }
  const head = JSON.stringify({ '@context': contextOf(text), type: 'EPCISDocument', schemaVersion: '2.0', creationDate });
  return Buffer.from(`${head.slice(0, -1)},"epcisBody":{"eventList":[${text.trim()}]}}`);
}

function contextOf(event: string): unknown {
  let context: unknown;
  try {
    context = (JSON.parse(event) as { '@context'?: unknown } | null)?.['@context'];
  } catch (cause) {
    throw new LotlineError('EV-SYNTAX', 'the body is not well-formed JSON', { fix: 'Send one event as a JSON object.', cause });
  }
  if (context !== undefined) return context;
  throw new LotlineError('EV-CONTEXT', 'the event has no @context', {
    at: '/@context',
    fix: 'Add "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"].',
  });
}
