import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import { LotlineError } from '../errors.ts';
import type { NamedQuery } from '../query/named-queries.ts';
import { SCHEDULE_FIELDS } from '../subscriptions/schedule.ts';
import { minRecordTimeOf, parseInitialRecordTime, parseTiming, type Terms, type Timing } from '../subscriptions/subscription.ts';
import { principalOf } from './authenticate.ts';
import type { ApiDeps } from './deps.ts';
import { searchOf, styleOf } from './epcis-events.ts';

/** Clients have nothing to say but pongs and goodbyes. */
const MESSAGE_MAX = 1024;
/** The protocol that is spoken, for clients that have to name one. */
const PROTOCOL = 'epcis';
/** How a browser, which can set no header, sends its key: as another protocol that it offers. */
const KEY_PROTOCOL = /(?:^|,)\s*bearer\.([A-Za-z0-9._~+-]+)\s*(?:,|$)/;

type Upgrade = { readonly socket: Duplex; readonly head: Buffer };

/**
 * WebSockets on the routes of app (S-11). A request to upgrade goes through the routes like any other, with their hooks: so it is refused as they refuse,
 * before the upgrade.
 */
export function socketUpgrades(app: FastifyInstance, { settings, sockets }: Pick<ApiDeps, 'settings' | 'sockets'>) {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_MAX,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  const told = new WeakMap<IncomingMessage, string>();
  server.on('headers', (headers, raw) => {
    const minRecordTime = told.get(raw);
    if (minRecordTime !== undefined) headers.push(`GS1-Query-Min-Record-Time: ${minRecordTime}`);
  });

  app.server.on('upgrade', (raw: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const answer = new ServerResponse(raw);
    answer.shouldKeepAlive = false;
    try {
      answer.assignSocket(socket as Socket);
    } catch {
      return void socket.destroy(); // the request before it is still being answered
    }
    if (!asksForWebSocket(raw)) {
      answer.detachSocket(socket as Socket);
      socket.unshift(Buffer.concat([headWithoutUpgrade(raw), head]));
      return void app.server.emit('connection', socket);
    }
    const [, key] = KEY_PROTOCOL.exec(raw.headers['sec-websocket-protocol'] ?? '') ?? [];
    if (key !== undefined) raw.headers.authorization ??= `Bearer ${key}`;
    upgrades.set(raw, { socket, head });
    // A client that stays after it was refused is a request in hand no more.
    answer.once('finish', () => (socket as Socket).destroySoon());
    app.routing(raw, answer);
  });
  app.addHook('preClose', async () => await sockets.close());

  return {
    isUpgrade: (request: FastifyRequest): boolean => upgrades.has(request.raw),

    /** Subscribes the socket of a request to upgrade to a query. */
    async subscribe(request: FastifyRequest, reply: FastifyReply, query: NamedQuery): Promise<FastifyReply> {
      const { socket, head } = upgrades.get(request.raw) as Upgrade;
      const terms: Terms = { ...termsOf(request), dest: '', token: null, epcFormat: styleOf(request, settings.epcFormat).format };
      const asked = { queryName: query.name, query: query.query, actor: principalOf(request).id, terms };
      const subscription = await sockets.prepare(asked);
      told.set(request.raw, minRecordTimeOf(subscription));
      void reply.hijack();
      // From here on the socket is no matter of HTTP: the answer lets go of it, and the request counts as answered.
      reply.raw.detachSocket(socket as Socket);
      reply.raw.emit('close');
      server.handleUpgrade(request.raw, socket, head, (connection) => sockets.serve(connection, subscription));
      return reply;
    },
  };
}

/** ws knows the one name and no list of them. */
function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  if (method !== 'GET' || !tokensOf(headers.upgrade).includes('websocket')) return false;
  headers.upgrade = 'websocket';
  return true;
}

/** The head of a request as it came, but for the wish to upgrade: a server may ignore it (RFC 9110 §7.8), and some clients add one to every request. */
function headWithoutUpgrade({ method, url, httpVersion, rawHeaders, headers }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!OF_UPGRADE.has((rawHeaders[i] as string).toLowerCase())) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  const others = tokensOf(headers.connection).filter((token) => !OF_UPGRADE.has(token));
  if (others.length > 0) lines.push(`Connection: ${others.join(', ')}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

const OF_UPGRADE = new Set(['upgrade', 'http2-settings', 'connection']);

const tokensOf = (list = ''): string[] => list.split(',').map((token) => token.trim().toLowerCase());

/** What the URL of an upgrade asks for (S-11). */
function termsOf(request: FastifyRequest): { timing: Timing; initialRecordTime: string | null; reportIfEmpty: boolean } {
  const texts = new Map<string, string>();
  for (const [name, text] of searchOf(request)) {
    if (texts.has(name) || !KNOWN.has(name))
      throw new LotlineError(
        'QRY-PARAM',
        `the parameter ${JSON.stringify(name)} is ${texts.has(name) ? 'given twice' : 'not known here'}`,
        {
          at: `?${name}`,
          fix: `Give each of these once: ${[...KNOWN].join(', ')}.`,
        },
      );
    texts.set(name, text);
  }
  const initialRecordTime = texts.get('initialRecordTime') ?? null;
  if (initialRecordTime !== null) parseInitialRecordTime(initialRecordTime, '?initialRecordTime');
  return { timing: timingOf(texts), initialRecordTime, reportIfEmpty: flagOf(texts, 'reportIfEmpty') ?? false };
}

const KNOWN = new Set(['stream', ...SCHEDULE_FIELDS, 'initialRecordTime', 'reportIfEmpty']);

function timingOf(texts: ReadonlyMap<string, string>): Timing {
  const fields = SCHEDULE_FIELDS.flatMap((name) => (texts.has(name) ? [[name, texts.get(name)] as const] : []));
  const schedule = fields.length === 0 ? undefined : Object.fromEntries(fields);
  try {
    return parseTiming({ stream: flagOf(texts, 'stream'), schedule }, '?');
  } catch (error) {
    if (!(error instanceof LotlineError)) throw error;
    throw new LotlineError(error.code, error.message, { at: error.at.replace('?schedule/', '?'), fix: error.fix, cause: error });
  }
}

function flagOf(texts: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const text = texts.get(name);
  if (text === undefined || text === 'true' || text === 'false') return text === undefined ? undefined : text === 'true';
  throw new LotlineError('SUB-CONTROLS', `${name} is ${JSON.stringify(text.slice(0, 50))}`, { at: `?${name}`, fix: 'Give true or false.' });
}
