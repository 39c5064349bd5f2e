import { setTimeout as wait } from 'node:timers/promises';
import { isXml } from '../epcis/syntax.ts';
import { LotlineError, type Problem } from '../errors.ts';

/** Where a running lotline is, and the key to it. */
export type Server = { readonly url: string; readonly key: string | undefined };

/** `text` is the body as it came, `body` what it says where it is JSON. */
export type Reply = { readonly status: number; readonly headers: Headers; readonly body: unknown; readonly text: string };

/** How long one request is tried again while the server says that it is busy. */
const BUSY_MAX_MS = 600_000;
const BUSY_PAUSE_MS = 2_000;
const BUSY_PAUSE_MAX_MS = 60_000;

/**
 * Speaks to a running lotline. 429 and 503 are waited out as long as the server asks for; without a server, and without a key that it takes,
 * it throws. Every other answer is the caller's to judge.
 */
export class Client {
  private readonly server: Server;

  constructor(server: Server) {
    this.server = { ...server, url: server.url.replace(/\/+$/, '') };
  }

  async send(method: 'GET' | 'POST', path: string, more: { body?: Uint8Array; headers?: Record<string, string> } = {}): Promise<Reply> {
    const until = Date.now() + BUSY_MAX_MS;
    for (;;) {
      const reply = await this.once(method, path, more);
      if (reply.status === 401 || reply.status === 403) throw this.noKey(reply.status);
      if ((reply.status !== 429 && reply.status !== 503) || Date.now() > until) return reply;
      await wait(pauseOf(reply.headers.get('retry-after')));
    }
  }

  /** The answer to a question; what the server has against it is thrown. */
  async ask<Answer>(path: string, query: Record<string, string | undefined>): Promise<Answer> {
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const reply = await this.send('GET', `${path}?${new URLSearchParams(given).toString()}`);
    if (reply.status === 200) return reply.body as Answer;
    throw problemOf(reply);
  }

  private async once(method: string, path: string, more: { body?: Uint8Array; headers?: Record<string, string> }): Promise<Reply> {
    const { url, key } = this.server;
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...(more.body && { 'content-type': isXml(more.body) ? 'application/xml' : 'application/ld+json' }),
          ...more.headers,
        },
        ...(more.body && { body: new Uint8Array(more.body) }),
      });
      const text = await response.text();
      const json = /^application\/([a-z.+-]+\+)?json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: json && text !== '' ? JSON.parse(text) : text, text };
    } catch (cause) {
      const why = ((cause as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (cause as Error).message;
      throw new LotlineError('CFG-VALUE', `No lotline answers at ${url} (${why})`, {
        at: '--url',
        fix: 'Start one with npm start, or name the running one with --url.',
        cause,
      });
    }
  }

  private noKey(status: number): LotlineError {
    const what =
      this.server.key === undefined ? 'No key was given' : status === 401 ? 'The key is not known there' : 'The key has too small a role';
    return new LotlineError(status === 401 ? 'ACC-DENIED' : 'ACC-SCOPE', `${what} (${status} from ${this.server.url})`, {
      at: '--key',
      fix: 'Give a key of that server with --key or LOTLINE_KEY; an admin grants one with POST /api/v1/keys.',
    });
  }
}

/** What an answer that is no success says. */
export function problemOf(reply: Reply): LotlineError {
  const problem = (typeof reply.body === 'object' && reply.body !== null ? reply.body : {}) as Partial<Problem>;
  const what = problem.title ?? `the server answered ${reply.status}`;
  return new LotlineError(problem.code ?? 'INTERNAL', what, {
    at: problem.at ?? '',
    fix: problem.fix ?? 'Look into the log of the server.',
  });
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function pauseOf(retryAfter: string | null): number {
  if (retryAfter === null) return BUSY_PAUSE_MS;
  const ms = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(ms) ? BUSY_PAUSE_MS : Math.min(Math.max(ms, 50), BUSY_PAUSE_MAX_MS);
}

/** The options by which a command finds a server. */
export const SERVER_FLAGS = {
  url: ['--url <url>', 'Where lotline runs. Default: http://127.0.0.1:8080.'],
  key: ['--key <key>', 'The API key. Also LOTLINE_KEY.'],
} as const;

export function serverOf(flags: { url?: string; key?: string }): Server {
  return { url: flags.url ?? 'http://127.0.0.1:8080', key: flags.key ?? process.env['LOTLINE_KEY'] };
}
