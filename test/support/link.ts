import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A network between two programs on this machine, which can be pulled: a TCP proxy that forwards, refuses, or swallows what it is given. */
export class Link {
  readonly url: string;
  /** Bytes that went to the service. */
  carried = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private state: 'up' | 'cut' | 'black hole' = 'up';
  private loseAnswers = 0;

  private constructor(server: Server) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async to(service: { url: string } | (() => string)): Promise<Link> {
    const target = typeof service === 'function' ? service : () => service.url;
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const link = new Link(server);
    server.on('connection', (near) => link.join(near, new URL(target())));
    return link;
  }

  /** What is open is reset, and what comes as well. */
  cut(): void {
    this.state = 'cut';
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Nothing comes through any more, and nobody is told: connections stay half open. */
  swallow(): void {
    this.state = 'black hole';
    for (const socket of this.sockets) socket.pause().unpipe();
  }

  restore(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
    this.state = 'up';
  }

  /** The next answers of the service are lost on the way, after it has given them. */
  loseNextAnswers(count: number): void {
    this.loseAnswers = count;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((closed) => this.server.close(() => closed()));
  }

  private join(near: Socket, to: URL): void {
    if (this.state === 'cut') return void near.resetAndDestroy();
    this.sockets.add(near);
    near.on('error', () => {}).once('close', () => this.sockets.delete(near));
    if (this.state === 'black hole') return void near.pause();
    const far = connect(Number(to.port), to.hostname);
    this.sockets.add(far);
    far.on('error', () => near.destroy()).once('close', () => this.sockets.delete(far));
    near.on('data', (chunk) => (this.carried += chunk.length));
    near.pipe(far);
    far.on('data', (chunk) => {
      if (this.state !== 'up') return;
      if (this.loseAnswers > 0) {
        this.loseAnswers--;
        near.resetAndDestroy();
        far.destroy();
      } else near.write(chunk);
    });
    far.once('end', () => near.end());
    near.once('close', () => far.destroy());
  }
}
