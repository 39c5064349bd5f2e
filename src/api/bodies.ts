import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LotlineError } from '../errors.ts';

/** Bodies of calls that take no document. */
export const SMALL_BODY_MAX = 64 * 1024;

/** Documents are kept as they came; whoever reads them parses them. */
export function readBodiesAsBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/json', 'application/ld+json'], { parseAs: 'buffer' }, (request, body, done) => {
    try {
      checkEncoding(request);
      done(null, body);
    } catch (error) {
      done(error as Error);
    }
  });
}

/** For calls that take a small JSON object and no document. */
export function readSmallJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: SMALL_BODY_MAX }, (request, body, done) => {
    try {
      checkEncoding(request);
      void parse(request, body as string, done);
    } catch (error) {
      done(error as Error);
    }
  });
}

/** JSON is UTF-8 (RFC 8259 §8.1), and nothing is unpacked here: a small body cannot become a large one. */
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
      fix: 'Send JSON in UTF-8.',
    });
}
