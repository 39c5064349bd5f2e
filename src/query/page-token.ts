import { createHash } from 'node:crypto';
import { LotlineError } from '../errors.ts';
import type { EventPosition } from './events-sql.ts';

/** Where the next page of a sequence begins: behind an event, among those stored when page one was made. */
export type PageStart = {
  readonly after: EventPosition;
  /** The seq of the last event that belongs to the sequence. */
  readonly through: number;
  /** How many events may still come, under eventCountLimit. */
  readonly left: number | null;
};

/** How long a token is good for. It holds nothing in the store, so this is for the client's expectation alone. */
export const TOKEN_MS = 24 * 60 * 60 * 1000;
const CHECK_BYTES = 8;

/**
 * A nextPageToken: where the page begins, what was asked (`about`), and until when it is good. The text holds all of it and a checksum, so it
 * is good after a restart and on every process of a store. It needs no signature: it grants nothing that its holder could not ask without it.
 */
export function formatPageToken(start: PageStart, about: unknown, expires: number): string {
  const { after, through, left } = start;
  const text = JSON.stringify([
    digestOf(about),
    expires,
    through,
    left,
    after.seq,
    after.time,
    after.below,
    ...('key' in after ? [after.key] : []),
  ]);
  return Buffer.concat([checkOf(text), Buffer.from(text)]).toString('base64url');
}

/** The inverse of formatPageToken. A token that is none or has expired is a 404 (QRY-TOKEN), one used with other parameters a 400. */
export function parsePageToken(token: string, about: unknown, now: number): PageStart {
  const bytes = Buffer.from(token, 'base64url');
  const text = bytes.toString('utf8', CHECK_BYTES);
  if (bytes.toString('base64url') !== token || !bytes.subarray(0, CHECK_BYTES).equals(checkOf(text))) throw gone('is unknown');
  const written: unknown = JSON.parse(text);
  // The checksum is no secret: somebody may have made up what it is of.
  if (!isWritten(written)) throw gone('is unknown');
  const [digest, expires, through, left, seq, time, below, key] = written;
  if (expires <= now) throw gone('has expired');
  if (digest !== digestOf(about)) {
    throw new LotlineError('QRY-PARAM', 'the nextPageToken was made for other parameters', {
      at: '?nextPageToken',
      fix: 'Follow the link of the page before as it is.',
    });
  }
  return { after: { seq, time, below, ...(key !== undefined && { key }) }, through, left };
}

type Written = readonly [
  digest: string,
  expires: number,
  through: number,
  left: number | null,
  seq: number,
  time: number,
  below: string,
  key?: string | null,
];

function isWritten(value: unknown): value is Written {
  if (!Array.isArray(value) || value.length < 7 || value.length > 8) return false;
  const [digest, expires, through, left, seq, time, below, key = null] = value as unknown[];
  return (
    typeof digest === 'string' &&
    [expires, through, seq, time, left ?? 0].every((number) => Number.isSafeInteger(number)) &&
    typeof below === 'string' &&
    /^\d*$/.test(below) &&
    (key === null || (typeof key === 'string' && !key.includes('\0')))
  );
}

function gone(why: string): LotlineError {
  return new LotlineError('QRY-TOKEN', `the nextPageToken ${why}`, {
    at: '?nextPageToken',
    fix: 'Ask for the first page again, without nextPageToken.',
  });
}

const checkOf = (text: string): Buffer => createHash('sha256').update(`lotline page ${text}`).digest().subarray(0, CHECK_BYTES);
const digestOf = (about: unknown): string => createHash('sha256').update(JSON.stringify(about)).digest('base64url').slice(0, 16);
