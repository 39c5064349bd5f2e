import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ROLE_NAMES, rolesWith } from '../access/index.ts';
import { EPCIS_PREFIXES, type EpcFormat, isXml, type Prefixes } from '../epcis/index.ts';
import { type EventQuery, type PageRequest, parseUrlQuery } from '../epcis/query/index.ts';
import { LotlineError } from '../errors.ts';
import { EPC_FORMATS } from '../identifiers/index.ts';
import type { AnswerStyle, EventDocument } from '../query/event-answer.ts';
import { formatPageToken, type PageStart, parsePageToken, TOKEN_MS } from '../query/page-token.ts';
import { principalOf } from './authenticate.ts';
import { bodyOf } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { answerOptions, checkDocumentVersion, type DocumentType, eventForm, isXmlType, JSON_TYPES, XML_TYPES } from './epcis-headers.ts';
import { wanted } from './limits.ts';
import { RefusedDocument } from './problems.ts';

/** Notes of an answer that are told one by one. */
const NOTES_MAX = 20;
/** Characters of them: proxies take headers of some kilobytes. */
const NOTES_LENGTH_MAX = 2_048;

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
            'The parameters of SimpleEventQuery, one of a name; the values of a list are divided by `|`. Answers an EPCISQueryDocument; an empty eventList when nothing meets the query. Pages: `perPage` (30; 1000 at most), then the `Link` header. In JSON, or by `Accept` in XML, of 1.2 where `GS1-EPCIS-Max` says so. Header `GS1-EPC-Format` says in which form identifiers come, `GS1-CBV-XML-Format` how XML spells standard values; `GS1-Extensions` declares prefixes used in values.',
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
        const { type, style } = eventStyle(request, reply, settings.epcFormat);
        const { eventID } = request.params;
        const document = await readers.ask('eventDocument', { eventID, style }, wanted(request));
        if (document === null)
          throw new LotlineError('NOT-FOUND', `there is no event ${JSON.stringify(eventID.slice(0, 200))}`, {
            fix: 'Use the eventID of a stored event, percent-encoded.',
          });
        return await sendEvents(reply, type, document);
      },
    );

    app.post(
      '/events',
      {
        config: { roles: rolesWith('capture') },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'Capture one event',
          description:
            'One bare event: JSON with its own `@context`, or an event element of XML. Answers 201 when it is stored, or was before; `Location` is the event.',
          consumes: [...JSON_TYPES, ...XML_TYPES],
          body: Type.Unsafe<Buffer>({ type: 'object', description: 'An EPCIS 2.0 event.', additionalProperties: true }),
          response: { 201: Type.Unsafe<unknown>({ type: 'null', description: 'Stored. `Location` is the event.' }) },
        },
        // The bytes are not parsed here, so there is no object whose shape could be checked.
        validatorCompiler: () => () => true,
      },
      async (request, reply) => {
        const body = bodyOf(request);
        checkDocumentVersion(request, { schemaVersion: null, xml: isXml(body) });
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
  /** `queryName`: of a named query. */
  page(request: FastifyRequest, reply: FastifyReply, query: EventQuery, page: PageRequest, queryName?: string): Promise<FastifyReply>;
} {
  return {
    async page(request, reply, query, { perPage, nextPageToken }, queryName) {
      const { type, style: form } = eventStyle(request, reply, settings.epcFormat);
      const style = { ...form, ...(queryName !== undefined && { queryName }) };
      const now = Date.now();
      const start = nextPageToken === null ? null : parsePageToken(nextPageToken, query, now);
      const document = await readers.ask('eventPage', { query, perPage, start, style }, wanted(request));
      const { next } = document;
      if (next !== null) linkNext(request, reply, { query, perPage, next, expires: now + TOKEN_MS });
      return await sendEvents(reply, type, document);
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

/** The media type of an answer of events, and how they are written in it; the answer's headers say so. */
function eventStyle(request: FastifyRequest, reply: FastifyReply, byDefault: EpcFormat): { type: DocumentType; style: AnswerStyle } {
  const { type, xml } = eventForm(request, reply);
  // Systems of 1.2 have never heard of Digital Links: they get them where they ask for them.
  const forOldSystems = xml?.version === '1.2' && byDefault === 'Always_GS1_Digital_Link';
  const style = styleOf(request, forOldSystems ? 'Always_EPC_URN' : byDefault);
  void reply.header('gs1-epc-format', style.format);
  return { type, style: { ...style, ...(xml !== null && { xml }) } };
}

/** What the form asked for could not hold as it was is said beside the document, since nothing in it can say so. */
export async function sendEvents(reply: FastifyReply, type: DocumentType, { body, notes }: EventDocument): Promise<FastifyReply> {
  if (notes.length > 0) void reply.header('lotline-notes', notesHeader(notes));
  return await reply.type(isXmlType(type) ? `${type}; charset=utf-8` : type).send(bufferOf(body));
}

/** As many notes as a header may hold, and the number of the others; what is beyond ASCII is percent-encoded. */
function notesHeader(notes: readonly string[]): string {
  const told: string[] = [];
  let length = 0;
  for (const note of notes) {
    const text = note.replace(/[^ -~]|[%|]/gu, (c) => encodeURIComponent(c));
    length += text.length;
    if (told.length === NOTES_MAX || length > NOTES_LENGTH_MAX) break;
    told.push(text);
  }
  return [...told, ...(notes.length > told.length ? [`and ${notes.length - told.length} more`] : [])].join(' | ');
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

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
