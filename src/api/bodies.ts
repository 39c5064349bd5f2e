import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isXml } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import { isXmlType, JSON_TYPES, XML_TYPES } from './epcis-headers.ts';
import type { ApiLimits, Load } from './limits.ts';

/** Bodies of calls that take no document. */
export const SMALL_BODY_MAX = 64 * 1024;

/** Documents are kept as they came; whoever reads them parses them. Those in memory together stay within the budget. */
export function readBodiesAsBytes(app: FastifyInstance, load: Load, limits: Pick<ApiLimits, 'bodyPauseMs'>): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...JSON_TYPES, ...XML_TYPES], async (request: FastifyRequest, payload: IncomingMessage) => {
    checkEncoding(request);
    return await receive(request, payload, load, limits.bodyPauseMs);
  });
}

/** The document or event as it was sent; it must be of the syntax that its media type says. */
export function bodyOf(request: FastifyRequest): Buffer {
  const { body } = request;
  if (!(body instanceof Buffer) || body.length === 0)
    throw new LotlineError('EV-SYNTAX', 'the body is empty', { fix: 'Send an EPCIS document in JSON or XML.' });
  const type = request.headers['content-type'];
  if (isXml(body) === isXmlType(type)) return body;
  const [is, said] = isXml(body) ? ['XML', 'JSON'] : ['no XML', 'XML'];
  throw new LotlineError('EV-SYNTAX', `the body is ${is}, and Content-Type says ${said}`, {
    fix: 'Send JSON as application/ld+json and XML as application/xml.',
  });
}

/** For calls that take a small JSON object and no document, or a list as long as `bodyLimit` allows. */
export function readSmallJson(app: FastifyInstance, bodyLimit: number = SMALL_BODY_MAX): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit }, (request, body, done) => {
    try {
      checkEncoding(request);
      void parse(request, body as string, done);
    } catch (error) {
      done(error as Error);
    }
  });
}

/**
 * The body, in memory of its own, so that it can be handed to another thread. One that tells its length has its place in the budget before any of
 * it is read; a chunked one takes it as it comes.
 */
async function receive(request: FastifyRequest, payload: IncomingMessage, load: Load, pauseMs: number): Promise<Buffer> {
  const max = request.routeOptions.bodyLimit;
  const told = request.headers['content-length'];
  const length = told === undefined ? null : Number(told);
  const hold = (bytes: number) => {
    if (!load.bodies.take(bytes)) throw load.busy('the documents being received fill the memory set aside for them');
    request.heldBytes += bytes;
  };
  if (length !== null) {
    if (length > max) throw tooLarge(max);
    hold(length);
  }
  const whole = length === null ? null : Buffer.allocUnsafeSlow(length);
  const chunks: Buffer[] = [];
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(pause);
      payload.off('data', take).off('end', done).off('error', cut).off('close', cut);
      settle();
    };
    const fail = (error: unknown) => {
      payload.resume(); // the rest is let go by, so that the client can finish and read why
      end(() => reject(error as Error));
    };
    const done = () => end(resolve);
    const cut = () => fail(new LotlineError('REQ-FORM', 'the body was cut off', { fix: 'Send the body whole.' }));
    const take = (chunk: Buffer) => {
      pause.refresh();
      received += chunk.length;
      if (whole !== null) return void chunk.copy(whole, received - chunk.length);
      if (received > max) return fail(tooLarge(max));
      try {
        hold(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const pause = setTimeout(
      () => fail(new LotlineError('REQ-TIME', `the body stood still for ${pauseMs / 1000} s`, { fix: 'Send it again.' })),
      pauseMs,
    );
    payload.on('data', take).once('end', done).once('error', cut).once('close', cut);
  });
  if (whole === null) return Buffer.concat(chunks, received);
  if (received === length) return whole;
  throw new LotlineError('REQ-FORM', 'the body is not as long as Content-Length says', { fix: 'Send the body whole.' });
}

const tooLarge = (max: number) =>
  new LotlineError('REQ-LIMIT', `the body has more than ${max} bytes`, { fix: 'Send it in smaller parts.' });

/** JSON is UTF-8 (RFC 8259 §8.1), XML is taken in no other encoding, and nothing is unpacked here: a small body cannot become a large one. */
function checkEncoding(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new LotlineError('REQ-MEDIA', `Content-Encoding ${encoding.slice(0, 50)} is not taken here`, {
      at: 'Content-Encoding',
      fix: 'Send the body uncompressed.',
    });
  const [, charset] = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '') ?? [];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw new LotlineError('REQ-MEDIA', `charset ${charset.slice(0, 50)} is not taken here`, {
      at: 'Content-Type',
      fix: 'Send it in UTF-8.',
    });
}
