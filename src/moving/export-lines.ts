/**
 * The lines of an export (docs/export-format.md): NDJSON, each line an object with one member that says what it is. First the manifest, then what no entry
 * tells, then the journal in its order, and last how many lines there were and the digest of them all.
 */
import { isUtf8 } from 'node:buffer';
import { Ajv, type ValidateFunction } from 'ajv';
import { type Static, type TSchema, Type } from 'typebox';
import { encodeLeaf, formatRecordTime, leafHash, parseRecordTime } from '../ledger/index.ts';
import { sha256Node } from '../ledger/node-crypto.ts';
import type { Carried, TruthRecord } from './truth.ts';

/** The form written here. One that an older version could not read gets another number. */
const EXPORT_VERSION = 1;

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const text = Type.String();
const digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z$' });
const milliseconds = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' });
const json = Type.Unknown();
const orNull = <T extends TSchema>(type: T) => Type.Union([type, Type.Null()]);
const closed = <T extends Record<string, TSchema>>(members: T) => Type.Object(members, { additionalProperties: false });
/** As text where they are UTF-8, else in base64. */
const bytes = Type.Union([closed({ text }), closed({ base64: text })]);

const LINES = {
  manifest: closed({
    format: Type.Literal('lotline-export'),
    version: Type.Literal(EXPORT_VERSION),
    program: text,
    made: milliseconds,
    origin: text,
    vkey: text,
    size: count,
    /** The newest, which commits to all entries; null when there is none. */
    checkpoint: orNull(text),
  }),
  job: closed({
    id: count,
    captureID: text,
    actor: text,
    behaviour: text,
    created: milliseconds,
    finished: milliseconds,
    success: Type.Boolean(),
    events: count,
    stored: count,
    errors: Type.Array(json),
  }),
  finding: closed({
    id: count,
    code: text,
    seq: count,
    told: Type.Optional(
      closed({
        severity: text,
        state: text,
        opened: time,
        due: orNull(time),
        closedSeq: orNull(count),
        resolution: json,
        // Not in exports of earlier versions.
        stage: Type.Optional(text),
        owner: Type.Optional(orNull(text)),
        record: Type.Optional(json),
      }),
    ),
  }),
  /** Before the subscriptions to it. */
  query: closed({ name: text, query: json, actor: text, created: milliseconds }),
  subscription: closed({
    id: text,
    query: text,
    actor: text,
    created: milliseconds,
    terms: json,
    next: count,
    version: count,
    progress: json,
  }),
  verification: closed({
    id: text,
    at: milliseconds,
    caller: text,
    call: text,
    product: orNull(text),
    thing: orNull(text),
    serialHash: orNull(text),
    site: orNull(text),
    corr: text,
    question: text,
    scan: json,
    outcome: Type.Union([Type.Literal('true'), Type.Literal('false'), Type.Literal('error')]),
    reason: orNull(text),
    info: orNull(text),
    took: count,
    answer: json,
  }),
  identity: closed({
    ref: text,
    kind: Type.Union([Type.Literal('patient'), Type.Literal('donor')]),
    state: Type.Union([Type.Literal('open'), Type.Literal('restricted'), Type.Literal('erased')]),
    version: count,
    wrapped: orNull(text),
    sealed: orNull(text),
    contactWrapped: orNull(text),
    contactSealed: orNull(text),
  }),
  salt: closed({ commitment: text, ref: text, sealed: text }),
  word: closed({ token: text, ref: text, contact: Type.Boolean() }),
  link: closed({ ref: text, id: text, sealed: text }),
  erasure: closed({
    id: text,
    ref: text,
    class: Type.Union([Type.Literal('contact'), Type.Literal('identity')]),
    seq: orNull(count),
    time: milliseconds,
  }),
  /** What proves who a person is. `hash` is argon2id's, `setupCode` a SHA-256. */
  secret: closed({
    person: text,
    hash: orNull(text),
    setupCode: orNull(text),
    setupExpires: orNull(milliseconds),
    failures: count,
    lockedUntil: orNull(milliseconds),
  }),
  meta: closed({ name: text, value: text }),
  document: closed({ captureID: text, parts: Type.Array(Type.Union([count, Type.Tuple([count])])), gaps: bytes }),
  entry: closed({
    seq: count,
    /** As it is hashed (ledger/leaf.ts): this very text. */
    leaf: closed({
      actor: text,
      bodyDigest: digest,
      capture: text,
      eventHash: Type.Optional(text),
      kind: text,
      payloadDigest: Type.Optional(digest),
      recordTime: time,
      v: Type.Literal(1),
    }),
    body: bytes,
  }),
  checkpoint: closed({ size: count, signedAt: time, text }),
  end: closed({ lines: count, sha256: digest }),
} as const;

type Lines = { readonly [Kind in keyof typeof LINES]: Static<(typeof LINES)[Kind]> };
export type Manifest = Lines['manifest'];
/** A line as it is read. */
export type ExportLine = TruthRecord | Carried | { readonly manifest: Manifest } | { readonly end: Lines['end'] };

const ajv = new Ajv();
const checks = new Map<string, ValidateFunction>(Object.entries(LINES).map(([kind, schema]) => [kind, ajv.compile(schema)]));

/** The inverse of the three functions below. Throws an error that says what is wrong with the line. */
export function readLine(line: Uint8Array): ExportLine {
  const value: unknown = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
  const [[kind, content] = [], ...others] = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const check = checks.get(kind ?? '');
  if (kind === undefined || check === undefined || others.length > 0) throw new Error('it is of no kind that this version knows');
  if (!check(content)) throw new Error(`its ${kind}${ajv.errorsText(check.errors, { dataVar: '' }).split(', ')[0]}`);
  return readers[kind as keyof Lines](content as never);
}

const readers: { readonly [Kind in keyof Lines]: (content: Lines[Kind]) => ExportLine } = {
  manifest: (manifest) => ({ manifest }),
  end: (end) => ({ end }),
  meta: (meta) => ({ meta }),
  identity: ({ contactWrapped, contactSealed, ...same }) => ({
    identity: { ...same, contact_wrapped: contactWrapped, contact_sealed: contactSealed },
  }),
  salt: (salt) => ({ salt }),
  word: ({ contact, ...same }) => ({ word: { ...same, contact: contact ? 1 : 0 } }),
  link: (link) => ({ link }),
  erasure: ({ time, ...same }) => ({ erasure: { ...same, time: Date.parse(time) } }),
  secret: ({ setupCode, setupExpires, lockedUntil, ...same }) => ({
    secret: {
      ...same,
      setup_code: setupCode,
      setup_expires: setupExpires === null ? null : Date.parse(setupExpires),
      locked_until: lockedUntil === null ? 0 : Date.parse(lockedUntil),
    },
  }),
  verification: ({ at, serialHash, scan, answer, ...same }) => ({
    verification: { ...same, at: Date.parse(at), serial_hash: serialHash, scan: jsonText(scan), answer: jsonText(answer) },
  }),
  query: ({ query, created, ...same }) => ({ query: { ...same, query: JSON.stringify(query), created: Date.parse(created) } }),
  subscription: ({ created, terms, next, progress, ...same }) => ({
    subscription: {
      ...same,
      created: Date.parse(created),
      terms: JSON.stringify(terms),
      next_seq: next,
      progress: JSON.stringify(progress),
    },
  }),
  job: ({ captureID, created, finished, success, errors, ...same }) => ({
    job: {
      ...same,
      capture_id: captureID,
      created: Date.parse(created),
      finished: Date.parse(finished),
      success: success ? 1 : 0,
      errors: JSON.stringify(errors),
    },
  }),
  finding: ({ told, ...same }) => ({
    finding: {
      ...same,
      told:
        told === undefined
          ? null
          : {
              ...told,
              opened: microseconds(told.opened),
              due: told.due === null ? null : microseconds(told.due),
              resolution: jsonText(told.resolution),
              stage: told.stage ?? 'open',
              owner: told.owner ?? null,
              record: jsonText(told.record ?? null),
            },
    },
  }),
  document: ({ captureID, parts, gaps }) => ({ document: { captureID, parts: JSON.stringify(parts), gaps: bytesOf(gaps) } }),
  entry: ({ seq, leaf, body }) => {
    const { actor, bodyDigest, capture, eventHash, kind, payloadDigest } = leaf;
    const recordTime = parseRecordTime(leaf.recordTime);
    const input = {
      actor,
      bodyDigest,
      capture,
      kind,
      recordTime,
      ...(eventHash && { eventHash }),
      ...(payloadDigest && { payloadDigest }),
    };
    return { entry: { seq, leaf: input, leafHash: leafHash(encodeLeaf(input), sha256Node), body: bytesOf(body) } };
  },
  checkpoint: ({ size, signedAt, text }) => ({ checkpoint: { size, signedAt: microseconds(signedAt), text } }),
};

const formatLine = <Kind extends keyof Lines>(kind: Kind, content: Lines[Kind]): string => `${JSON.stringify({ [kind]: content })}\n`;

export const formatManifest = (manifest: Omit<Manifest, 'format' | 'version'>): string =>
  formatLine('manifest', { format: 'lotline-export', version: EXPORT_VERSION, ...manifest });
export const formatEnd = (lines: number, sha256: string): string => formatLine('end', { lines, sha256 });

export function formatCarried(carried: Carried): string {
  if ('meta' in carried) return formatLine('meta', carried.meta);
  if ('salt' in carried) return formatLine('salt', carried.salt);
  if ('link' in carried) return formatLine('link', carried.link);
  if ('word' in carried) return formatLine('word', { ...carried.word, contact: carried.word.contact === 1 });
  if ('erasure' in carried) return formatLine('erasure', { ...carried.erasure, time: new Date(carried.erasure.time).toISOString() });
  if ('identity' in carried) {
    const { contact_wrapped, contact_sealed, ...same } = carried.identity;
    return formatLine('identity', { ...same, contactWrapped: contact_wrapped, contactSealed: contact_sealed });
  }
  if ('query' in carried) {
    const { query, created, ...same } = carried.query;
    return formatLine('query', { ...same, query: JSON.parse(query) as unknown, created: new Date(created).toISOString() });
  }
  if ('subscription' in carried) {
    const { created, terms, next_seq, progress, ...same } = carried.subscription;
    return formatLine('subscription', {
      ...same,
      created: new Date(created).toISOString(),
      terms: JSON.parse(terms) as unknown,
      next: next_seq,
      progress: JSON.parse(progress) as unknown,
    });
  }
  if ('verification' in carried) {
    const { at, serial_hash, scan, answer, ...same } = carried.verification;
    return formatLine('verification', {
      ...same,
      at: new Date(at).toISOString(),
      serialHash: serial_hash,
      scan: jsonValue(scan),
      answer: jsonValue(answer),
    });
  }
  if ('secret' in carried) {
    const { setup_code: setupCode, setup_expires, locked_until, ...same } = carried.secret;
    const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
    return formatLine('secret', { ...same, setupCode, setupExpires: time(setup_expires), lockedUntil: time(locked_until || null) });
  }
  if ('job' in carried) {
    const { capture_id, created, finished, success, errors, ...same } = carried.job;
    return formatLine('job', {
      ...same,
      captureID: capture_id,
      created: new Date(created).toISOString(),
      finished: new Date(finished).toISOString(),
      success: success === 1,
      errors: JSON.parse(errors) as unknown[],
    });
  }
  const { told, ...same } = carried.finding;
  if (told === null) return formatLine('finding', same);
  const { opened, due, resolution, record } = told;
  return formatLine('finding', {
    ...same,
    told: {
      ...told,
      opened: timeText(opened),
      due: due === null ? null : timeText(due),
      resolution: jsonValue(resolution),
      record: jsonValue(record),
    },
  });
}

export function formatRecord(record: TruthRecord): string {
  if ('checkpoint' in record) {
    const { size, signedAt, text } = record.checkpoint;
    return formatLine('checkpoint', { size, signedAt: timeText(signedAt), text });
  }
  if ('document' in record) {
    const { captureID, parts, gaps } = record.document;
    return formatLine('document', { captureID, parts: JSON.parse(parts) as number[], gaps: bytesText(gaps) });
  }
  const { seq, leaf, body } = record.entry;
  return `{"entry":{"seq":${seq},"leaf":${Buffer.from(encodeLeaf(leaf)).toString('utf8')},"body":${JSON.stringify(bytesText(body))}}}\n`;
}

const jsonText = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
const jsonValue = (text: string | null): unknown => (text === null ? null : (JSON.parse(text) as unknown));
const timeText = (time: number): string => formatRecordTime(BigInt(time));
const microseconds = (text: string): number => Number(parseRecordTime(text));

function bytesText(of: Uint8Array): Static<typeof bytes> {
  const buffer = Buffer.from(of.buffer, of.byteOffset, of.byteLength);
  return isUtf8(buffer) ? { text: buffer.toString('utf8') } : { base64: buffer.toString('base64') };
}

const bytesOf = (value: Static<typeof bytes>): Uint8Array =>
  'text' in value ? Buffer.from(value.text, 'utf8') : Buffer.from(value.base64, 'base64');
