import type { FastifySchema } from 'fastify';
import { GRAMMAR } from '../epcis/query/index.ts';
import { EPC_FORMATS } from '../identifiers/index.ts';
import { CBV_XML_FORMATS, JSON_TYPES, XML_TYPES } from './epcis-headers.ts';
import { PAGE_PARAMETERS } from './paging.ts';

type Described = Readonly<Record<string, { readonly type: string; readonly description: string; readonly enum?: readonly string[] }>>;

/** Headers that every request to the standard's interface may bear (epcis-2.0.md §7.3). */
const ASKED: Described = Object.fromEntries(
  ['EPCIS', 'CBV'].flatMap((standard) => [
    [`GS1-${standard}-Min`, { type: 'string', description: `The oldest version of ${standard} that the client reads.` }],
    [`GS1-${standard}-Max`, { type: 'string', description: `The newest version of ${standard} that the client reads.` }],
  ]),
);
const FORMAT: Described = {
  'GS1-EPC-Format': { type: 'string', enum: EPC_FORMATS, description: 'In which form identifiers come.' },
  'GS1-CBV-XML-Format': {
    type: 'string',
    enum: CBV_XML_FORMATS,
    description: 'How XML spells standard values of the CBV; of no matter to JSON.',
  },
  'GS1-Extensions': { type: 'string', description: '`prefix=namespace` pairs with commas between them: prefixes that the request uses.' },
};
const ANSWERED: Described = {
  'GS1-EPCIS-Version': { type: 'string', description: 'The version of EPCIS that is answered in.' },
  'GS1-CBV-Version': { type: 'string', description: 'The version of the CBV that is answered in.' },
};
const PAGED: Described = {
  Link: { type: 'string', description: '`<…>; rel="next"` leads to the next page; absent on the last.' },
  'GS1-Next-Page-Token-Expires': { type: 'string', description: 'How long that link is good.' },
};
const TOLD: Described = {
  'Lotline-Notes': { type: 'string', description: 'What the release of XML asked for holds in another place, or not as it was.' },
};
const LOCATED: Described = { Location: { type: 'string', description: 'Where what was made is found.' } };
const DISCOVERED: Described = {
  Allow: { type: 'string', description: 'The methods of this resource.' },
  ...Object.fromEntries(
    ['EPCIS', 'CBV'].flatMap((standard) =>
      ['Min', 'Max'].map((end) => [
        `GS1-${standard}-${end}`,
        { type: 'string', description: `The range of versions of ${standard} that is taken.` },
      ]),
    ),
  ),
  'GS1-EPC-Format': { type: 'string', description: 'The forms of identifiers that can be asked for.' },
  'GS1-CBV-XML-Format': { type: 'string', description: 'The spellings of standard values in XML that can be asked for.' },
  'GS1-Extensions': { type: 'string', description: 'Prefixes that are known without being declared.' },
  'GS1-Vendor-Version': { type: 'string', description: 'This program and its version.' },
};
const CAPTURE_LIMITS: Described = {
  'GS1-EPCIS-Capture-Limit': { type: 'string', description: 'Events that one document may hold.' },
  'GS1-EPCIS-Capture-File-Size-Limit': { type: 'string', description: 'Bytes that one document may have.' },
  'GS1-Capture-Error-Behaviour': { type: 'string', description: '`all`: both `rollback` and `proceed` can be asked for.' },
};

/** What an answer is where its route does not say. */
const ANSWERS: Readonly<Record<string, string>> = { 200: 'What was asked for.', 201: 'Made.', 202: 'Taken.', 204: 'Done.' };
const EVENTS = { type: 'object', description: 'An EPCISQueryDocument.' };

type Schema = Record<'headers' | 'params' | 'querystring' | 'response', Record<string, object> | undefined>;

/**
 * Completes what a route says of itself by what holds for all of its kind, for the documentation alone: headers, the parameters of event queries, pages,
 * and what OPTIONS answers.
 */
export function describeRoute(method: string, url: string, schema: FastifySchema & { hide?: boolean }): FastifySchema {
  if (!url.startsWith('/epcis')) return { ...schema, ...familiesOf(schema as Schema), ...answersOf(schema as Schema, () => ({})) };
  if (method === 'OPTIONS') return describeOptions(url);
  const { headers, querystring } = schema as Schema;
  const events = method === 'GET' && /\/events(?:\/:eventID)?$/.test(url);
  const asked = events && url.endsWith('/events') ? { type: 'object', properties: EVENT_PARAMETERS } : querystring;
  const response =
    (schema as Schema).response ?? (events ? { 200: { description: EVENTS.description, content: contentOf(EVENTS), headers: TOLD } } : {});
  return {
    ...schema,
    headers: { type: 'object', properties: { ...ASKED, ...(method === 'GET' && FORMAT), ...headers?.['properties'] } },
    ...(asked !== undefined && { querystring: asked }),
    ...answersOf({ ...(schema as Schema), querystring: asked as Schema['querystring'], response }, (status) => ({
      ...ANSWERED,
      ...(/^20[12]$/.test(status) && LOCATED),
    })),
  };
}

function describeOptions(url: string): FastifySchema & { tags: string[]; summary: string; description: string } {
  const parts = [...url.matchAll(/:(\w+)/g)].map(([, name]) => [name, { type: 'string', description: 'Percent-encoded.' }] as const);
  const headers = { ...ANSWERED, ...DISCOVERED, ...(url === '/epcis/capture' && CAPTURE_LIMITS) };
  return {
    tags: ['EPCIS 2.0'],
    summary: 'What can be done here',
    description: 'The methods, versions, forms and limits of this resource.',
    headers: { type: 'object', properties: ASKED },
    ...(parts.length > 0 && { params: { type: 'object', properties: Object.fromEntries(parts) } }),
    response: { 204: { type: 'null', description: 'They stand in the headers.', headers } },
  };
}

/** Parameters whose names only begin alike, `^EQATTR_.`, by what they begin with. */
function familiesOf({ querystring }: Schema): { querystring?: object } {
  const { patternProperties, properties, ...rest } = querystring ?? {};
  if (patternProperties === undefined) return {};
  const families = Object.entries(patternProperties).map(([pattern, one]) => [pattern.replace(/^\^(.*)\.$/, '$1{name}'), one as object]);
  return { querystring: { ...rest, properties: { ...properties, ...Object.fromEntries(families) } } };
}

/** The answers of a route, each with words and headers. */
function answersOf(schema: Schema, headersOf: (status: string) => Described): { response?: object } {
  const { response, querystring } = schema;
  if (response === undefined) return {};
  const paged = hasMember(querystring?.['properties'], 'nextPageToken');
  const answers = Object.entries(response).map(([status, answer]) => {
    const headers = { ...(answer as { headers?: Described }).headers, ...headersOf(status), ...(status === '200' && paged && PAGED) };
    const description = hasMember(answer, 'description') ? {} : { description: ANSWERS[status] ?? 'The answer.' };
    return [status, { ...answer, ...description, ...(Object.keys(headers).length > 0 && { headers }) }];
  });
  return { response: Object.fromEntries(answers) };
}

const contentOf = (schema: object) => Object.fromEntries([...JSON_TYPES, ...XML_TYPES].map((type) => [type, { schema }]));
const hasMember = (value: unknown, name: string) => typeof value === 'object' && value !== null && name in value;

/** What a value is, by what a row of the grammar takes. Others are lists of texts. */
const VALUES: Readonly<Record<string, object>> = {
  time: { type: 'string', format: 'date-time', description: 'With its zone; the + of an offset is %2B in a URL.' },
  number: { type: 'number', description: 'A decimal number.' },
  numbers: { type: 'string', description: 'Numbers, divided by `|`.' },
  compares: { type: 'string', description: 'A number or a date-time.' },
  boolean: { type: 'boolean', description: 'true or false.' },
  flag: { type: 'boolean', description: 'Whether there has to be one.' },
  actions: { type: 'string', description: 'ADD, OBSERVE, DELETE, divided by `|`.' },
};
const LIST = { type: 'string', description: 'One value, or several divided by `|`.' };

/** The parameters of SimpleEventQuery by name; what varies in a name stands in braces. */
const EVENT_PARAMETERS: Readonly<Record<string, object>> = {
  ...Object.fromEntries(
    Object.entries<{ takes: string; tail?: string }>(GRAMMAR).flatMap(([name, { takes, tail }]) =>
      namesOf(name, tail).map((spelled) => [spelled, VALUES[takes] ?? LIST]),
    ),
  ),
  orderBy: { type: 'string', description: 'What comes first: `eventTime`, `recordTime`.' },
  orderDirection: { type: 'string', enum: ['ASC', 'DESC'], description: 'DESC when not given.' },
  eventCountLimit: { type: 'integer', minimum: 1, description: 'No more events than this, the first in order.' },
  maxEventCount: { type: 'integer', minimum: 1, description: 'More events than this are a 413.' },
  ...PAGE_PARAMETERS,
};

/** A parameter whose name goes on, in the ways in which it does. */
function namesOf(name: string, tail: string | undefined): string[] {
  switch (tail) {
    case undefined:
      return [name];
    case 'uom':
      return [name, `${name}_{uom}`];
    case 'amount':
      return [name.replace('amount', '{value}_{uom}')];
    case 'extension':
      return [name.replace('extension', '{name}')];
    case 'attribute':
      return [`${name}_{field}_{attribute}`];
    default:
      return [`${name}_{${tail}}`];
  }
}
