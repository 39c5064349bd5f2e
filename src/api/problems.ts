import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { problemToXml, serializeXml } from '../epcis/index.ts';
import { type ErrorCode, LotlineError, type Problem } from '../errors.ts';
import { accepted } from './negotiate.ts';

/** Several faults of one document: told as the first of them, with all of them in `errors`. */
export class RefusedDocument extends LotlineError {
  readonly errors: readonly Problem[];

  constructor(errors: readonly Problem[]) {
    const first = errors[0] as Problem;
    super(first.code, first.title, { at: first.at, fix: first.fix, ...(first.things && { things: first.things }) });
    this.errors = errors;
  }
}

/** Seconds: what is full now has room again by then, and a store that refused to write has been tried again. */
const RETRY_AFTER = '2';

/** What an answer says beside its problem: the challenge of a 401, when to come back after a 503. */
const HEADERS_BY_STATUS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'www-authenticate': 'Bearer realm="lotline"' },
  503: { 'retry-after': RETRY_AFTER },
};
/** The rest of a body that is refused is let go by: closing the socket on a client that still sends would keep it from reading why. */
const KEEPS_SOCKET: ReadonlySet<ErrorCode> = new Set(['REQ-BUSY', 'REQ-LIMIT']);

const IN_JSON = ['application/problem+json', 'application/json', 'application/ld+json'] as const;
const IN_XML = ['application/problem+xml', 'application/xml', 'text/xml'] as const;

/** A problem is told in XML to who asks for that before JSON (R-10); who asks for something else altogether gets JSON. */
function tellsXml(request: FastifyRequest): boolean {
  try {
    return (IN_XML as readonly string[]).includes(accepted<string>(request, [...IN_JSON, ...IN_XML]));
  } catch {
    return false;
  }
}

/** Answers a problem (RFC 9457). What this program has done wrong is told to the log alone, under the request's id (E-1). */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: (line: string) => void): FastifyReply {
  const told = asLotlineError(error, request);
  if (told.code === 'INTERNAL')
    log(`request ${request.id} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const problem = told.toProblem();
  if (KEEPS_SOCKET.has(told.code)) void reply.removeHeader('connection');
  const whole = {
    ...problem,
    ...(told instanceof RefusedDocument && { errors: told.errors }),
    ...(told.code === 'INTERNAL' && { instance: `urn:lotline:request:${request.id}` }),
  };
  const xml = tellsXml(request);
  return reply
    .code(problem.status)
    .headers(HEADERS_BY_STATUS[problem.status] ?? {})
    .type(xml ? 'application/problem+xml; charset=utf-8' : 'application/problem+json')
    .serializer((body: string) => body)
    .send(xml ? serializeXml(problemToXml(whole), { declaration: true }) : JSON.stringify(whole));
}

/** What Fastify found wrong with a request, in our words. Anything else that is no LotlineError is a fault of this program. */
function asLotlineError(error: unknown, request: FastifyRequest): LotlineError {
  if (error instanceof LotlineError) return error;
  const { code, validation, statusCode } = error as Partial<FastifyError>;
  if (validation !== undefined) return invalidShape(error as FastifyError, request);
  if (code === 'ECONNRESET' && !request.raw.complete)
    return new LotlineError('REQ-FORM', 'the body was cut off', { fix: 'Send the body whole.' });
  const known = FASTIFY_ERRORS[code ?? ''];
  if (known !== undefined) return new LotlineError(known.code, known.what(request), { at: known.at ?? '', fix: known.fix });
  // Codes that a later Fastify may add: its class of status is kept, its words are not.
  if (code?.startsWith('FST_ERR_') && statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new LotlineError('REQ-FORM', 'the request cannot be read', { fix: 'Send it as the documentation at /docs shows.' });
  }
  return new LotlineError('INTERNAL', 'the request could not be answered', {
    fix: `Report it to the operator with the request id ${request.id}.`,
    cause: error,
  });
}

const FASTIFY_ERRORS: Readonly<Record<string, { code: ErrorCode; what: (request: FastifyRequest) => string; fix: string; at?: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'REQ-LIMIT',
    what: (request) => `the body has more than ${request.routeOptions.bodyLimit} bytes`,
    fix: 'Send it in smaller parts.',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'REQ-MEDIA',
    what: (request) => `${mediaType(request)} is not taken here`,
    fix: 'Send application/json, application/ld+json or application/xml, in UTF-8.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'REQ-FORM',
    what: () => 'the body is not as long as Content-Length says',
    fix: 'Send the body whole.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'EV-SYNTAX', what: () => 'the body is empty', fix: 'Send a JSON object.' },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    code: 'EV-SYNTAX',
    what: () => 'the body is not well-formed JSON',
    fix: 'Send one well-formed JSON object.',
  },
  FST_ERR_BAD_URL: { code: 'REQ-FORM', what: () => 'the URL is not well formed', fix: 'Percent-encode the path in UTF-8.' },
  FST_ERR_ASYNC_CONSTRAINT: { code: 'NOT-FOUND', what: () => 'there is nothing here', fix: 'See /docs for what there is.' },
};

function mediaType(request: FastifyRequest): string {
  const given = request.headers['content-type'];
  return given === undefined ? 'a body without Content-Type' : `Content-Type ${given.slice(0, 100)}`;
}

/** The first fault that the schema of a route found, at its place: a pointer into the body, or `?name` of a query parameter. */
function invalidShape(error: FastifyError, request: FastifyRequest): LotlineError {
  const fault = error.validation?.[0];
  const inBody = error.validationContext === 'body';
  const unknown = fault?.keyword === 'additionalProperties' ? String(fault.params['additionalProperty']) : undefined;
  const missing = fault?.keyword === 'required' ? String(fault.params['missingProperty']) : undefined;
  const path = `${fault?.instancePath ?? ''}${(unknown ?? missing) ? `/${unknown ?? missing}` : ''}`;
  const name = path.split('/')[1] ?? '';
  const subject = inBody ? (path === '' ? 'the body' : path) : `the parameter ${name}`;
  const at = inBody ? path : `?${name}`;
  // The standard has an exception of its own for parameters (epcis-2.0.md §8).
  const code = error.validationContext === 'querystring' && request.url.startsWith('/epcis') ? 'QRY-PARAM' : 'REQ-FORM';
  if (unknown !== undefined) return new LotlineError(code, `${subject} is not known here`, { at, fix: `Leave out ${name}.` });
  if (missing !== undefined) return new LotlineError(code, `${subject} is missing`, { at, fix: `Give ${name}.` });
  const allowed = (fault?.params['allowedValues'] ?? fault?.params['allowedValue']) as string | string[] | undefined;
  const why = allowed === undefined ? (fault?.message ?? 'is not as it should be') : `must be ${[allowed].flat().join(' or ')}`;
  return new LotlineError(code, `${subject} ${why}`, { at, fix: `Correct ${inBody ? 'it' : name}: it ${why}.` });
}
