import { createHmac } from 'node:crypto';
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isPublicAddress, parseDest } from './addresses.ts';

/** A client has this long to take a delivery, from looking up its name to the status of its answer. */
const DELIVERY_MS = 30_000;
/** Of an answer nothing is read but its status; one that is longer, or lasts longer, costs its connection. */
const ANSWER_BYTES_MAX = 64 * 1024;
const ANSWER_MS = 2_000;

export type WebhookOptions = {
  /** Whether private addresses may be connected to (LOTLINE_WEBHOOK_ALLOW_PRIVATE). */
  readonly allowPrivate: boolean;
  readonly deliveryMs?: number;
};

export type Delivery = { readonly dest: string; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array };

/**
 * Sends deliveries. A name is looked up once for a connection, every address of it is checked, and the connection goes to one that was checked: what a
 * name leads to afterwards does not matter (S-10). Redirects are not followed, and no proxy of the environment is used.
 */
export class Webhooks {
  private readonly options: WebhookOptions;
  private readonly agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent };

  constructor(options: WebhookOptions) {
    this.options = options;
    // keepAlive holds a connection to an address that was checked.
    const more = { keepAlive: true, maxFreeSockets: 64, timeout: DELIVERY_MS, lookup: this.lookup };
    this.agents = { 'http:': new http.Agent(more), 'https:': new https.Agent(more) };
  }

  /** The status of the answer. Throws what kept the client from answering, in words that its owner may read. */
  async post({ dest, headers, body }: Delivery, signal: AbortSignal): Promise<number> {
    const { allowPrivate, deliveryMs = DELIVERY_MS } = this.options;
    const url = parseDest(dest, { allowPrivate, at: '/dest' });
    const protocol = url.protocol as 'http:' | 'https:';
    const late = AbortSignal.timeout(deliveryMs);
    return await new Promise<number>((resolve, reject) => {
      const request = (protocol === 'https:' ? https : http).request(url, {
        method: 'POST',
        agent: this.agents[protocol],
        headers: { ...headers, 'content-length': body.length },
        signal: AbortSignal.any([signal, late]),
      });
      let settled = false;
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (settled) return;
        settled = true;
        // The client has closed a connection that was kept. Should it have seen this all the same, it knows it by its id.
        if (request.reusedSocket && error.code === 'ECONNRESET') resolve(this.post({ dest, headers, body }, signal));
        else reject(late.aborted ? new Error(`no answer within ${deliveryMs / 1000} s`) : error);
      });
      // Nothing else comes of an answer that switches protocols.
      request.once('close', () => reject(new Error('the client closed the connection without an answer')));
      request.once('response', (answer) => {
        // Its status is its answer, whatever becomes of the rest.
        settled = true;
        resolve(answer.statusCode as number);
        const enough = setTimeout(() => answer.destroy(), ANSWER_MS);
        answer.once('close', () => clearTimeout(enough));
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > ANSWER_BYTES_MAX) answer.destroy();
        });
        answer.on('error', () => {});
      });
      request.end(body);
    });
  }

  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  /** `dns.lookup` that gives no address that may not be connected to. */
  private readonly lookup = (
    hostname: string,
    options: LookupOptions,
    done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
  ): void => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) return done(error ?? new Error(`${hostname} has no address`), []);
      const refused = this.options.allowPrivate ? undefined : addresses.find(({ address }) => !isPublicAddress(address));
      if (refused !== undefined) return done(new Error(`${hostname} leads to an address that is not public`), []);
      if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}

/** `t=<seconds since 1970>,v1=<HMAC-SHA256 in hex of those seconds, a full stop and the body>` (S-9, docs/subscriptions.md). */
export function signatureOf(token: string, body: Uint8Array, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', token).update(`${seconds}.`).update(body).digest('hex')}`;
}
