import { connect, createServer, type Server, type Socket } from 'node:net';

/** A message on its way to the database: in a session whose name begins so, a piece that holds this text. */
export type Message = { readonly session: string; readonly text: string };
/** What of an exchange is lost; nothing: it is only seen. */
export type Loss = 'message' | 'reply' | 'nothing';
type Trap = { readonly message: Message; readonly lose: Loss; readonly sprung: () => void };
type Link = { readonly client: Socket; readonly server: Socket; session: string; dropping: (() => void) | null };

/**
 * The wire between the service and its database, which can be cut, choked and made to lose what must not be lost: a message before it arrives, or the
 * reply to one that has arrived and was obeyed.
 */
export class Wire {
  /** The database, by way of this wire. */
  readonly url: string;
  private readonly server: Server;
  private readonly links = new Set<Link>();
  private traps: Trap[] = [];
  private refusing = false;
  private choked = false;
  private delayMs = 0;

  private constructor(url: string, server: Server) {
    this.url = url;
    this.server = server;
  }

  static async open(databaseUrl: string): Promise<Wire> {
    const database = new URL(databaseUrl);
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const here = new URL(databaseUrl);
    here.hostname = '127.0.0.1';
    here.port = String((server.address() as { port: number }).port);
    const wire = new Wire(here.href, server);
    server.on('connection', (client) => wire.link(client, Number(database.port || 5432), database.hostname));
    return wire;
  }

  /** Resolves when the next such message has come by and was lost, or its reply was; its connection is cut then. Losing nothing is seeing it pass. */
  async lose(lose: Loss, message: Message): Promise<void> {
    await new Promise<void>((sprung) => this.traps.push({ message, lose, sprung }));
  }

  /** Whether a session of this name goes over this wire. */
  carries(session: string): boolean {
    return [...this.links].some((link) => link.session === session);
  }

  /** Cuts what is connected. */
  cut(session = ''): void {
    for (const link of this.links) if (link.session.startsWith(session)) this.break(link);
  }

  /** Sends each side the end of what the other says, and lets what was said before arrive. */
  halfClose(): void {
    for (const { client, server } of this.links) {
      client.end();
      server.end();
    }
  }

  /** Lets nobody connect. */
  refuse(refusing: boolean): void {
    this.refusing = refusing;
  }

  /** Lets nothing through, and tells neither side; connections can be made, and come to nothing. */
  choke(choked: boolean): void {
    this.choked = choked;
    for (const { client, server } of this.links) {
      for (const socket of [client, server]) {
        if (choked) socket.pause();
        else socket.resume();
      }
    }
  }

  /** Each piece takes so much longer. */
  delay(ms: number): void {
    this.delayMs = ms;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }

  private link(client: Socket, port: number, host: string): void {
    if (this.refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port, host, allowHalfOpen: true });
    const link: Link = { client, server, session: '', dropping: null };
    this.links.add(link);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.break(link));
      socket.on('close', () => this.break(link));
      if (this.choked) socket.pause();
    }
    client.on('data', (bytes) => this.fromClient(link, bytes));
    server.on('data', (bytes) => {
      if (link.dropping !== null) link.dropping();
      else this.pass(bytes, server, client);
    });
    client.on('end', () => this.later(() => server.end()));
    server.on('end', () => this.later(() => client.end()));
  }

  private fromClient(link: Link, bytes: Buffer): void {
    if (link.session === '') link.session = /application_name\0([^\0]*)/.exec(bytes.toString('latin1'))?.[1] ?? '';
    const trap = this.traps.find(({ message }) => link.session.startsWith(message.session) && bytes.includes(message.text));
    if (trap !== undefined) {
      this.traps = this.traps.filter((other) => other !== trap);
      const spring = () => {
        this.break(link);
        trap.sprung();
      };
      if (trap.lose === 'message') {
        spring();
        return;
      }
      if (trap.lose === 'nothing') trap.sprung();
      else link.dropping = spring;
    }
    this.pass(bytes, link.client, link.server);
  }

  private pass(bytes: Buffer, from: Socket, to: Socket): void {
    this.later(() => {
      if (to.destroyed || to.writableEnded) return;
      if (to.write(bytes)) return;
      from.pause();
      to.once('drain', () => {
        if (!this.choked) from.resume();
      });
    });
  }

  private later(work: () => void): void {
    if (this.delayMs > 0) setTimeout(work, this.delayMs);
    else work();
  }

  private break(link: Link): void {
    this.links.delete(link);
    link.client.resetAndDestroy();
    link.server.resetAndDestroy();
  }
}
