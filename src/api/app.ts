import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest, fastify } from 'fastify';
import { LotlineError } from '../errors.ts';
import { authenticate } from './authenticate.ts';
import { batchRoutes } from './batches.ts';
import { readBodiesAsBytes } from './bodies.ts';
import { capturedRoutes } from './captures.ts';
import type { ApiDeps } from './deps.ts';
import { epcisRoutes } from './epcis.ts';
import { findingStream } from './finding-stream.ts';
import { findingRoutes } from './findings.ts';
import { genealogyRoutes } from './genealogy.ts';
import { identifierRoutes } from './identifiers.ts';
import { chainRoutes } from './identity/chains.ts';
import { checkRoutes } from './identity/checks.ts';
import { dryRunRoutes } from './identity/dry-run.ts';
import { excursionRoutes } from './identity/excursions.ts';
import { fhirRoutes } from './identity/fhir.ts';
import { handoverRoutes } from './identity/handovers.ts';
import { kpiRoutes } from './identity/kpis.ts';
import { lookBackRoutes } from './identity/lookback.ts';
import { offlineRoutes } from './identity/offline.ts';
import { orderActRoutes } from './identity/order-acts.ts';
import { orderRoutes } from './identity/orders.ts';
import { releaseRoutes } from './identity/releases.ts';
import { keyRoutes } from './keys.ts';
import { labelRoutes } from './labels.ts';
import { ledgerRoutes, proofRoutes } from './ledger.ts';
import { API_LIMITS, keepWithinLimits } from './limits.ts';
import { masterdataRoutes } from './masterdata.ts';
import { Metrics } from './metrics.ts';
import { openScsRoutes } from './open-scs.ts';
import { describeInterface, openapiRoutes } from './openapi.ts';
import { operationRoutes } from './operations.ts';
import { packRoutes } from './packs.ts';
import { peopleRoutes } from './people.ts';
import { keepPersonsOut } from './personal-gate.ts';
import { poolRoutes } from './pools.ts';
import { answerProblem } from './problems.ts';
import { readingRoutes } from './readings.ts';
import { linkRoutes, resolverRoutes } from './resolver.ts';
import { scanRoutes } from './scan.ts';
import { thingRoutes } from './things.ts';
import { tryoutRoutes } from './tryouts.ts';
import { vaultRoutes } from './vault.ts';
import { verificationRoutes, verifyRoutes } from './verify.ts';

/** A longer URL is answered 414. Lists of identifiers in a query fit; longer ones belong in a named query. */
export const URL_MAX = 32 * 1024;
const HEADERS_MAX = 64 * 1024;
/** How often Node looks for clients that take too long over their headers or their request. */
const CHECK_MS = 5_000;
/** What a page of another origin may read of an answer, besides its body. */
const EXPOSED = [
  'Allow',
  'Link',
  'Location',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
  'GS1-EPCIS-Version',
  'GS1-EPCIS-Min',
  'GS1-EPCIS-Max',
  'GS1-CBV-Version',
  'GS1-CBV-Min',
  'GS1-CBV-Max',
  'GS1-EPC-Format',
  'GS1-CBV-XML-Format',
  'GS1-Extensions',
  'GS1-Vendor-Version',
  'GS1-EPCIS-Capture-Limit',
  'GS1-EPCIS-Capture-File-Size-Limit',
  'GS1-Capture-Error-Behaviour',
  'GS1-Query-Min-Record-Time',
  'GS1-Next-Page-Token-Expires',
  'Lotline-Notes',
  'GS1US-Version',
];

/** Builds the service's HTTP side; it listens nowhere yet, so tests speak to it with `inject`. */
export async function buildApp(deps: ApiDeps): Promise<FastifyInstance> {
  const log = deps.log ?? ((line: string) => console.error(line));
  const limits = { ...API_LIMITS, ...deps.limits };
  const app = fastify({
    logger: false,
    bodyLimit: deps.settings.captureMaxBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.idleMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // ours says when to come back
    http: {
      maxHeaderSize: HEADERS_MAX,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, limits.headersMs),
    },
    genReqId: (request) => requestId(request.headers['x-request-id']),
    // %2F in a path value is a part of it and not a separator: the router decodes values after it has matched.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: URL_MAX },
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply, log),
    clientErrorHandler,
  });
  // First of all, so that a page can read every refusal.
  if (deps.settings.corsOrigins.length > 0) await allowOtherOrigins(app, deps.settings.corsOrigins);
  const load = keepWithinLimits(app, limits);
  const metrics = new Metrics(deps, load);
  readBodiesAsBytes(app, load, limits);
  checkShapesStrictly(app);
  const methodsOf = watchRoutes(app);

  app.decorateRequest('principal', null);
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    if (request.raw.url !== undefined && request.raw.url.length > URL_MAX)
      throw new LotlineError('REQ-URI', `the URL has more than ${URL_MAX} characters`, { fix: 'Use a named query for long lists.' });
  });
  app.addHook('onRequest', async (request) => {
    if (!request.is404) request.principal = await authenticate(deps, request);
  });
  keepPersonsOut(app, deps);
  app.addHook('onResponse', async (request, reply) => metrics.observe(request, reply));
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, log));
  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf(request.url.split('?', 1)[0] as string);
    if (allowed.length === 0)
      throw new LotlineError('NOT-FOUND', 'there is nothing under this path', { fix: 'See /docs for what there is.' });
    void reply.header('allow', allowed.join(', '));
    throw new LotlineError('REQ-METHOD', `${request.method} is not possible here`, { fix: `Use ${allowed.join(', ')}.` });
  });

  await describeInterface(app);
  await app.register(epcisRoutes(deps), { prefix: '/epcis' });
  await app.register(
    async (api) => {
      await api.register(keyRoutes(deps));
      await api.register(peopleRoutes(deps));
      await api.register(identifierRoutes());
      await api.register(scanRoutes(deps));
      await api.register(thingRoutes(deps));
      await api.register(genealogyRoutes(deps));
      await api.register(findingRoutes(deps));
      await api.register(findingStream(deps));
      await api.register(masterdataRoutes(deps));
      await api.register(linkRoutes(deps));
      await api.register(tryoutRoutes(deps));
      await api.register(labelRoutes());
      await api.register(capturedRoutes(deps));
      await api.register(proofRoutes(deps));
      await api.register(poolRoutes(deps));
      await api.register(batchRoutes(deps));
      await api.register(packRoutes(deps));
      await api.register(verificationRoutes(deps));
      await api.register(openScsRoutes(deps));
      await api.register(orderRoutes(deps));
      await api.register(orderActRoutes(deps));
      await api.register(releaseRoutes(deps));
      await api.register(vaultRoutes(deps));
      await api.register(checkRoutes(deps));
      await api.register(handoverRoutes(deps));
      await api.register(dryRunRoutes(deps));
      await api.register(offlineRoutes(deps));
      await api.register(chainRoutes(deps));
      await api.register(lookBackRoutes(deps));
      await api.register(fhirRoutes(deps));
      await api.register(kpiRoutes(deps));
      await api.register(excursionRoutes(deps));
      await api.register(readingRoutes(deps));
    },
    { prefix: '/api/v1' },
  );
  await app.register(ledgerRoutes(deps), { prefix: '/ledger' });
  await app.register(resolverRoutes(deps));
  await app.register(verifyRoutes(deps));
  await app.register(operationRoutes(deps, metrics));
  await app.register(openapiRoutes());
  for (const plugin of deps.plugins ?? []) await app.register(plugin as FastifyPluginAsync);
  return app;
}

/** Bodies must have the very types of the schema; parameters are texts and are read as what the schema says. Unknown ones are refused. */
function checkShapesStrictly(app: FastifyInstance): void {
  const exact = new Ajv({ strict: false, useDefaults: true });
  const read = new Ajv({ strict: false, useDefaults: true, coerceTypes: true });
  for (const ajv of [exact, read]) (addFormats as unknown as (ajv: Ajv) => void)(ajv);
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? exact : read).compile(schema as object));
  // Response schemas are for the documentation; an answer says what it has to say.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

/** Sees to it that every route says who may use it, and remembers which methods a path has. */
function watchRoutes(app: FastifyInstance): (path: string) => string[] {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method, config }) => {
    if (url === '*') return; // preflights, answered before any access check
    if (config?.public !== true && (config?.roles === undefined || config.roles.length === 0))
      throw new Error(`route ${String(method)} ${url} does not say who may use it`);
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    for (const name of [method].flat()) route.methods.add(name);
    routes.set(url, route);
  });
  return (path) => {
    const methods = [...routes.values()].filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]);
    return [...new Set(methods)];
  };
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((part) => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${source}/?$`);
}

/** Only real preflights are answered here: a plain OPTIONS is a question of EPCIS. */
async function allowOtherOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  await app.register(cors, () => (request: FastifyRequest, decide: (error: Error | null, options: FastifyCorsOptions) => void) => {
    const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    decide(null, {
      origin: origins.includes('*') ? '*' : [...origins],
      methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'],
      exposedHeaders: EXPOSED,
      maxAge: 600,
      preflight,
      strictPreflight: false,
    });
  });
}

function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomBytes(9).toString('base64url');
}

/** What Node refuses before there is a request: headers too long, or no HTTP at all. */
function clientErrorHandler(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = toldOf(error.code).toProblem();
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function toldOf(code: string | undefined): LotlineError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new LotlineError('REQ-URI', `URL and headers have more than ${HEADERS_MAX} bytes`, {
      fix: 'Send less in the URL and the headers.',
    });
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new LotlineError('REQ-TIME', 'the request took too long to arrive', { fix: 'Send it again.' });
  return new LotlineError('REQ-FORM', 'the request is no well-formed HTTP', { fix: 'Send HTTP/1.1.' });
}
