import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LotlineError } from '../errors.ts';

/**
 * What the HTTP side takes on at once, and for how long (docs/operations.md). Beyond it a client is told to come back (503, Retry-After);
 * nothing grows with the number or the slowness of clients.
 */
export type ApiLimits = {
  /** Sockets; more are closed as they come, for there is nobody left to answer them. */
  readonly connections: number;
  /** Requests in hand; those about health are always answered. */
  readonly requests: number;
  /** Bytes of documents in memory: being received, read, or handed to the intake. */
  readonly bodyBytes: number;
  /** Bytes of large answers that clients have not fetched yet. */
  readonly answerBytes: number;
  /** Named queries and subscriptions that are kept. */
  readonly namedQueries: number;
  readonly subscriptions: number;
  /** A client has this long to send URL and headers, and this long to send the whole of a request. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** A body may pause for this long. */
  readonly bodyPauseMs: number;
  /** A socket on which nothing moves is closed after this long; longer than any answer is waited for. */
  readonly idleMs: number;
  /** Between two requests of one socket. */
  readonly keepAliveMs: number;
  /** When the service stops: requests in hand have this long to end; then their sockets are closed. */
  readonly finishMs: number;
};

const MIB = 1024 * 1024;

/** Some thousand lines and readers on a small machine; their documents and answers together take half a gigabyte at most. */
export const API_LIMITS: ApiLimits = {
  connections: 2_000,
  requests: 1_000,
  bodyBytes: 256 * MIB,
  answerBytes: 256 * MIB,
  namedQueries: 10_000,
  subscriptions: 1_000,
  headersMs: 20_000,
  requestMs: 300_000,
  bodyPauseMs: 30_000,
  idleMs: 120_000,
  keepAliveMs: 72_000,
  finishMs: 10_000,
};

/** Answers below this count for nothing: a socket's own buffers are as large. */
const SMALL_ANSWER = 64 * 1024;
/** What a stream counts for: a page of it, as long as it runs. */
const STREAM_BYTES = MIB;
/** How often sockets that have become idle are looked for while the service stops. */
const SWEEP_MS = 50;

/** So many bytes at once and no more; one alone always has room, however large it is. */
export class Budget {
  held = 0;
  readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  /** False when it does not fit. */
  take(bytes: number): boolean {
    if (this.held > 0 && this.held + bytes > this.max) return false;
    this.held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.held -= bytes;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Bytes of the body that the budget holds for this request. */
    heldBytes: number;
  }
}

/** Requests in hand and bytes held, and what was refused since the start. */
export class Load {
  readonly bodies: Budget;
  readonly answers: Budget;
  requests = 0;
  refused = 0;
  stopping = false;

  constructor(limits: ApiLimits) {
    this.bodies = new Budget(limits.bodyBytes);
    this.answers = new Budget(limits.answerBytes);
  }

  busy(what: string): LotlineError {
    this.refused++;
    return new LotlineError('REQ-BUSY', what, { fix: 'Send it again in a little while.' });
  }
}

/** Counts requests, bodies and answers, and refuses what is too much. Before every other hook: refusing has to be cheap. */
export function keepWithinLimits(app: FastifyInstance, limits: ApiLimits): Load {
  const load = new Load(limits);
  app.server.maxConnections = limits.connections;
  app.decorateRequest('heldBytes', 0);

  app.addHook('onRequest', async (request, reply) => {
    if (isAboutHealth(request)) return;
    if (load.stopping) throw load.busy('the service is stopping');
    if (load.requests >= limits.requests) throw load.busy(`${limits.requests} requests are being answered`);
    load.requests++;
    reply.raw.once('close', () => load.requests--);
  });

  // Sent, or nobody is there to send it to: the handler has ended, and with it its hold on the body.
  app.addHook('onSend', async (request, reply, payload) => {
    load.bodies.give(request.heldBytes);
    request.heldBytes = 0;
    if (load.stopping) void reply.header('connection', 'close');
    const bytes = bytesOf(payload);
    if (bytes < SMALL_ANSWER) return;
    if (!load.answers.take(bytes)) throw load.busy('too many large answers wait to be fetched');
    reply.raw.once('close', () => load.answers.give(bytes));
  });

  finishInTime(app, load, limits.finishMs);
  return load;
}

const isAboutHealth = (request: FastifyRequest) => request.routeOptions.url?.startsWith('/health/') === true;

function bytesOf(payload: unknown): number {
  if (typeof payload === 'string' || payload instanceof Uint8Array) return payload.length;
  return typeof payload === 'object' && payload !== null && 'pipe' in payload ? STREAM_BYTES : 0;
}

/** Stopping: what is in hand is answered, what comes is refused, and no socket holds it up for longer than it may. */
function finishInTime(app: FastifyInstance, load: Load, finishMs: number): void {
  app.addHook('preClose', async () => {
    load.stopping = true;
    const { server } = app;
    if (!server.listening) return;
    // Those that were busy when the stop came stay open behind their answer.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const enough = setTimeout(() => server.closeAllConnections(), finishMs);
    server.once('close', () => {
      clearInterval(sweep);
      clearTimeout(enough);
    });
  });
}

/** Aborts when the client goes away before it has its answer: what it waits for need not be done. */
export const wanted = (request: FastifyRequest): { signal: AbortSignal } => ({ signal: request.signal });

/** An answer that is JSON already. */
export function sendJson(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
