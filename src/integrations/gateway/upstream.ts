import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { isXml } from '../../epcis/syntax.ts';
import type { Problem } from '../../errors.ts';
import { ClockOffset } from './clock-offset.ts';

/** Nothing moves on the connection for so long: it is half open, or the service hangs. */
const ANSWER_MS = 30_000;
const PIECE_BYTES = 64 * 1024;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** The link does not carry, or who answers is not ready to take: nothing is known to be wrong with the document. */
export class LinkFault extends Error {
  /** Ms to wait at least, where the service has said so. */
  readonly waitMs: number;
  /** The service answers, and is busy. */
  readonly busy: boolean;

  constructor(message: string, more: { waitMs?: number; busy?: boolean; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.waitMs = more.waitMs ?? 0;
    this.busy = more.busy ?? false;
  }
}

/** Upstream has read the document and does not take it. */
export type Refusal = { readonly status: number; readonly at: string; readonly errors: readonly (Problem & { index?: number })[] };
export type UpstreamJob = {
  readonly running: boolean;
  readonly success: boolean;
  readonly errors: readonly (Problem & { index?: number })[];
};
type Answer = { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly body: string };

/** Statuses that say something of the document, and not of the link or the service. */
const OF_THE_DOCUMENT: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);

/** The service that a gateway forwards to. Every call throws LinkFault where it came to no answer that says something of the document. */
export class Upstream {
  readonly clock = new ClockOffset();
  private readonly url: URL;
  private readonly key: string;
  private readonly agent: http.Agent | https.Agent;
  private readonly answerMs: number;
  private readonly stopping: AbortSignal;

  constructor(options: { url: string; key: string; stopping: AbortSignal; answerMs?: number }) {
    this.url = new URL(options.url.replace(/\/*$/, '/'));
    this.key = options.key;
    this.stopping = options.stopping;
    this.answerMs = options.answerMs ?? ANSWER_MS;
    const { Agent } = this.url.protocol === 'https:' ? https : http;
    this.agent = new Agent({ keepAlive: true, maxSockets: 4 });
  }

  /** Whether it is there and takes captures; measures its clock on the way. */
  async probe(): Promise<void> {
    const { status } = await this.ask('GET', 'health/ready');
    if (status !== 200) throw new LinkFault(`it is not ready (${status})`, { busy: true });
  }

  /** Hands a document over under an id of ours. Answers the id that it goes by there, which another kind of service chooses itself. */
  async capture(document: {
    body: Uint8Array;
    behaviour: string;
    captureID: string;
    receipt: string;
  }): Promise<{ captureID: string } | Refusal> {
    const { body, behaviour, captureID, receipt } = document;
    const answer = await this.ask('POST', 'epcis/capture', {
      body,
      headers: {
        'content-type': isXml(body) ? 'application/xml' : 'application/ld+json',
        'gs1-capture-error-behaviour': behaviour,
        'lotline-capture-id': captureID,
        'lotline-gateway': receipt,
      },
    });
    if (answer.status !== 202) return refusalOf(answer);
    const id = answer.headers.location?.split('/').at(-1);
    if (id === undefined || id === '') throw new LinkFault('it answers 202 without a Location: it is no EPCIS service');
    return { captureID: decodeURIComponent(id) };
  }

  /** The job of a capture; null where upstream knows none of that id. */
  async job(captureID: string): Promise<UpstreamJob | null> {
    const answer = await this.ask('GET', `epcis/capture/${encodeURIComponent(captureID)}`);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw new LinkFault(`it answers ${answer.status} to a question for a job`);
    const job = parsed(answer.body) as Partial<UpstreamJob> | null;
    if (typeof job?.running !== 'boolean') throw new LinkFault('it answers no capture job: it is no EPCIS service');
    return { running: job.running, success: job.success === true, errors: Array.isArray(job.errors) ? job.errors : [] };
  }

  close(): void {
    this.agent.destroy();
  }

  private async ask(method: string, path: string, more: { body?: Uint8Array; headers?: Record<string, string> } = {}): Promise<Answer> {
    const sent = Date.now();
    const answer = await this.exchange(method, path, more);
    // A large body is on its way for long; its answer bounds the clock all the same, only wider.
    this.clock.add(sent, Date.now(), Date.parse(answer.headers.date ?? ''));
    const { status } = answer;
    if (status === 401 || status === 403) throw new LinkFault(`it does not take the key (${status})`);
    if (status === 429 || status === 503) throw new LinkFault(`it is busy (${status})`, { busy: true, waitMs: retryAfter(answer) });
    if (status >= 500 || (status >= 300 && status < 400)) throw new LinkFault(`it answers ${status}`);
    return answer;
  }

  private async exchange(method: string, path: string, more: { body?: Uint8Array; headers?: Record<string, string> }): Promise<Answer> {
    const url = new URL(path, this.url);
    return await new Promise<Answer>((resolve, reject) => {
      const fail = (cause: unknown) => reject(new LinkFault(whyOf(cause), { cause }));
      const request = (url.protocol === 'https:' ? https : http).request(url, {
        method,
        agent: this.agent,
        headers: {
          authorization: `Bearer ${this.key}`,
          ...more.headers,
          ...(more.body !== undefined && { 'content-length': more.body.length }),
        },
        signal: this.stopping,
      });
      const quiet = setTimeout(() => request.destroy(new Error(`nothing is heard for ${this.answerMs / 1000} s`)), this.answerMs);
      request.on('error', fail);
      request.once('close', () => clearTimeout(quiet));
      request.once('socket', (socket) => socket.setKeepAlive(true, 10_000));
      request.on('drain', () => quiet.refresh());
      request.once('response', (response) => {
        quiet.refresh();
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          quiet.refresh();
          bytes += chunk.length;
          if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error('its answer is too large'));
          else chunks.push(chunk);
        });
        response.once('error', fail);
        response.once('end', () => {
          clearTimeout(quiet);
          resolve({ status: response.statusCode as number, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') });
        });
        response.once('close', () => {
          if (!response.complete) fail(new Error('its answer was cut off'));
        });
      });
      if (more.body === undefined) request.end();
      else Readable.from(piecesOf(more.body)).pipe(request);
    });
  }
}

/** In one piece a body tells of no progress before all of it has gone: a large one on a slow link would be given up each time. */
function* piecesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES);
}

/** A problem that is none of ours says nothing of the document: somebody else answers at that address. */
function refusalOf({ status, headers, body }: Answer): Refusal {
  const problem = parsed(body) as (Partial<Problem> & { errors?: Problem[] }) | null;
  const isProblem = (headers['content-type'] ?? '').startsWith('application/problem+json') && typeof problem?.title === 'string';
  if (!OF_THE_DOCUMENT.has(status) || !isProblem) throw new LinkFault(`it answers ${status} to a capture`);
  return { status, at: problem.at ?? '', errors: problem.errors ?? [problem as Problem] };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function whyOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}

/** Ms; the header has seconds, or a date (RFC 9110 §10.2.3). */
function retryAfter({ headers }: Answer): number {
  const value = headers['retry-after'] ?? '';
  const ms = /^\d{1,6}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), 60_000);
}
