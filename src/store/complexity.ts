import { LotlineError } from '../errors.ts';

/** What callers ask becomes the text of statements, and engines bound how much of it they take. */
export function tooComplex(cause: unknown): LotlineError {
  return new LotlineError('QRY-COMPLEX', 'the request names more patterns and values than one question can hold', {
    fix: 'Ask for fewer at once.',
    cause,
  });
}
