import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { CaptureService, Change } from '../capture/service.ts';
import { LotlineError } from '../errors.ts';
import type { Readers } from '../query/readers.ts';
import type { Deliveries } from './deliveries.ts';
import { NOTHING_YET } from './progress.ts';
import { type Message, Subscriber } from './subscriber.ts';
import type { Subscription, Terms } from './subscription.ts';

/** Sockets of one process. */
const SOCKETS_MAX = 200;
/** A client that has not fetched a message after this time is too slow; nothing is put on top of it meanwhile. */
const SEND_MS = 30_000;
/** A client that has not answered one ping when the next is due is gone. */
const PING_MS = 30_000;
/** A client that does not say goodbye is left after this time. */
const GOODBYE_MS = 2_000;
/** What a close frame has room for, in bytes. */
const REASON_MAX = 120;

/** Close codes (RFC 6455 §7.4, and 1013 of its registry). */
const GOING_AWAY = 1001;
const QUERY_GONE = 1000;
const NOT_ALLOWED = 1008;
const TRY_LATER = 1013;

export type SocketParts = {
  readonly readers: Readers;
  readonly capture: CaptureService;
  /** Sockets ask as webhooks do, and no more at once than both together may. */
  readonly deliveries: Pick<Deliveries, 'mayRead' | 'reports'>;
  readonly log: (line: string) => void;
  readonly sendMs?: number;
  readonly pingMs?: number;
  readonly max?: number;
};

type Open = { readonly socket: WebSocket; readonly subscriber: Subscriber; readonly queryName: string; answered: boolean };

/** Subscriptions over WebSocket (S-11): each lives as long as its socket, and is kept nowhere. */
export class Sockets {
  private readonly parts: SocketParts;
  private readonly open = new Set<Open>();
  private readonly pings: NodeJS.Timeout;
  private closed = false;

  constructor(parts: SocketParts) {
    this.parts = parts;
    parts.capture.onChange((what) => this.hear(what));
    this.pings = setInterval(() => this.ping(), parts.pingMs ?? PING_MS).unref();
  }

  get count(): number {
    return this.open.size;
  }

  private get isFull(): boolean {
    return this.open.size >= (this.parts.max ?? SOCKETS_MAX);
  }

  /** A subscription from now on, or from its initialRecordTime; REQ-BUSY when there are too many. */
  async prepare(asked: { queryName: string; query: unknown; actor: string; terms: Terms }): Promise<Subscription> {
    if (this.isFull)
      throw new LotlineError('REQ-BUSY', `${this.open.size} sockets are open`, { fix: 'Come back later, or use a webhook.' });
    const { next, recordTime } = await this.parts.readers.look('journalEnd', {});
    const began = asked.terms.initialRecordTime !== null;
    return {
      id: randomUUID(),
      ...asked,
      created: Date.now(),
      next: began ? 0 : next,
      version: 0,
      progress: { ...NOTHING_YET, minRecordTime: began ? null : recordTime },
    };
  }

  /** Tells the socket what the subscription is about, until one of the two ends. */
  serve(socket: WebSocket, subscription: Subscription): void {
    const { readers, deliveries, log } = this.parts;
    socket.on('error', () => {}); // what is wrong closes it
    // Others came, or the service began to stop, while this one was prepared.
    if (this.closed || this.isFull) {
      if (this.closed) goodbye(socket, GOING_AWAY, 'the service is stopping');
      else goodbye(socket, TRY_LATER, 'too many sockets are open');
      return;
    }
    const gone = new AbortController();
    const subscriber = new Subscriber(subscription, {
      readers,
      recipient: {
        stands: async () => socket.readyState === socket.OPEN,
        turn: async (work) => await work(),
        take: async (message) => await this.send(socket, message, gone.signal),
        note: async () => socket.readyState === socket.OPEN,
      },
      mayRead: deliveries.mayRead,
      reports: deliveries.reports,
      clock: Date.now,
      random: Math.random,
      log,
    });
    const one: Open = { socket, subscriber, queryName: subscription.queryName, answered: true };
    this.open.add(one);
    socket.on('pong', () => {
      one.answered = true;
    });
    socket.once('close', () => {
      this.open.delete(one);
      subscriber.stop();
      gone.abort();
    });
    this.leaveDeleted([one]); // the query may have been deleted meanwhile
    void subscriber.done.then(() => goodbye(socket, NOT_ALLOWED, subscriber.endedBecause ?? 'it could not be told'));
  }

  /** Says goodbye to all. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.pings);
    const all = [...this.open];
    for (const { subscriber, socket } of all) {
      goodbye(socket, GOING_AWAY, 'the service is stopping');
      subscriber.stop();
    }
    await Promise.all(all.map(({ subscriber }) => subscriber.done));
  }

  /** Resolves when the message has left this process: the next one is not made before. */
  private async send(socket: WebSocket, { body }: Message, gone: AbortSignal): Promise<'taken'> {
    const done = new AbortController();
    const sent = new Promise<'taken'>((resolve, reject) => {
      socket.send(body, { binary: false }, (error) => (error ? reject(error) : resolve('taken')));
    });
    const late = pause(this.parts.sendMs ?? SEND_MS, null, { ref: false, signal: AbortSignal.any([gone, done.signal]) });
    try {
      const answer = await Promise.race([sent, late]);
      if (answer !== null) return answer;
    } finally {
      done.abort();
    }
    goodbye(socket, TRY_LATER, 'a message was not fetched in time');
    throw new Error('the client is too slow');
  }

  private hear(what: Change): void {
    if (what === 'captured') for (const { subscriber } of this.open) subscriber.wake();
    else this.leaveDeleted(this.open);
  }

  /** S-12: deleting a query closes its sockets. */
  private leaveDeleted(among: Iterable<Open>): void {
    void this.closeDeleted(among).catch((error: Error) => this.parts.log(`the named queries cannot be read: ${error.message}`));
  }

  private async closeDeleted(among: Iterable<Open>): Promise<void> {
    const there = new Map<string, boolean>();
    for (const { queryName, socket } of among) {
      if (!there.has(queryName))
        there.set(queryName, (await this.parts.readers.look('namedQueries', { name: queryName, limit: 1 })).length > 0);
      if (there.get(queryName) === false) goodbye(socket, QUERY_GONE, 'the query was deleted');
    }
  }

  private ping(): void {
    for (const one of this.open) {
      if (!one.answered) {
        one.socket.terminate();
        continue;
      }
      one.answered = false;
      one.socket.ping();
    }
  }
}

function goodbye(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.close(code, Buffer.from(reason).subarray(0, REASON_MAX).toString('utf8'));
  setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
}
