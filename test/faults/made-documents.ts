import { readDocument } from '../../src/epcis/index.ts';
import type { ReadEvent } from '../../src/epcis/model.ts';
import type { Random } from '../../src/worlds/random.ts';
import {
  bare,
  caseOf,
  commission,
  DISTRIBUTOR,
  declareError,
  destroy,
  documentOf,
  type Json,
  MAKER,
  observe,
  pack,
  packOf,
  palletOf,
  receive,
  ship,
  unpack,
} from '../support/events.ts';

/** Something to send, and what must come of it if it is taken. */
export type Made = {
  readonly kind: 'document' | 'event';
  readonly body: string;
  readonly behaviour: 'rollback' | 'proceed';
  /** Its events that are to be stored, by name; those of its events that are not among them must never be. */
  readonly stores: readonly string[];
  /** How its job ends. */
  readonly success: boolean;
  /** A 400 is the right answer. */
  readonly refused: boolean;
  /** The events as they were made: what later documents repeat, declare erroneous or contradict. */
  readonly events: readonly Json[];
};

/** How an event is known wherever it comes up: by its content, and by the eventID that it was sent under. */
export const nameOf = (digest: Uint8Array, eventID: string | null): string => `${Buffer.from(digest).toString('hex')} ${eventID ?? ''}`;

/** An event that is stored, with an eventID, so that another can lay claim to that. */
export type Stored = () => Json | null;

/**
 * What the clients of one line send: packs are made, packed, shipped, received and unpacked, in order or not, in small documents and in
 * large ones; and between that the same again, declarations of error, contradictions, and what must be refused.
 */
export class Line {
  private readonly random: Random;
  private readonly name: string;
  private readonly storedEvent: Stored;
  private waiting: Made[] = [];
  /** Documents that went well when they were sent first, to be sent again in whole or in part. */
  private readonly plain: Made[] = [];
  private cycles = 0;

  constructor(random: Random, name: string, storedEvent: Stored) {
    this.random = random;
    this.name = name;
    this.storedEvent = storedEvent;
  }

  next(): Made {
    const { random } = this;
    const earlier = this.plain.length > 0 ? random.pick(this.plain) : null;
    if (earlier !== null && random.perMille(250)) return this.after(earlier);
    if (this.waiting.length === 0) this.waiting = this.cycle();
    const made = this.waiting.shift() as Made;
    if (made.success && this.plain.push(made) > REMEMBERED) this.plain.shift();
    return made;
  }

  /** A small document with one event. */
  small(): Made {
    return documentIn([this.named(observe(this.at(), packOf(`${this.name}-S${++this.cycles}`)))]);
  }

  /** A bare event. */
  single(): Made {
    const event = this.named(observe(this.at(), packOf(`${this.name}-B${++this.cycles}`)));
    return made('event', JSON.stringify(bare(event)), [event]);
  }

  private at(): number {
    return this.random.below(200_000);
  }

  /** The life of a few packs, in documents. */
  private cycle(): Made[] {
    const { random, name } = this;
    const n = ++this.cycles;
    if (random.perMille(15)) return [this.tooLate(n)];
    const large = random.perMille(30);
    const count = large ? random.between(300, 3_000) : random.between(1, 12);
    const packs = Array.from({ length: count }, (_, i) => packOf(`${name}-${n}-${i}`));
    const [crate, pallet] = [caseOf(`${name}-${n}`), palletOf(Number(name.replaceAll(/\D/g, '')) * 10_000_000 + n)];
    const at = this.at();
    const events = [
      commission(at, packs, { lot: `L${name}`, expiry: '2028-01-31', site: MAKER }),
      pack(at + 10, crate, packs, { site: MAKER }),
      pack(at + 11, pallet, crate, { site: MAKER }),
      ship(at + 30, pallet, { from: MAKER, to: DISTRIBUTOR, site: MAKER }),
      receive(at + 90, pallet, { from: MAKER, to: DISTRIBUTOR, site: DISTRIBUTOR }),
      unpack(at + 95, pallet, crate, { site: DISTRIBUTOR }),
      unpack(at + 96, crate, packs.slice(0, Math.ceil(count / 2)), { site: DISTRIBUTOR }),
      destroy(at + 200, packs[0] as string),
    ].map((event) => this.named(event));
    // An event that arrives after what came of it is late, and sends their histories through the fold again.
    if (random.perMille(250)) for (let i = events.length - 1; i > 0; i--) swap(events, i, random.below(i + 1));
    const documents: Made[] = [];
    while (events.length > 0) documents.push(documentIn(events.splice(0, random.between(1, 4))));
    if (random.perMille(100)) documents.push(this.broken(n));
    return documents;
  }

  private named(event: Json): Json {
    return this.random.perMille(800) ? { ...event, eventID: this.random.uuid() } : event;
  }

  /** What follows on something that was sent before. */
  private after(earlier: Made): Made {
    const { random } = this;
    const draw = random.below(100);
    if (draw < 30) return earlier;
    const one = random.pick(earlier.events);
    if (draw < 45) return documentIn([one, this.named(observe(this.at(), packOf(`${this.name}-N${++this.cycles}`)))]);
    if (draw < 75) return documentIn([declareError(one, { at: 250_000, reason: random.pick(['did_not_occur', 'incorrect_data']) })]);
    const taken = this.storedEvent();
    return taken === null ? earlier : this.contradiction(taken);
  }

  /** Another event under an eventID that is taken; beside it one that nothing is wrong with. */
  private contradiction(taken: Json): Made {
    const wrong = { ...observe(this.at(), packOf(`${this.name}-W${++this.cycles}`)), eventID: taken['eventID'] };
    const right = this.named(observe(this.at(), packOf(`${this.name}-R${this.cycles}`)));
    const behaviour = this.random.pick(['rollback', 'proceed'] as const);
    return { ...documentIn([right, wrong]), behaviour, success: false, stores: behaviour === 'proceed' ? namesIn([right]) : [] };
  }

  /** Answered 400: a place is no URI. */
  private broken(n: number): Made {
    const good = this.named(observe(this.at(), packOf(`${this.name}-G${n}`)));
    const events = [good, { ...observe(this.at(), packOf(`${this.name}-F${n}`)), readPoint: { id: 'nowhere' } }];
    return { ...made('document', JSON.stringify(documentOf(events)), [good]), stores: [], success: false, refused: true };
  }

  /** Too large to be read before it is answered, with a fault in its last event: thousands of things are undone again. */
  private tooLate(n: number): Made {
    const events = Array.from({ length: 64 }, (_, e) =>
      this.named(
        commission(
          this.at(),
          Array.from({ length: 420 }, (_, i) => packOf(`${this.name}-X${n}-${e}-${i}`)),
        ),
      ),
    );
    const body = JSON.stringify(
      documentOf([...events, { ...observe(this.at(), packOf(`${this.name}-X${n}`)), readPoint: { id: 'nowhere' } }]),
    );
    return { ...made('document', body, events), stores: [], success: false };
  }
}

const REMEMBERED = 300;

function documentIn(events: readonly Json[]): Made {
  return made('document', JSON.stringify(documentOf(events)), events);
}

function made(kind: Made['kind'], body: string, events: readonly Json[]): Made {
  return { kind, body, behaviour: 'rollback', stores: namesIn(events), success: true, refused: false, events };
}

function namesIn(events: readonly Json[]): string[] {
  const read = [...readDocument(Buffer.from(JSON.stringify(documentOf(events)))).events()] as ReadEvent[];
  return read.map(({ identityDigest, event }) => nameOf(identityDigest, event.eventID));
}

function swap(list: Json[], a: number, b: number): void {
  [list[a], list[b]] = [list[b] as Json, list[a] as Json];
}
