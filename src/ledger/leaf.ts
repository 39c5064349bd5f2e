/**
 * The leaf: what the log says of a journal entry (design.md §6). Canonical JSON (RFC 8785), so that it has one form only:
 *
 *     {"actor":"k_7Q","bodyDigest":"9f86…","capture":"c_12","eventHash":"ni:///sha-256;…?ver=CBV2.0","kind":"event",
 *      "recordTime":"2026-03-01T08:15:00.000250Z","v":1}
 *
 * It holds digests and random ids only, nothing of a person. The bounds below keep every leaf under 64 KiB, which an entry bundle asks.
 */
import { LotlineError } from '../errors.ts';
import { sameBytes, utf8 } from './bytes.ts';

/** Characters of `kind`, `actor` and `capture`, each. */
export const LEAF_TEXT_MAX = 256;
/** Commitments of one entry; with all bounds reached, a leaf has some 40 kB. */
export const LEAF_COMMITMENTS_MAX = 512;

export type Leaf = {
  kind: string;
  /** UTC with six decimals. */
  recordTime: string;
  /** The principal's random id. */
  actor: string;
  /** The capture it came with; empty where none was. */
  capture: string;
  /** The event hash in its `ni:` form, for events. */
  eventHash?: string | undefined;
  /** SHA-256 of the entry's body as stored, lower-case hex. */
  bodyDigest: string;
  /** SHA-256 of the captured document, lower-case hex. */
  payloadDigest?: string | undefined;
  /** HMACs over what the vault holds (domain.md §18.4), lower-case hex, in the order given. */
  commitments?: readonly string[] | undefined;
};

/** A leaf as its writer has it: the time may be microseconds since 1970. */
export type LeafInput = Omit<Leaf, 'recordTime'> & { recordTime: string | bigint };

/** The bytes of a leaf (design.md §6; member order and escapes of RFC 8785). A member that cannot stand in it throws LOG-INCLUSION. */
export function encodeLeaf(leaf: LeafInput): Uint8Array {
  const recordTime = typeof leaf.recordTime === 'bigint' ? formatRecordTime(leaf.recordTime) : leaf.recordTime;
  if (typeof leaf.recordTime !== 'bigint') parseRecordTime(recordTime);
  const { commitments, eventHash, payloadDigest } = leaf;
  let json = `{"actor":${text('actor', leaf.actor)},"bodyDigest":${digest('bodyDigest', leaf.bodyDigest)},"capture":${text('capture', leaf.capture)}`;
  if (commitments !== undefined) json += `,"commitments":[${list(commitments)}]`;
  if (eventHash !== undefined) json += `,"eventHash":${text('eventHash', checkedEventHash(eventHash))}`;
  json += `,"kind":${text('kind', leaf.kind)}`;
  if (payloadDigest !== undefined) json += `,"payloadDigest":${digest('payloadDigest', payloadDigest)}`;
  return utf8(`${json},"recordTime":"${recordTime}","v":1}`);
}

/** Inverse of encodeLeaf; refuses every text that encodeLeaf could not have written: other members, another order, other escapes. */
export function decodeLeaf(bytes: Uint8Array): Leaf {
  const value = readJson(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('', 'it is no JSON object');
  const { v, ...members } = value as { v?: unknown } & Leaf; // encodeLeaf checks the type of each, and the bytes tell of any others
  if (v !== 1) throw bad('/v', `it is of version ${JSON.stringify(v)}, not 1`);
  const leaf: Leaf = {
    kind: members.kind,
    recordTime: members.recordTime,
    actor: members.actor,
    capture: members.capture,
    bodyDigest: members.bodyDigest,
    ...(members.eventHash !== undefined && { eventHash: members.eventHash }),
    ...(members.payloadDigest !== undefined && { payloadDigest: members.payloadDigest }),
    ...(members.commitments !== undefined && { commitments: members.commitments }),
  };
  if (!sameBytes(encodeLeaf(leaf), bytes)) throw bad('', 'it is not in canonical form');
  return leaf;
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new LotlineError('LOG-INCLUSION', 'Leaf: it is no JSON in UTF-8', { fix: FIX, cause });
  }
}

/** The 64 hex digits of an event hash in its `ni:` form (codes.md §1). */
export function digestOfEventHash(eventHash: string): string {
  return checkedEventHash(eventHash).slice(NI_PREFIX.length, NI_PREFIX.length + 64);
}

const NI_PREFIX = 'ni:///sha-256;';

function checkedEventHash(eventHash: unknown): string {
  if (typeof eventHash === 'string' && eventHash.startsWith(NI_PREFIX)) {
    const end = NI_PREFIX.length + 64;
    if (isDigest(eventHash.slice(NI_PREFIX.length, end)) && eventHash.startsWith('?ver=', end)) return eventHash;
  }
  throw bad('/eventHash', 'it is not ni:///sha-256;<64 hex digits>?ver=<version>');
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw bad(`/${name}`, 'it is no text');
  if (value.length > LEAF_TEXT_MAX) throw bad(`/${name}`, `it has more than ${LEAF_TEXT_MAX} characters`);
  if (/\p{Surrogate}/u.test(value)) throw bad(`/${name}`, 'it is not valid Unicode');
  return JSON.stringify(value); // for valid Unicode, JSON.stringify escapes what RFC 8785 §3.2.2.2 says and nothing else
}

function digest(name: string, value: unknown): string {
  if (!isDigest(value)) throw bad(`/${name}`, 'it is not 64 lower-case hex digits');
  return `"${value}"`;
}

function list(commitments: unknown): string {
  if (!Array.isArray(commitments)) throw bad('/commitments', 'it is no list');
  if (commitments.length > LEAF_COMMITMENTS_MAX) throw bad('/commitments', `it has more than ${LEAF_COMMITMENTS_MAX} members`);
  return commitments.map((commitment, i) => digest(`commitments/${i}`, commitment)).join();
}

function isDigest(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== 64) return false;
  for (let i = 0; i < 64; i++) {
    const code = value.charCodeAt(i);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------------------- record time

const RECORD_TIME_MAX = 253_402_300_799_999_999n; // the last microsecond of the year 9999

/** A record time, microseconds since 1970, as UTC with six decimals: `2026-03-01T08:15:00.000250Z`. */
export function formatRecordTime(microseconds: bigint): string {
  if (microseconds < 0n || microseconds > RECORD_TIME_MAX)
    throw bad('/recordTime', `${microseconds} µs is not within the years 1970 to 9999`);
  const toMilliseconds = new Date(Number(microseconds / 1000n)).toISOString().slice(0, 23);
  return `${toMilliseconds}${String(microseconds % 1000n).padStart(3, '0')}Z`;
}

/** Inverse of formatRecordTime; refuses every other way of writing a time. */
export function parseRecordTime(recordTime: unknown): bigint {
  if (typeof recordTime === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(recordTime)) {
    const milliseconds = Date.parse(`${recordTime.slice(0, 23)}Z`);
    if (milliseconds >= 0) {
      const microseconds = BigInt(milliseconds) * 1000n + BigInt(recordTime.slice(23, 26));
      if (formatRecordTime(microseconds) === recordTime) return microseconds;
    }
  }
  throw bad('/recordTime', 'it is no UTC time with six decimals, from 1970 on');
}

const FIX = 'Take the leaf as the log has it.';

function bad(at: string, why: string): LotlineError {
  return new LotlineError('LOG-INCLUSION', `Leaf${at && ` (${at.slice(1)})`}: ${why}`, { at, fix: FIX });
}
