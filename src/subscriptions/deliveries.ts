import { setTimeout as pause } from 'node:timers/promises';
import { allows } from '../access/index.ts';
import type { CaptureService, Change } from '../capture/service.ts';
import type { Readers } from '../query/readers.ts';
import type { SubscriptionPlace } from '../query/subscriptions.ts';
import { Gate } from './gate.ts';
import { type Message, type Recipient, Subscriber } from './subscriber.ts';
import type { Subscription } from './subscription.ts';
import { signatureOf, type WebhookOptions, Webhooks } from './webhook.ts';

/** Webhooks that are told at once: so many messages are in memory. */
const POSTS = 64;
/** Reports made at once for all subscribers: one reader thread is left to people. */
const REPORTS = 1;
/** When the service stops, or another process takes over: what is being delivered has this long to be taken. */
const FINISH_MS = 5_000;
/** Subscriptions read at a time. */
const PAGE = 500;
const BUSY_MS = 1_000;
/** Who acts when the program itself does. */
const SYSTEM = 'system';

export type DeliveryFigures = {
  /** That are delivered to, and of these those whose last delivery failed. */
  readonly subscriptions: number;
  readonly failing: number;
  /** Deliveries since the start, by what became of them, and events in those that were taken. */
  readonly taken: number;
  readonly smaller: number;
  readonly failed: number;
  readonly events: number;
};

export type DeliveryParts = {
  readonly readers: Readers;
  readonly capture: CaptureService;
  readonly webhooks: WebhookOptions;
  /** The program and its version, as deliveries name it. */
  readonly agent: string;
  readonly log: (line: string) => void;
  readonly clock?: () => number;
  readonly random?: () => number;
};

/**
 * Delivers to every webhook (S-4 to S-9), while it is this process's turn: from `begin` to `pause`. Each subscription has a Subscriber of its own, so
 * that none waits for the client of another.
 */
export class Deliveries {
  private readonly parts: DeliveryParts;
  private readonly webhooks: Webhooks;
  private readonly posts = new Gate(POSTS);
  readonly reports = new Gate(REPORTS);
  private readonly subscribers = new Map<string, Subscriber>();
  /** Aborts when what is in hand has to be let go of; null while it is not our turn. */
  private turn: AbortController | null = null;
  private refreshing: Promise<void> = Promise.resolve();
  private refreshAgain = false;
  private readonly counts = { taken: 0, smaller: 0, failed: 0, events: 0 };

  constructor(parts: DeliveryParts) {
    this.parts = parts;
    this.webhooks = new Webhooks(parts.webhooks);
    parts.capture.onChange((what) => this.hear(what));
  }

  get figures(): DeliveryFigures {
    const all = [...this.subscribers.values()];
    return { subscriptions: all.length, failing: all.filter(({ failing }) => failing).length, ...this.counts };
  }

  /** Whether a key is in force, or a person still here, and may read. */
  readonly mayRead = async (actor: string): Promise<boolean> => {
    const { readers } = this.parts;
    const [key] = await readers.look('listKeys', { id: actor });
    const [person] = key === undefined ? await readers.look('people', { id: actor, now: Date.now() }) : [];
    const who = key ?? person;
    return who !== undefined && who.ended === null && allows(who.roles, 'read');
  };

  begin(): void {
    this.turn ??= new AbortController();
    this.refresh();
  }

  /** Ends the turn: nothing is begun any more, and what is in hand is let go of if it takes too long. */
  async pause(): Promise<void> {
    const { turn } = this;
    this.turn = null;
    await this.refreshing;
    const all = [...this.subscribers.values()];
    this.subscribers.clear();
    for (const subscriber of all) subscriber.stop();
    const ended = Promise.all(all.map(({ done }) => done));
    const enough = new AbortController();
    await Promise.race([ended, pause(FINISH_MS, undefined, { signal: enough.signal })]);
    enough.abort();
    turn?.abort();
    await ended;
  }

  async close(): Promise<void> {
    await this.pause();
    this.webhooks.close();
  }

  private hear(what: Change): void {
    if (what === 'kept') this.refresh();
    else for (const subscriber of this.subscribers.values()) subscriber.wake();
  }

  /** Begins with the subscriptions that have come and stops those that have gone; one after the other, and what is asked meanwhile once. */
  private refresh(): void {
    const { turn } = this;
    if (turn === null || this.refreshAgain) return;
    this.refreshAgain = true;
    this.refreshing = this.refreshing.then(async () => {
      this.refreshAgain = false;
      while (this.turn === turn) {
        try {
          return this.take(await this.all(), turn);
        } catch (error) {
          this.parts.log(`the subscriptions cannot be read: ${(error as Error).message}`);
          await pause(BUSY_MS, undefined, { ref: false });
        }
      }
    });
  }

  private async all(): Promise<Subscription[]> {
    const found: Subscription[] = [];
    for (let after: SubscriptionPlace | undefined; ; after = found.at(-1)) {
      const page = await this.parts.readers.look('subscriptions', {
        limit: PAGE,
        ...(after && { after: { created: after.created, id: after.id } }),
      });
      found.push(...page);
      if (page.length < PAGE) return found;
    }
  }

  private take(subscriptions: readonly Subscription[], turn: AbortController): void {
    if (this.turn !== turn) return;
    const standing = new Map(subscriptions.filter(({ progress }) => progress.ended === null).map((one) => [one.id, one]));
    for (const [id, subscriber] of this.subscribers) {
      if (standing.has(id)) continue;
      subscriber.stop();
      this.subscribers.delete(id);
    }
    for (const [id, subscription] of standing)
      if (!this.subscribers.has(id)) this.subscribers.set(id, this.subscriberOf(subscription, turn));
  }

  private subscriberOf(subscription: Subscription, turn: AbortController): Subscriber {
    const { readers, log, clock = Date.now, random = Math.random } = this.parts;
    const { reports, mayRead } = this;
    const subscriber = new Subscriber(subscription, {
      readers,
      recipient: this.recipientOf(subscription, turn.signal),
      mayRead,
      reports,
      clock,
      random,
      log,
    });
    void subscriber.done.then(() => {
      if (this.subscribers.get(subscription.id) !== subscriber) return;
      // It was told by another process meanwhile, was deleted, or has ended.
      this.subscribers.delete(subscription.id);
      this.refresh();
    });
    return subscriber;
  }

  private recipientOf(subscription: Subscription, signal: AbortSignal): Recipient {
    const { id } = subscription;
    return {
      stands: async (version) => (await this.parts.readers.look('subscriptions', { id, limit: 1 }))[0]?.version === version,
      turn: async (work) => await this.posts.run(work),
      take: async (message) => await this.deliver(subscription, message, signal),
      note: async ({ version, next, progress }) => {
        const command = { kind: 'note-progress', id, version, next, progress: JSON.stringify(progress) } as const;
        return (await this.parts.capture.record(command, SYSTEM)).done;
      },
    };
  }

  private async deliver({ terms }: Subscription, message: Message, signal: AbortSignal): Promise<'taken' | 'smaller'> {
    const { body, count } = message;
    const seconds = Math.floor((this.parts.clock ?? Date.now)() / 1000);
    const headers = {
      'content-type': message.kind === 'events' ? 'application/json' : 'application/problem+json',
      'user-agent': this.parts.agent,
      'idempotency-key': message.id,
      'gs1-epcis-version': '2.0.0',
      'gs1-cbv-version': '2.0.0',
      'gs1-epc-format': terms.epcFormat,
      ...(terms.token !== null && { 'gs1-signature': signatureOf(terms.token, body, seconds) }),
    };
    try {
      const status = await this.webhooks.post({ dest: terms.dest, headers, body }, signal);
      if (status === 413) {
        this.counts.smaller++;
        return 'smaller';
      }
      if (status < 200 || status > 299) throw new Error(`the client answered ${status}`);
      this.counts.taken++;
      this.counts.events += count;
      return 'taken';
    } catch (error) {
      this.counts.failed++;
      throw error;
    }
  }
}
