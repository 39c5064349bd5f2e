import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { LotlineError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import type { Load } from './limits.ts';

/** How often the event loop is looked at, ms: as fine as its delay is told. */
const LOOP_MS = 10;

/** Figures for Prometheus, in a registry of their own. Labels are route templates and states, never identifiers. */
export class Metrics {
  readonly registry = new Registry();
  private readonly deps: Pick<ApiDeps, 'capture' | 'readers' | 'documents' | 'deliveries' | 'sockets'>;
  private readonly load: Load;
  private eventsUpTo = -1;
  private jobsUpTo = 0;
  /** Scrapes take turns: each counts on from where the last one ended. */
  private turn: Promise<unknown> = Promise.resolve();

  private readonly http = this.mine(
    Histogram,
    'lotline_http_request_duration_seconds',
    'Time from a request to the end of its answer, by route template.',
    { labelNames: ['method', 'route', 'status'] as const, buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] },
  );
  private readonly jobs = this.mine(Histogram, 'lotline_capture_job_duration_seconds', 'Time from the 202 to the end of the job.', {
    labelNames: ['success'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  });
  private readonly captures = this.mine(Counter, 'lotline_captures_total', 'Capture jobs that have ended, of all time.', {
    labelNames: ['success'] as const,
  });
  private readonly events = this.mine(Counter, 'lotline_events_total', 'Events stored, of all time.', {});
  private readonly entries = this.mine(Gauge, 'lotline_log_entries', 'Entries in the journal and leaves in the log.', {});
  private readonly serials = this.mine(Gauge, 'lotline_serials', 'Serialised things named by any event.', {});
  private readonly lots = this.mine(Gauge, 'lotline_lots', 'Lots and classes named by any event.', {});
  private readonly findings = this.mine(Gauge, 'lotline_findings_open', 'Findings that are open.', {});
  private readonly queue = this.mine(Gauge, 'lotline_capture_queue_length', 'Captures kept and not folded yet.', {});
  private readonly queueBytes = this.mine(Gauge, 'lotline_capture_queue_bytes', 'Bytes of captures kept and not folded yet.', {});
  private readonly waiting = this.mine(Gauge, 'lotline_waiting', 'Requests in hand, and what of them waits for a thread.', {
    labelNames: ['for'] as const,
  });
  private readonly memoryHeld = this.mine(Gauge, 'lotline_held_bytes', 'Documents and large answers in memory.', {
    labelNames: ['what'] as const,
  });
  private readonly refusals = this.mine(Gauge, 'lotline_refused', 'Requests answered 503 since the start because something was full.', {
    labelNames: ['by'] as const,
  });
  private readonly overruns = this.mine(
    Gauge,
    'lotline_overruns',
    'Questions ended since the start because they took too long or too much.',
    {},
  );
  private readonly subscriptions = this.mine(Gauge, 'lotline_subscriptions', 'Webhooks that this process delivers to, by how it goes.', {
    labelNames: ['state'] as const,
  });
  private readonly deliveries = this.mine(Gauge, 'lotline_deliveries', 'Deliveries to webhooks since the start, by what became of them.', {
    labelNames: ['outcome'] as const,
  });
  private readonly delivered = this.mine(Gauge, 'lotline_delivered_events', 'Events that webhooks have taken since the start.', {});
  private readonly sockets = this.mine(Gauge, 'lotline_sockets', 'Subscriptions over WebSocket that are open on this process.', {});
  private readonly loop = this.mine(
    Gauge,
    'lotline_event_loop_delay_seconds',
    'How late the thread that answers was, since the last scrape.',
    {
      labelNames: ['quantile'] as const,
    },
  );
  private readonly loopDelay = monitorEventLoopDelay({ resolution: LOOP_MS });
  private readonly healthy = this.mine(Gauge, 'lotline_store_healthy', '1 while the store takes writes.', {});
  private readonly memory = this.mine(Gauge, 'lotline_process_resident_bytes', 'Memory of the whole process.', {});

  constructor(deps: Pick<ApiDeps, 'capture' | 'readers' | 'documents' | 'deliveries' | 'sockets'>, load: Load) {
    this.deps = deps;
    this.load = load;
    this.loopDelay.enable();
  }

  observe(request: FastifyRequest, reply: FastifyReply): void {
    const route = request.is404 ? '(none)' : (request.routeOptions.url ?? '(none)');
    this.http.observe({ method: request.method, route, status: `${Math.floor(reply.statusCode / 100)}xx` }, reply.elapsedTime / 1000);
  }

  /** The figures as text, those of the store brought up to date. */
  async text(): Promise<string> {
    const mine = this.turn.then(() => this.refresh());
    this.turn = mine.catch(() => {});
    await mine;
    return await this.registry.metrics();
  }

  private async refresh(): Promise<void> {
    this.refreshLoad();
    try {
      await this.refreshStore();
    } catch (error) {
      // Of a service with more to do than it can, its load is what one wants to see.
      if (!(error instanceof LotlineError) || error.code === 'INTERNAL') throw error;
    }
  }

  private refreshLoad(): void {
    const { load, loopDelay } = this;
    const { capture, readers, documents, deliveries } = this.deps;
    this.queue.set(capture.waitingNow.documents);
    this.queueBytes.set(capture.waitingNow.bytes);
    this.waiting.set({ for: 'answer' }, load.requests);
    this.waiting.set({ for: 'fold' }, capture.waitingNow.direct);
    this.waiting.set({ for: 'question' }, readers.figures.waiting);
    this.waiting.set({ for: 'reading' }, documents.figures.waiting);
    this.memoryHeld.set({ what: 'documents' }, load.bodies.held);
    this.memoryHeld.set({ what: 'answers' }, load.answers.held);
    this.refusals.set({ by: 'http' }, load.refused);
    this.refusals.set({ by: 'queue' }, capture.waitingNow.refused);
    this.refusals.set({ by: 'questions' }, readers.figures.refused);
    this.refusals.set({ by: 'reading' }, documents.figures.refused);
    const { subscriptions, failing, taken, smaller, failed, events } = deliveries.figures;
    this.subscriptions.set({ state: 'well' }, subscriptions - failing);
    this.subscriptions.set({ state: 'failing' }, failing);
    for (const [outcome, number] of Object.entries({ taken, smaller, failed })) this.deliveries.set({ outcome }, number);
    this.delivered.set(events);
    this.sockets.set(this.deps.sockets.count);
    this.overruns.set(readers.figures.overruns + documents.figures.overruns);
    for (const [quantile, value] of [
      ['0.5', loopDelay.percentile(50)],
      ['0.99', loopDelay.percentile(99)],
      ['1', loopDelay.max],
    ] as const)
      this.loop.set({ quantile }, Math.max(0, value / 1e9 - LOOP_MS / 1000));
    loopDelay.reset();
    this.healthy.set(capture.healthy ? 1 : 0);
    this.memory.set(process.memoryUsage.rss());
  }

  private async refreshStore(): Promise<void> {
    const counts = await this.deps.readers.ask('storeCounts', { eventsAfter: this.eventsUpTo, jobsAfter: this.jobsUpTo });
    this.eventsUpTo = counts.eventsUpTo;
    this.events.inc(counts.newEvents);
    for (const job of counts.newJobs) {
      const success = job.success === 1 ? 'true' : 'false';
      this.captures.inc({ success });
      this.jobs.observe({ success }, Math.max(0, job.milliseconds) / 1000);
      this.jobsUpTo = job.id;
    }
    this.entries.set(counts.entries);
    this.serials.set(counts.items);
    this.lots.set(counts.lots);
    this.findings.set(counts.openFindings);
  }

  private mine<M, O extends object>(
    kind: new (options: { name: string; help: string; registers: Registry[] } & O) => M,
    name: string,
    help: string,
    options: O,
  ): M {
    return new kind({ name, help, registers: [this.registry], ...options });
  }
}
