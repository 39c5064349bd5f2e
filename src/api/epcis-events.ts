import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ROLE_NAMES, rolesWith } from '../access/index.ts';
import { EPCIS_PREFIXES, type EpcFormat, type Prefixes } from '../epcis/index.ts';
import { type EventQuery, type PageRequest, parseUrlQuery } from '../epcis/query/index.ts';
import { LotlineError } from '../errors.ts';
import { EPC_FORMATS } from '../identifiers/index.ts';
import { formatPageToken, type PageStart, parsePageToken, TOKEN_MS } from '../query/page-token.ts';
import { principalOf } from './authenticate.ts';
import type { ApiDeps } from './deps.ts';
import { answerOptions, checkDocumentVersion } from './epcis-headers.ts';
import { wanted } from './limits.ts';
import { accepted } from './negotiate.ts';
import { RefusedDocument } from './problems.ts';

export const JSON_TYPES = ['application/json', 'application/ld+json'] as const;

/** Events: query them, read one, capture one (epcis-2.0.md §7.1). */
export function eventRoutes(deps: Pick<ApiDeps, 'settings' | 'capture' | 'readers'>): FastifyPluginAsyncTypebox {
  const { settings, capture, readers } = deps;
  const answers = eventAnswers(deps);

  return async (app) => {
    app.options('/events', { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) =>
      answerOptions(reply, 'OPTIONS, GET, POST'),
    );
    app.options('/events/:eventID', { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) =>
      answerOptions(reply, 'OPTIONS, GET'),
    );

    app.get(
      '/events',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'Query events',
          description:
            'The parameters of SimpleEventQuery, one of a name; the values of a list are divided by `|`. Answers an EPCISQueryDocument; an empty eventList when nothing meets the query. Pages: `perPage` (30; 1000 at most), then the `Link` header. Header `GS1-EPC-Format` says in which form identifiers come; `GS1-Extensions` declares prefixes used in values.',
        },
      },
      async (request, reply) => {
        const { query, page } = parseUrlQuery(searchOf(request), { prefixes: extensionsOf(request) });
        return await answers.page(request, reply, query, page);
      },
    );

    app.get(
      '/events/:eventID',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'One event',
          description: 'The event and its error declarations in an EPCISQueryDocument. The id is percent-encoded, `/` and `?` included.',
          params: Type.Object({ eventID: Type.String({ description: 'The eventID, or the event hash of one without, percent-encoded.' }) }),
        },
      },
      async (request: FastifyRequest<{ Params: { eventID: string } }>, reply: FastifyReply) => {
        const type = accepted(request, JSON_TYPES);
        const { eventID } = request.params;
        const body = await readers.ask('eventDocument', { eventID, style: styleOf(request, settings.epcFormat) }, wanted(request));
        if (body === null)
          throw new LotlineError('NOT-FOUND', `there is no event ${JSON.stringify(eventID.slice(0, 200))}`, {
            fix: 'Use the eventID of a stored event, percent-encoded.',
          });
        return await reply.type(type).send(bufferOf(body));
      },
    );

    app.post(
      '/events',
      {
        config: { roles: rolesWith('capture') },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'Capture one event',
          description: 'One bare event with its own `@context`. Answers 201 when it is stored, or was before; `Location` is the event.',
          consumes: [...JSON_TYPES],
          body: Type.Unsafe<Buffer>({ type: 'object', description: 'An EPCIS 2.0 event.', additionalProperties: true }),
          response: { 201: Type.Unsafe<unknown>({ type: 'null', description: 'Stored. `Location` is the event.' }) },
        },
        // The bytes are not parsed here, so there is no object whose shape could be checked.
        validatorCompiler: () => () => true,
      },
      async (request, reply) => {
        const body = eventOf(request);
        checkDocumentVersion(request, null);
        const { first, errors } = await capture.captureEvent({ body, actor: principalOf(request).id });
        if (first === null) throw new RefusedDocument(errors);
        // An event that is stored already goes by the id that it is stored under, which may be another than the one sent.
        const eventID = first === null ? null : first.duplicate ? await readers.look('eventIDOf', { seq: first.seq }) : first.eventID;
        return await reply
          .code(201)
          .header('location', `/epcis/events/${encodeURIComponent(eventID ?? '')}`)
          .send();
      },
    );
  };
}

/** Answers of events, for every resource whose answer they are. */
export function eventAnswers({ settings, readers }: Pick<ApiDeps, 'settings' | 'readers'>): {
  page(request: FastifyRequest, reply: FastifyReply, query: EventQuery, page: PageRequest): Promise<FastifyReply>;
} {
  return {
    async page(request, reply, query, { perPage, nextPageToken }) {
      const type = accepted(request, JSON_TYPES);
      const now = Date.now();
      const start = nextPageToken === null ? null : parsePageToken(nextPageToken, query, now);
      const { body, next } = await readers.ask(
        'eventPage',
        { query, perPage, start, style: styleOf(request, settings.epcFormat) },
        wanted(request),
      );
      if (next !== null) linkNext(request, reply, { query, perPage, next, expires: now + TOKEN_MS });
      return await reply.type(type).send(bufferOf(body));
    },
  };
}

/** the same request with the token of the next page. */
function linkNext(
  request: FastifyRequest,
  reply: FastifyReply,
  page: { query: EventQuery; perPage: number; next: PageStart; expires: number },
): void {
  const search = searchOf(request);
  search.set('perPage', String(page.perPage));
  search.set('nextPageToken', formatPageToken(page.next, page.query, page.expires));
  const path = request.url.split('?', 1)[0] as string;
  void reply.headers({
    link: `<${path}?${search.toString()}>; rel="next"`,
    'gs1-next-page-token-expires': new Date(page.expires).toISOString(),
  });
}

export function searchOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1));
}

export function styleOf(request: FastifyRequest, byDefault: EpcFormat): { format: EpcFormat; creationDate: string } {
  const asked = request.headers['gs1-epc-format'];
  const format = asked === undefined ? byDefault : EPC_FORMATS.find((name) => name === asked);
  if (format === undefined)
    throw new LotlineError('REQ-FORM', `GS1-EPC-Format is ${String(asked).slice(0, 50)}`, {
      at: 'GS1-EPC-Format',
      fix: `Write ${EPC_FORMATS.join(', ')}, or leave the header out.`,
    });
  return { format, creationDate: new Date().toISOString() };
}

/** `ex=http://ns.example.com/epcis/,…` declares prefixes for the values of a URL query. EPCIS's own keep their meaning. */
export function extensionsOf(request: FastifyRequest): Prefixes {
  const header = request.headers['gs1-extensions'];
  if (header === undefined) return EPCIS_PREFIXES;
  const prefixes = new Map<string, string>();
  for (const pair of String(header).split(',')) {
    const [, prefix, namespace] = /^\s*([A-Za-z][\w.-]*)=([A-Za-z][A-Za-z0-9+.-]*:\S+)\s*$/.exec(pair) ?? [];
    if (prefix === undefined || namespace === undefined)
      throw new LotlineError(
        'REQ-FORM',
        `GS1-Extensions holds ${JSON.stringify(pair.trim().slice(0, 100))}, which is no pair of prefix and namespace`,
        {
          at: 'GS1-Extensions',
          fix: 'Write prefix=namespace pairs with commas between them.',
        },
      );
    prefixes.set(prefix, namespace);
  }
  return new Map([...prefixes, ...EPCIS_PREFIXES]);
}

/** The body of POST /events, as it was sent: what is wrong with it, such as being a document, is told where it is read. */
function eventOf(request: FastifyRequest): Buffer {
  const { body } = request;
  if (body instanceof Buffer && body.length > 0) return body;
  throw new LotlineError('EV-SYNTAX', 'the body is empty', { fix: 'Send one EPCIS event in JSON.' });
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
