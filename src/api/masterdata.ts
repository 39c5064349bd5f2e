import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { askedKey, parseVocabularyList, readMasterdataQuery, readType } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import type { ElementPlace } from '../query/masterdata.ts';
import { principalOf } from './authenticate.ts';
import type { ApiDeps } from './deps.ts';
import { wanted } from './limits.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, type Page, pageOf } from './paging.ts';
import { RefusedDocument } from './problems.ts';
import { AS_OF, found } from './things.ts';

/** Master data of one call; more comes in the header of a document. */
const MASTERDATA_BYTES_MAX = 1024 * 1024;

const list = (description: string) => Type.Optional(Type.String({ description: `${description} Several are divided by \`|\`.` }));
const QUERY = Type.Object(
  {
    vocabularyName: list('Vocabularies, by URI or short name such as `ReadPoint`.'),
    includeAttributes: Type.Optional(Type.Boolean({ description: 'Whether to tell attributes; true when not given.' })),
    includeChildren: Type.Optional(Type.Boolean({ description: 'Whether to tell children; true when not given.' })),
    attributeNames: list('Attributes to tell; all when not given.'),
    EQ_name: list('Elements of these ids, in any spelling.'),
    WD_name: list('Elements of these ids and all below them.'),
    HASATTR: list('Elements that have one of these attributes: `name`, `cbvmda:name` or the URI.'),
    maxElementCount: Type.Optional(Type.Integer({ minimum: 1, description: 'More elements than this are a 413 `QRY-LARGE`.' })),
    known: AS_OF.known,
    ...PAGE_PARAMETERS,
  },
  {
    additionalProperties: false,
    patternProperties: {
      '^EQATTR_.': list('Elements whose attribute of this name has one of these values; a # in a name is %23 in a URL.'),
    },
  },
);

const ELEMENT = Type.Object({
  id: Type.String({ description: 'As sent.' }),
  key: Type.String({ description: 'Canonical key.' }),
  type: Type.String({ description: 'The vocabulary.' }),
  attributes: Type.Optional(Type.Array(Type.Object({ id: Type.String(), attribute: Type.Unknown() }))),
  children: Type.Optional(Type.Array(Type.String())),
  recordTime: Type.String({ format: 'date-time' }),
  source: Type.Object(
    { seq: Type.Integer(), captureID: Type.Union([Type.Null(), Type.String()]), actor: Type.String() },
    {
      description:
        'The entry that tells of it, the capture whose document it came with (null: it came by itself), and the key that sent it.',
    },
  ),
});
const COLLECTION = Type.Unsafe<unknown>(Type.Object({ type: Type.Literal('Collection'), member: Type.Array(ELEMENT) }));
const PATH = Type.Object({
  type: Type.String({ description: 'A vocabulary, by URI (percent-encoded) or short name.', example: 'Location' }),
  id: Type.String({ description: 'The id of an element in any spelling, percent-encoded.', example: 'urn:epc:id:sgln:9520123.00010.0' }),
});

/** Master data: what senders told of places, parties, products and the words of other vocabularies (epcis-2.0.md §10). */
export function masterdataRoutes({ readers, capture }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const tags = ['Master data'];
    const config = { roles: rolesWith('read') };

    app.get(
      '/masterdata',
      {
        config,
        schema: {
          tags,
          summary: 'Query master data',
          description:
            'The parameters of SimpleMasterDataQuery. Of each element, what was told last is answered, ordered by vocabulary and key.',
          querystring: QUERY,
          response: { 200: COLLECTION },
        },
      },
      async (request, reply) => {
        const { query: parameters } = request;
        const { known } = parameters;
        const page = pageOf(parameters);
        const query = readMasterdataQuery(questionOf(parameters));
        const { elements, next } = await readers.ask(
          'masterdata',
          { query, after: placeIn(page), limit: page.limit, ...(known && { known }) },
          wanted(request),
        );
        if (next !== null) linkNext(reply, '/api/v1/masterdata', parameters, JSON.stringify(next));
        return { type: 'Collection', member: elements };
      },
    );

    app.get(
      '/masterdata/:type/:id',
      {
        config,
        schema: {
          tags,
          summary: 'One element of a vocabulary',
          description: 'As it was told last, or as it was known then.',
          params: PATH,
          querystring: Type.Object({ known: AS_OF.known }, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>(ELEMENT) },
        },
      },
      async (request) => {
        const element = elementIn(request.params);
        return found(await readers.ask('masterdataElement', { ...element, ...request.query }, wanted(request)), element.key);
      },
    );

    app.get(
      '/masterdata/:type/:id/history',
      {
        config,
        schema: {
          tags,
          summary: 'Everything that was told of an element',
          description: 'Newest first. What is told later replaces what was told before, attributes and children together.',
          params: PATH,
          querystring: Type.Object(PAGE_PARAMETERS, { additionalProperties: false }),
          response: { 200: COLLECTION },
        },
      },
      async (request, reply) => {
        const { query, params } = request;
        const page = pageOf(query);
        const before = numberCursor(page);
        const element = elementIn(params);
        const args = { ...element, limit: page.limit, ...(before !== undefined && { before }) };
        const { elements, more } = await readers.ask('masterdataHistory', args, wanted(request));
        const last = elements.at(-1);
        if (last === undefined && before === undefined) return found(null, element.key);
        const path = `/api/v1/masterdata/${encodeURIComponent(params.type)}/${encodeURIComponent(params.id)}/history`;
        if (more && last !== undefined) linkNext(reply, path, query, String(last.source.seq));
        return { type: 'Collection', member: elements };
      },
    );

    app.post(
      '/masterdata',
      {
        config: { roles: rolesWith('capture') },
        bodyLimit: MASTERDATA_BYTES_MAX,
        // The bytes are read by those who know what duplicate names and depth are, so there is no object whose shape could be checked.
        validatorCompiler: () => () => true,
        schema: {
          tags,
          summary: 'Put master data on record',
          description:
            'A list of vocabularies as in the header of a document, or one element with its vocabulary. An entry of the journal; what it tells of an element replaces what was told before.',
          consumes: ['application/json', 'application/ld+json'],
          body: Type.Unsafe<Buffer | null>({
            type: 'object',
            additionalProperties: true,
            description:
              '{vocabularyList:[{type, vocabularyElementList:[{id, attributes:[{id, attribute}], children:[]}]}]}, or {type, id, attributes, children}.',
            example: {
              type: 'Location',
              id: 'urn:epc:id:sgln:9520123.00010.0',
              attributes: [{ id: 'urn:epcglobal:cbv:mda#name', attribute: 'Plant 1' }],
            },
          }),
          response: { 201: Type.Unsafe<unknown>(Type.Object({ elements: Type.Integer({ description: 'How many are on record now.' }) })) },
        },
      },
      async (request, reply) => {
        const { list: vocabularyList, faults } = parseVocabularyList(request.body ?? Buffer.alloc(0));
        if (faults.length > 0) throw new RefusedDocument(faults.map((fault) => fault.toProblem()));
        await capture.record({ kind: 'put-masterdata', vocabularyList }, principalOf(request).id);
        const elements = vocabularyList.reduce((count, { vocabularyElementList = [] }) => count + vocabularyElementList.length, 0);
        return reply.code(201).send({ elements });
      },
    );
  };
}

/** The query as it is asked in a URL: lists are divided by `|`, an empty value is none. */
function questionOf(parameters: Readonly<Record<string, unknown>>): Parameters<typeof readMasterdataQuery>[0] {
  const given = new Map(Object.entries(parameters).filter(([, value]) => value !== ''));
  const listOf = (name: string) => (given.get(name) as string | undefined)?.split('|');
  const equal = [...given.keys()].filter((name) => name.startsWith('EQATTR_'));
  return {
    vocabularyName: listOf('vocabularyName'),
    includeAttributes: given.get('includeAttributes') as boolean | undefined,
    includeChildren: given.get('includeChildren') as boolean | undefined,
    attributeNames: listOf('attributeNames'),
    EQ_name: listOf('EQ_name'),
    WD_name: listOf('WD_name'),
    HASATTR: listOf('HASATTR'),
    EQATTR: new Map(equal.map((name) => [name.slice('EQATTR_'.length), listOf(name) ?? []])),
    maxElementCount: given.get('maxElementCount') as number | undefined,
  };
}

function elementIn({ type: name, id }: { type: string; id: string }): { type: string; key: string } {
  const type = readType(name, '{type}');
  try {
    return { type, key: askedKey(type, id) };
  } catch (error) {
    throw error instanceof LotlineError ? error.within('{id}') : error;
  }
}

function placeIn({ cursor }: Page): ElementPlace | null {
  if (cursor === null) return null;
  try {
    const { through, type, key } = JSON.parse(cursor) as ElementPlace;
    if (Number.isSafeInteger(through)) return { through, type: readType(type, ''), key: askedKey(type, key) };
  } catch {
    // told below
  }
  throw new LotlineError('QRY-TOKEN', 'the nextPageToken is unknown', { at: '?nextPageToken', fix: 'Ask for the first page again.' });
}
