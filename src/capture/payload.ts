import { deflateRawSync } from 'node:zlib';
import { sha256Node } from '../ledger/node-crypto.ts';
import { DICTIONARY } from '../store/dictionary.ts';
import { ENCODING } from '../store/payload.ts';
import type { PayloadRow } from '../store/rows.ts';

/** Bodies shorter than this do not shrink enough to be worth it. */
const DEFLATE_FROM = 256;
/** Higher levels take twice the time for a fiftieth less: what is long in an event is serials, and those are random. */
const DEFLATE = { level: 1, dictionary: DICTIONARY };

/** A body as it is stored: compressed where that pays. */
export function shrink(body: Uint8Array): { encoding: number; bytes: Uint8Array } {
  const plain = { encoding: ENCODING.plain, bytes: body };
  if (body.length < DEFLATE_FROM) return plain;
  const bytes = deflateRawSync(body, DEFLATE);
  return bytes.length < body.length * 0.9 ? { encoding: ENCODING.withDictionary, bytes } : plain;
}

/** What lies between the stored events of a document, so that it can be joined again byte for byte (design.md §4). */
export function payloadRow(
  capture: { number: number; id: string },
  body: Uint8Array,
  spans: readonly { seq: number; start: number; end: number }[],
  context: string,
): PayloadRow {
  const parts: (number | [number])[] = [];
  const gaps: Uint8Array[] = [];
  let from = 0;
  const gap = (to: number) => {
    if (to === from) return;
    parts.push(to - from);
    gaps.push(body.subarray(from, to));
  };
  for (const span of spans) {
    gap(span.start);
    parts.push([span.seq]);
    from = span.end;
  }
  gap(body.length);
  const { encoding, bytes } = shrink(Buffer.concat(gaps));
  return {
    capture: capture.number,
    capture_id: capture.id,
    digest: sha256Node(body),
    context,
    parts: JSON.stringify(parts),
    encoding,
    gaps: bytes,
  };
}
