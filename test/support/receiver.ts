import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Problem } from '../../src/errors.ts';

export type Received = {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What it was answered. */
  readonly status: number;
};
type Event = { eventID: string; type: string; recordTime: string; epcList?: string[] };

/** A subscriber's end of a webhook. */
export class Receiver {
  readonly received: Received[] = [];
  /** How each delivery is answered; null: not at all, the connection is cut. */
  answer: (delivery: { number: number; events: Event[]; body: string }) => number | null = () => 200;
  private readonly server: Server;
  private readonly watchers = new Set<() => void>();

  private constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const status = this.answer({ number: this.received.length, events: eventsOf(body), body });
        this.received.push({ headers: request.headers, body, status: status ?? 0 });
        if (status === null) request.socket.destroy();
        else response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end('{}');
        for (const watcher of this.watchers) watcher();
      });
    });
  }

  /** On a free port, or on one where a receiver was before. */
  static async listen(port = 0): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.server.listen(port, '127.0.0.1', () => resolve()));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Events of what was answered well, in the order in which they came. */
  get taken(): Event[] {
    return this.received.filter(({ status }) => status >= 200 && status < 300).flatMap(({ body }) => eventsOf(body));
  }

  /** Waits until it holds; a test that waits in vain ends by its own time. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        const seen = () => {
          this.watchers.delete(seen);
          resolve();
        };
        this.watchers.add(seen);
      });
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

export function eventsOf(body: string): Event[] {
  const document = JSON.parse(body) as Partial<Problem> & { epcisBody?: { queryResults: { resultsBody: { eventList: Event[] } } } };
  return document.epcisBody?.queryResults.resultsBody.eventList ?? [];
}

/** Checks a signature as docs/subscriptions.md tells clients to; answers the seconds that were signed. */
export function checkSignature({ headers, body }: Received, token: string): number | null {
  const [, seconds = '', signature = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['gs1-signature'])) ?? [];
  const expected = createHmac('sha256', token).update(`${seconds}.${body}`).digest('hex');
  return signature === expected ? Number(seconds) : null;
}
