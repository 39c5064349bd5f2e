import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { CaptureService } from '../capture/service.ts';
import type { Readers } from '../query/readers.ts';
import { Gate } from './gate.ts';
import { Sockets } from './sockets.ts';
import type { Terms } from './subscription.ts';

const TERMS: Terms = {
  dest: '',
  token: null,
  timing: { stream: true },
  initialRecordTime: null,
  reportIfEmpty: false,
  epcFormat: 'No_Preference',
};
const ASKED = { queryName: 'q', query: {}, actor: 'k_1', terms: TERMS };

let queries: object[] = [{}];

/** A store with one event after the other to tell, without end. */
const readers = {
  look: async (name: string) => (name === 'namedQueries' ? queries : { next: 0, recordTime: 5 }),
  ask: async (_name: string, { from }: { from: number }) => ({
    body: Buffer.from('{}'), count: 1, part: `${from}`, through: from, last: from, next: from + 1, more: true, cut: false, recordTime: from, problem: null,
  }),
} as unknown as Readers; // biome-ignore format: in the order of its type

/** What ws has of a socket, as far as Sockets asks for it. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  sent = 0;
  pings = 0;
  code: number | null = null;
  private readonly fetches: boolean;

  constructor(fetches: boolean) {
    super();
    this.fetches = fetches;
  }
  send(_body: unknown, _options: unknown, done: () => void): void {
    this.sent++;
    if (this.fetches) setImmediate(done);
  }
  ping(): void {
    this.pings++;
  }
  close(code: number): void {
    this.code = code;
    this.terminate();
  }
  terminate(): void {
    if (this.readyState !== 1) return;
    this.readyState = 3;
    this.emit('close');
  }
}

describe('the sockets of a process', () => {
  let sockets: Sockets;
  const open = (more: { sendMs?: number; pingMs?: number; max?: number }) => {
    const capture = { onChange: () => {} } as unknown as CaptureService;
    sockets = new Sockets({ readers, capture, deliveries: { mayRead: async () => true, reports: new Gate(2) }, log: () => {}, ...more });
    return sockets;
  };
  afterEach(() => sockets.close());
  const serve = async (socket: FakeSocket) => sockets.serve(socket as unknown as WebSocket, await sockets.prepare(ASKED));
  const closed = (socket: FakeSocket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

  it('pile nothing up for a client that fetches nothing: it is closed with 1013, after one message', async () => {
    open({ sendMs: 30 });
    const slow = new FakeSocket(false);
    const gone = closed(slow);
    await serve(slow);
    await gone;
    expect([slow.sent, slow.code, sockets.count]).toEqual([1, 1013, 0]);
  });

  it('end with a client that does not answer a ping, and not with one that does', async () => {
    open({ pingMs: 30 });
    const [silent, alive] = [new FakeSocket(false), new FakeSocket(false)];
    alive.ping = () => {
      alive.pings++;
      alive.emit('pong');
    };
    const gone = closed(silent);
    await serve(silent);
    await serve(alive);
    await gone;
    expect([silent.pings, silent.code, alive.readyState]).toEqual([1, null, 1]);
  });

  it('are none to a query that was deleted, nor of a service that was stopped, while they were prepared (S-12)', async () => {
    open({});
    queries = [];
    const late = new FakeSocket(false);
    const gone = closed(late);
    await serve(late);
    await gone;
    queries = [{}];
    expect(late.code).toBe(1000);
    const prepared = await sockets.prepare(ASKED);
    await sockets.close();
    const later = new FakeSocket(false);
    sockets.serve(later as unknown as WebSocket, prepared);
    expect(later.code).toBe(1001);
  });

  it('are no more than so many', async () => {
    open({ max: 1 });
    const only = new FakeSocket(false);
    await serve(only);
    await expect(sockets.prepare(ASKED)).rejects.toMatchObject({ code: 'REQ-BUSY' });
    only.terminate();
    // Two that were prepared before either was open.
    const both = [await sockets.prepare(ASKED), await sockets.prepare(ASKED)];
    const [first, second] = both.map((subscription) => {
      const socket = new FakeSocket(false);
      sockets.serve(socket as unknown as WebSocket, subscription);
      return socket;
    });
    expect([first?.code, second?.code]).toEqual([null, 1013]);
    first?.terminate();
    await expect(sockets.prepare(ASKED)).resolves.toMatchObject({ next: 0, progress: { minRecordTime: 5 } });
  });
});
