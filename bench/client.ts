import { get } from 'node:http';
import { connect, type Socket } from 'node:net';

export type Answer = { status: number; head: string; body: Buffer };

const STALE_MS = 4_000;

/** Of HTTP/1.1 only what the service needs to be measured: one request at a time on a kept connection, answers with a Content-Length. */
class Connection {
  private readonly socket: Socket;
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private head: string | null = null;
  /** Bytes of head and body together, once the head is read. */
  private due = Number.POSITIVE_INFINITY;
  private waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;
  closed = false;
  private used = performance.now();

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => this.take(chunk));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the service closed the connection')));
  }

  /** Rested so long that the service may be closing it just now. */
  get stale(): boolean {
    return performance.now() - this.used > STALE_MS;
  }

  async send(request: Buffer): Promise<Answer> {
    this.used = performance.now();
    return await new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.head === null) this.readHead();
    if (this.head === null || this.size < this.due) return;
    const answer = { status: Number(this.head.slice(9, 12)), head: this.head, body: this.all().subarray(this.head.length + 4) };
    this.chunks.length = 0;
    this.size = 0;
    this.head = null;
    this.due = Number.POSITIVE_INFINITY;
    this.waiting?.resolve(answer);
  }

  private readHead(): void {
    const end = this.all().indexOf('\r\n\r\n');
    if (end === -1) return;
    this.head = this.all().toString('latin1', 0, end);
    const length = headerOf(this.head, 'content-length');
    if (length === null) this.fail(new Error(`an answer without Content-Length: ${this.head}`));
    else this.due = end + 4 + Number(length);
  }

  private all(): Buffer {
    if (this.chunks.length > 1) this.chunks.splice(0, this.chunks.length, Buffer.concat(this.chunks));
    return this.chunks[0] as Buffer;
  }

  private fail(error: Error): void {
    this.closed = true;
    this.waiting?.reject(error);
    this.waiting = null;
    this.socket.destroy();
  }
}

export function headerOf(head: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*?) *$`, 'im').exec(head)?.[1] ?? null;
}

/** Beyond this many, requests wait here: an overloaded service is met by late requests, not by more and more connections. */
const CONNECTIONS_MAX = 256;

/**
 * HTTP over kept connections, as many as there are requests at once. Client and service share the machine, so the client has to cost little: a
 * request costs it some 25 µs of processor time, where node:http takes 100 and fetch 500.
 */
export class Client {
  private readonly idle: Connection[] = [];
  private readonly waiting: ((connection: Connection) => void)[] = [];
  private open = 0;
  private readonly port: number;
  private readonly headers: string;

  constructor(port: number, headers: Record<string, string> = {}) {
    this.port = port;
    this.headers = `host: 127.0.0.1:${port}\r\n${lines(headers)}`;
  }

  async send(method: 'GET' | 'POST', path: string, body?: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
    const connection = await this.take();
    const head = Buffer.from(
      `${method} ${path} HTTP/1.1\r\n${this.headers}${lines(headers)}${body ? `content-length: ${body.length}\r\n` : ''}\r\n`,
      'latin1',
    );
    try {
      return await connection.send(body ? Buffer.concat([head, body]) : head);
    } finally {
      this.give(connection);
    }
  }

  /** How long it takes until the first bytes of an answer's body are here, in ms; the rest is not read. */
  async firstBytes(path: string, headers: Record<string, string>): Promise<number> {
    const from = performance.now();
    return await new Promise((resolve, reject) => {
      const sent = get({ host: '127.0.0.1', port: this.port, path, headers }, (response) => {
        response.on('error', () => {}); // it is cut off here
        response.once('data', () => {
          resolve(performance.now() - from);
          sent.destroy();
        });
      });
      sent.on('error', reject);
    });
  }

  private async take(): Promise<Connection> {
    for (let connection = this.idle.pop(); connection !== undefined; connection = this.idle.pop()) {
      if (!connection.closed && !connection.stale) return connection;
      connection.close();
      this.open--;
    }
    if (this.open >= CONNECTIONS_MAX) return await new Promise((resolve) => this.waiting.push(resolve));
    this.open++;
    return new Connection(this.port);
  }

  private give(connection: Connection): void {
    const next = this.waiting.shift();
    if (next === undefined) this.idle.push(connection);
    else next(connection.closed ? new Connection(this.port) : connection);
  }

  close(): void {
    for (const connection of this.idle.splice(0)) connection.close();
  }
}

const lines = (headers: Record<string, string>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
