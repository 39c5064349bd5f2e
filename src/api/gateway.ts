import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import type { DocumentReaders } from '../capture/document-readers.ts';
import { isXml } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import { documentOfEvent, type Gateway } from '../integrations/gateway/gateway.ts';
import { bodyOf, readBodiesAsBytes } from './bodies.ts';
import { chosenID, errorBehaviour, READ_BEFORE_ANSWER_MAX } from './epcis-capture.ts';
import { checkDocumentVersion } from './epcis-headers.ts';
import { gatewayPage } from './gateway-page.ts';
import { API_LIMITS, keepWithinLimits, type Load, wanted } from './limits.ts';
import { answerProblem, RefusedDocument } from './problems.ts';

export type GatewayDeps = {
  readonly gateway: Gateway;
  readonly documents: DocumentReaders;
  /** The same bounds as those of the service that it forwards to. */
  readonly captureMaxBytes: number;
  readonly captureMaxEvents: number;
  readonly log: (line: string) => void;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route of the gateway that takes no key. */
    keyless?: boolean;
  }
}

const HEADERS_MAX = 64 * 1024;
const REFUSED_PAGE = 100;

/** The gateway's HTTP side: the capture calls of the service, and what its operator looks at (docs/gateway.md). */
export async function buildGatewayApp(deps: GatewayDeps): Promise<FastifyInstance> {
  const { gateway, documents, log } = deps;
  const app = fastify({
    logger: false,
    bodyLimit: deps.captureMaxBytes,
    requestTimeout: API_LIMITS.requestMs,
    connectionTimeout: API_LIMITS.idleMs,
    keepAliveTimeout: API_LIMITS.keepAliveMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: { maxHeaderSize: HEADERS_MAX, headersTimeout: API_LIMITS.headersMs },
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply, log),
  });
  const load = keepWithinLimits(app, API_LIMITS);
  readBodiesAsBytes(app, load, API_LIMITS);
  app.addHook('onRequest', async (request, reply) => {
    const offset = gateway.clockOffsetMs;
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'lotline-gateway-name': gateway.name,
      ...(offset !== null && { 'lotline-clock-offset': String(offset) }),
    });
    if (!request.is404 && request.routeOptions.config.keyless !== true) checkKey(gateway, request);
  });
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, log));
  app.setNotFoundHandler(() => {
    throw new LotlineError('NOT-FOUND', 'a gateway has nothing under this path', {
      fix: 'It takes captures, and tells of them; ask the service that it forwards to for everything else.',
    });
  });

  const take = async (request: FastifyRequest, sent: Uint8Array, behaviour: 'rollback' | 'proceed') => {
    const whole = behaviour === 'rollback' && sent.length <= READ_BEFORE_ANSWER_MAX;
    const read = await documents.read('inspect', sent, { maxEvents: deps.captureMaxEvents, whole }, wanted(request));
    checkDocumentVersion(request, { schemaVersion: read.schemaVersion, xml: isXml(read.body) });
    if (read.errors.length > 0) throw new RefusedDocument(read.errors);
    const captureID = chosenID(request);
    return await gateway.take({ body: read.body, behaviour, read, ...(captureID !== undefined && { captureID }) });
  };

  app.post('/epcis/capture', async (request, reply) => {
    const behaviour = errorBehaviour(request);
    const { captureID } = await take(request, bodyOf(request), behaviour);
    return await reply.code(202).header('location', `/epcis/capture/${captureID}`).header('gs1-capture-error-behaviour', behaviour).send();
  });
  app.post('/epcis/events', async (request, reply) => {
    const { captureID } = await take(request, documentOfEvent(bodyOf(request), Date.now()), 'rollback');
    return await reply.code(202).header('location', `/epcis/capture/${captureID}`).send();
  });
  app.get<{ Params: { captureID: string } }>('/epcis/capture/:captureID', async (request) => {
    const job = gateway.job(request.params.captureID);
    if (job === null) throw noSuchCapture();
    return job;
  });

  app.get('/status', async () => gateway.status);
  app.get<{ Querystring: { after?: string } }>('/refused', async (request) => {
    const { after = '0' } = request.query;
    if (!/^\d{1,15}$/.test(after))
      throw new LotlineError('REQ-FORM', 'after is no number', { at: 'after', fix: 'Use next of the page before.' });
    const { list, next } = gateway.refused({ after: Number(after), limit: REFUSED_PAGE });
    return { refused: list, next };
  });
  app.get<{ Params: { captureID: string } }>('/refused/:captureID/document', async (request, reply) => {
    const body = gateway.documentOf(request.params.captureID);
    if (body === null) throw noSuchCapture();
    return await reply.type(isXml(body) ? 'application/xml' : 'application/ld+json').send(Buffer.from(body));
  });
  app.post<{ Params: { captureID: string } }>('/refused/:captureID/forward', async (request, reply) => {
    if (!gateway.forwardAgain(request.params.captureID)) throw noSuchCapture();
    return await reply.code(202).header('location', `/epcis/capture/${request.params.captureID}`).send();
  });

  app.get('/', { config: { keyless: true } }, async (_request, reply) => {
    const { html, policy } = gatewayPage();
    return await reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(html);
  });
  app.get('/health/live', { config: { keyless: true } }, async () => ({ status: 'live' }));
  app.get('/health/ready', { config: { keyless: true } }, async () => {
    if (!gateway.healthy)
      throw new LotlineError('REQ-BUSY', 'the spool cannot be written', { fix: 'Make room on the disk of the gateway.' });
    return { status: 'ready' };
  });
  app.get('/metrics', async (_request, reply) => await reply.type('text/plain; version=0.0.4; charset=utf-8').send(figures(gateway, load)));
  await app.ready();
  return app;
}

function checkKey(gateway: Gateway, request: FastifyRequest): void {
  const [, token] = /^Bearer +(\S{1,512}) *$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token !== undefined && gateway.isLocalKey(token)) return;
  throw new LotlineError('ACC-DENIED', token === undefined ? 'the request bears no key' : 'the key is not that of this gateway', {
    at: 'Authorization',
    fix: 'Send the header Authorization: Bearer <key> with the key that the gateway has printed at its first start, or was given as --local-key.',
  });
}

const noSuchCapture = () =>
  new LotlineError('NOT-FOUND', 'this gateway knows no such capture', {
    fix: 'Use the Location that the capture was answered with; what was forwarded more than a week ago is known upstream alone.',
  });

function figures(gateway: Gateway, load: Load): string {
  const { link, waiting, forwarded, refused, clockOffsetMs } = gateway.status;
  const oldest = waiting.oldest === null ? 0 : (Date.now() - Date.parse(waiting.oldest)) / 1000;
  const rows: [name: string, kind: 'gauge' | 'counter', help: string, value: number][] = [
    ['link_up', 'gauge', '1 while the service answers.', link === 'up' ? 1 : 0],
    ['waiting_documents', 'gauge', 'Documents taken and not captured upstream yet.', waiting.documents],
    ['waiting_events', 'gauge', 'Events in them.', waiting.events],
    ['waiting_bytes', 'gauge', 'Their bytes.', waiting.bytes],
    ['oldest_waiting_seconds', 'gauge', 'Age of the oldest of them.', oldest],
    ['forwarded_documents_total', 'counter', 'Documents captured upstream.', forwarded.documents],
    ['forwarded_events_total', 'counter', 'Events in them.', forwarded.events],
    ['refused_documents', 'gauge', 'Documents that upstream has refused, kept for the operator.', refused],
    ['requests_refused_total', 'counter', 'Requests answered 503 because something was full.', load.refused],
    ...(clockOffsetMs === null
      ? []
      : [
          ['clock_offset_seconds', 'gauge', 'How far this clock is ahead of upstream.', clockOffsetMs / 1000] as [
            string,
            'gauge',
            string,
            number,
          ],
        ]),
  ];
  return rows
    .map(
      ([name, kind, help, value]) =>
        `# HELP lotline_gateway_${name} ${help}\n# TYPE lotline_gateway_${name} ${kind}\nlotline_gateway_${name} ${value}\n`,
    )
    .join('');
}
