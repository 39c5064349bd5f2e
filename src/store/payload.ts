import { inflateRawSync } from 'node:zlib';
import { DICTIONARY } from './dictionary.ts';

/** How a body, or what lies between bodies, is stored: as it was sent, deflated, or deflated with the dictionary. */
export const ENCODING = { plain: 0, deflated: 1, withDictionary: 2 } as const;

/** A body or what lies between bodies, as it was before it was compressed. */
export function unpackBytes(encoding: number, bytes: Uint8Array): Uint8Array {
  if (encoding === ENCODING.withDictionary) return inflateRawSync(bytes, { dictionary: DICTIONARY });
  return encoding === ENCODING.deflated ? inflateRawSync(bytes) : bytes;
}

/** The same of bytes that must be whole: null for an encoding that there is not, for what does not inflate, or has something behind its end. */
export function unpackWhole(encoding: number, bytes: Uint8Array): Uint8Array | null {
  if (encoding === ENCODING.plain) return bytes;
  if (encoding !== ENCODING.deflated && encoding !== ENCODING.withDictionary) return null;
  const dictionary = encoding === ENCODING.withDictionary ? { dictionary: DICTIONARY } : {};
  try {
    // Node's declaration leaves out what `info` changes of the answer.
    const { buffer, engine } = inflateRawSync(bytes, { info: true, ...dictionary }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return engine.bytesWritten === bytes.length ? buffer : null;
  } catch {
    return null;
  }
}

/**
 * A captured document, byte for byte as it was sent: what lies between its events, and the events' own bodies. `parts` says how they follow
 * each other: a number is that many bytes from the gaps, `[seq]` the body of that entry. Null when parts, gaps and bodies do not fit.
 */
export function joinPayload(
  payload: { readonly parts: string; readonly encoding: number; readonly gaps: Uint8Array },
  bodyOf: (seq: number) => Uint8Array | undefined,
): Uint8Array | null {
  const gaps = unpackBytes(payload.encoding, payload.gaps);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const part of JSON.parse(payload.parts) as (number | [number])[]) {
    if (typeof part === 'number') {
      if (from + part > gaps.length) return null;
      pieces.push(gaps.subarray(from, from + part));
      from += part;
      continue;
    }
    const body = bodyOf(part[0]);
    if (body === undefined) return null;
    pieces.push(body);
  }
  return from === gaps.length ? Buffer.concat(pieces) : null;
}

/** The entries whose bodies stand in a document, in its order. */
export function entriesIn(parts: string): number[] {
  return (JSON.parse(parts) as (number | [number])[]).flatMap((part) => (typeof part === 'number' ? [] : part));
}
