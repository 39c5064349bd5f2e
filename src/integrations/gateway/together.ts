import { splitDocument } from '../../epcis/json/split.ts';

/**
 * One document of the events of several, each event byte for byte as it was sent. All of them have the same envelope (capture/reading.ts), so what stands
 * around the first one's events holds for all.
 */
export function putTogether(bodies: readonly Uint8Array[]): Uint8Array {
  const [first] = bodies;
  if (first === undefined) throw new Error('there is no document to put together');
  if (bodies.length === 1) return first;
  const spans = bodies.map((body) => eventsOf(body));
  const { start, end } = spans[0] as { start: number; end: number };
  const parts: Uint8Array[] = [first.subarray(0, start)];
  for (const [i, body] of bodies.entries()) {
    const span = spans[i] as { start: number; end: number };
    if (i > 0) parts.push(COMMA);
    parts.push(body.subarray(span.start, span.end));
  }
  parts.push(first.subarray(end));
  return Buffer.concat(parts);
}

const COMMA = Buffer.from(',\n');

/** From the first byte of the first event to the last byte of the last. */
function eventsOf(body: Uint8Array): { start: number; end: number } {
  const events = splitDocument(body).lists[0]?.events ?? [];
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a document without events does not travel with others');
  return { start: first.start, end: last.end };
}
