import { setTimeout as sleep } from 'node:timers/promises';
import { openRandom, type Random } from '../../src/worlds/random.ts';
import { packOf } from '../support/events.ts';
import { Line, type Made } from './made-documents.ts';
import type { Memory } from './memory.ts';
import type { ServerUnderTest } from './server-under-test.ts';

const LINES = 6;
/** A line waits up to this long between two documents, ms. */
const PAUSE_MAX = 30;
/** No answer takes longer than this, ms. */
const ANSWER_MAX = 90_000;
/** What was taken is folded within this time, ms. */
const SETTLE_MAX = 300_000;

type Answer = { status: number; headers: Headers; text: string };

/**
 * Mixed load on a service that dies again and again. Whatever it answers goes into the memory; an answer that must not be goes there as broken.
 * Clients wait while there is no service, and send some of what was never answered again, as they would in life.
 */
export class Clients {
  private readonly server: ServerUnderTest;
  private readonly memory: Memory;
  private readonly random: Random;
  private readonly lines: Line[];
  private readonly again: Made[] = [];
  private readonly running: Promise<void>[] = [];
  private sending = true;
  private asking = true;

  constructor(server: ServerUnderTest, memory: Memory, seed: number) {
    this.server = server;
    this.memory = memory;
    this.random = openRandom(seed, 'clients');
    const storedEvent = () => memory.storedEvent((list) => this.random.pick(list));
    this.lines = Array.from({ length: LINES }, (_, i) => new Line(this.random.fork(`line ${i}`), String(i), storedEvent));
  }

  start(): void {
    const whileSending = (work: () => Promise<unknown>) => this.running.push(this.keepOn(() => this.sending, work));
    for (const line of this.lines) {
      whileSending(async () => {
        await sleep(this.random.below(PAUSE_MAX));
        await this.sendOne(line);
      });
    }
    whileSending(() => this.useKeys());
    const whileAsking = (work: () => Promise<unknown>) => this.running.push(this.keepOn(() => this.asking, work));
    whileAsking(() => this.readCheckpoint());
    whileAsking(() => this.askForJobs());
    whileAsking(() => this.lookUp());
  }

  /** Nothing new is sent from now on; questions go on. */
  stopSending(): void {
    this.sending = false;
  }

  async stop(): Promise<void> {
    this.sending = false;
    this.asking = false;
    await Promise.all(this.running);
  }

  /** Sends many small documents at once, and does not wait for the answers. */
  burst(count: number): void {
    const line = this.random.pick(this.lines);
    for (let i = 0; i < count; i++) this.running.push(this.send(line.small()));
  }

  /** Sends one bare event. */
  async sendSingle(): Promise<void> {
    await this.send((this.lines[0] as Line).single());
  }

  /** Until every answered capture has ended. */
  async settle(): Promise<void> {
    const until = Date.now() + SETTLE_MAX;
    for (const capture of this.memory.captures) {
      while (!capture.ended && this.memory.broken.length === 0) {
        await this.askForJob(capture);
        if (Date.now() > until) this.memory.broken.push(`capture ${capture.captureID} has not ended in ${SETTLE_MAX} ms`);
        else if (!capture.ended) await sleep(10);
      }
    }
  }

  private async keepOn(more: () => boolean, work: () => Promise<unknown>): Promise<void> {
    while (more()) {
      if (this.server.url === null) await sleep(10);
      else await work();
    }
  }

  /** Null when there was no answer. */
  async call(
    method: string,
    path: string,
    call: { body?: string; headers?: Record<string, string>; key?: string } = {},
  ): Promise<Answer | null> {
    const { url } = this.server;
    if (url === null) return null;
    this.memory.requests++;
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${call.key ?? this.server.adminKey}`,
          ...(call.body !== undefined && { 'content-type': 'application/json' }),
          ...call.headers,
        },
        ...(call.body !== undefined && { body: call.body }),
        signal: AbortSignal.timeout(ANSWER_MAX),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') this.memory.broken.push(`${method} ${path} was not answered in ${ANSWER_MAX} ms`);
      return null;
    }
  }

  /** An answer that none of these statuses covers is a fault. A service that is busy says when to come back. */
  private expect(what: string, answer: Answer, ...statuses: number[]): boolean {
    if (statuses.includes(answer.status)) return true;
    if (answer.status === 503 || answer.status === 429) {
      this.memory.busy++;
      if (!(Number(answer.headers.get('retry-after')) > 0)) this.memory.broken.push(`${what}: ${answer.status} without Retry-After`);
    } else if (answer.status === 413 && answer.text.includes('QRY-COMPLEX')) this.memory.slow++;
    else this.memory.broken.push(`${what}: ${answer.status} ${answer.text.slice(0, 500)}`);
    return false;
  }

  private async sendOne(line: Line): Promise<void> {
    if (this.again.length > 0 && this.random.perMille(500)) await this.send(this.again.shift() as Made);
    else await this.send(this.random.perMille(120) ? line.single() : line.next());
  }

  async send(made: Made): Promise<void> {
    const sent = this.memory.send(made);
    const path = made.kind === 'document' ? '/epcis/capture' : '/epcis/events';
    const answer = await this.call('POST', path, { body: made.body, headers: { 'gs1-capture-error-behaviour': made.behaviour } });
    const good = made.refused ? 400 : made.kind === 'document' ? 202 : 201;
    if (answer === null || !this.expect(`POST ${path}`, answer, good)) {
      sent.unanswered++;
      if (answer === null && this.random.perMille(500)) this.again.push(made);
    } else if (good === 202) this.memory.taken(sent, (answer.headers.get('location') as string).split('/').at(-1) as string);
    else if (good === 201) sent.answered201++;
  }

  private async readCheckpoint(): Promise<void> {
    const answer = await this.call('GET', '/ledger/checkpoint');
    if (answer !== null && this.expect('GET /ledger/checkpoint', answer, 200)) this.memory.checkpoint(answer.text);
    await sleep(4);
  }

  /** Keys are entries of the log, too: what was granted opens, what was ended does not. */
  private async useKeys(): Promise<void> {
    await sleep(this.random.between(20, 120));
    const { keys } = this.memory;
    const known = keys.length > 0 ? this.random.pick(keys) : null;
    if (known !== null && this.random.perMille(500)) {
      const answer = await this.call('GET', '/api/v1/findings?perPage=1', { key: known.key });
      if (known.state === 'unknown' || answer === null) return;
      this.expect(`a key that was ${known.state}`, answer, known.state === 'granted' ? 200 : 401);
    } else if (known?.state === 'granted' && this.random.perMille(200)) {
      known.state = 'unknown';
      const answer = await this.call('DELETE', `/api/v1/keys/${known.id}`);
      if (answer === null || !this.expect('DELETE /api/v1/keys', answer, 204)) return;
      setTimeout(() => {
        known.state = 'ended';
      }, this.server.keyMemoryMs ?? 0);
    } else {
      const answer = await this.call('POST', '/api/v1/keys', { body: JSON.stringify({ name: 'a client', roles: ['reader'] }) });
      if (answer === null || !this.expect('POST /api/v1/keys', answer, 201)) return;
      keys.push({ ...(JSON.parse(answer.text) as { id: string; key: string }), state: 'granted' });
    }
  }

  /** Jobs that were answered never get lost, and what has ended stays ended. */
  private async askForJobs(): Promise<void> {
    await sleep(5);
    const { captures } = this.memory;
    const open = captures.find((capture) => !capture.ended);
    const old = captures.length > 0 && this.random.perMille(300) ? this.random.pick(captures) : undefined;
    for (const capture of [open, old]) if (capture !== undefined) await this.askForJob(capture);
  }

  async askForJob(capture: Memory['captures'][number]): Promise<void> {
    const { ended } = capture;
    const answer = await this.call('GET', `/epcis/capture/${capture.captureID}`);
    if (answer === null || !this.expect(`the job of capture ${capture.captureID}`, answer, 200)) return;
    const job = JSON.parse(answer.text) as { running: boolean; success: boolean };
    if (!job.running) this.memory.end(capture, job.success);
    else if (ended) this.memory.broken.push(`capture ${capture.captureID} had ended and runs again`);
  }

  private async lookUp(): Promise<void> {
    await sleep(15);
    const thing = encodeURIComponent(packOf(`${this.random.below(LINES)}-${this.random.between(1, 40)}-0`));
    const path = this.random.pick([`/api/v1/things/${thing}`, `/api/v1/things/${thing}/history`, '/epcis/events?perPage=5']);
    const answer = await this.call('GET', path);
    if (answer !== null) this.expect(`GET ${path}`, answer, 200, 404);
  }
}
