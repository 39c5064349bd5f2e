import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { eventJson, isRefused, readDocument } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import { reportSections, worldOfJson } from '../identity/answers/report.ts';
import { toldEvent } from '../identity/event.ts';
import { foldChain } from '../identity/fold-chain.ts';
import type { AnyAct, WorldEvent } from '../identity/world.ts';
import { decodeLeaf, leafHash, parseVerifierKey, verifyCheckpoint, verifyInclusion, verifySignature } from '../ledger/index.ts';
import { sha256Node } from '../ledger/node-crypto.ts';
import { type ChainReport, REPORT_KIND, type ReportEntry } from './chain-report.ts';

export type ReportCheck = {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly entries: number;
  /** Events and acts whose part of the report follows from their entries. */
  readonly facts: number;
  readonly size: number;
  readonly origin: string;
};

/**
 * Checks a report offline: that the log's key signed its checkpoint, that every entry stands in that log, that every event and act in it is what its
 * entry tells, and that every section follows from those. Whose material a thing is that other entries tell of (`world.bindings`), and holds that
 * they placed, are taken as stated.
 */
export function verifyReport(report: ChainReport, vkey: string): ReportCheck {
  const problems: string[] = [];
  if (report.report !== REPORT_KIND || report.version !== 1)
    return failed(`This is no report of version 1, but ${JSON.stringify(report.report)}`);
  const { log } = report;
  if (log === null) return failed('The report has no checkpoint: its log had no entry that was signed');
  let checkpoint: ReturnType<typeof verifyCheckpoint>;
  try {
    checkpoint = verifyCheckpoint(log.checkpoint, [parseVerifierKey(vkey)], verifySignature);
  } catch (error) {
    if (error instanceof LotlineError) return failed(error.message);
    throw error;
  }
  if (
    checkpoint.size !== log.size ||
    checkpoint.origin !== log.origin ||
    Buffer.from(checkpoint.rootHash).toString('base64') !== log.rootHash
  )
    problems.push('Origin, size or root that the report names are not those of its checkpoint');
  const bodies = new Map<number, ReportEntry>();
  for (const entry of report.entries) {
    const fault = entryFault(entry, checkpoint);
    if (fault === null) bodies.set(entry.seq, entry);
    else problems.push(`Entry ${entry.seq}: ${fault}`);
  }
  const unsigned = new Set(report.unsigned);
  let facts = 0;
  const check = (seq: number, what: string, follows: (entry: ReportEntry) => boolean) => {
    const entry = bodies.get(seq);
    if (entry === undefined)
      problems.push(
        unsigned.has(seq) ? `Entry ${seq}: no checkpoint commits to it yet` : `Entry ${seq}: ${what} rests on it, and it is not proven`,
      );
    else if (!follows(entry)) problems.push(`Entry ${seq}: ${what} is not what the entry tells`);
    else facts++;
  };
  for (const event of report.world.events) check(event.seq, `event ${event.eventID}`, (entry) => tellsEvent(entry, event));
  for (const act of report.world.acts) check(act.seq, `${act.kind} ${act.id}`, (entry) => tellsAct(entry, act));
  const world = worldOfJson(report.world);
  const derived = JSON.parse(JSON.stringify(reportSections(world, foldChain(world)))) as Record<string, unknown>;
  for (const [name, section] of Object.entries(report.sections))
    if (!isDeepStrictEqual(section, derived[name])) problems.push(`Section ${name} does not follow from the events and acts of the report`);
  for (const name of Object.keys(derived)) if (!(name in report.sections)) problems.push(`Section ${name} is missing`);
  for (const { name, sha256 } of report.attachments) {
    const entry = bodies.get(Number(name.replace('entry ', '')));
    if (entry !== undefined && sha256Hex(bodyOf(entry)) !== sha256) problems.push(`Attachment ${name} has another hash`);
  }
  return { ok: problems.length === 0, problems, entries: bodies.size, facts, size: checkpoint.size, origin: checkpoint.origin };
}

const failed = (problem: string): ReportCheck => ({ ok: false, problems: [problem], entries: 0, facts: 0, size: 0, origin: '' });
const bodyOf = ({ body }: ReportEntry) => Buffer.from(body, 'base64');
const sha256Hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function entryFault(entry: ReportEntry, { size, rootHash }: { size: number; rootHash: Uint8Array }): string | null {
  const leaf = Buffer.from(entry.leaf, 'utf8');
  if (entry.seq >= size) return 'the checkpoint does not reach it';
  const hashes = entry.hashes.map((hash) => new Uint8Array(Buffer.from(hash, 'base64')));
  if (!verifyInclusion(leafHash(leaf, sha256Node), entry.seq, size, hashes, rootHash, sha256Node))
    return 'its proof does not lead to the root of the checkpoint';
  try {
    return decodeLeaf(leaf).bodyDigest === sha256Hex(bodyOf(entry)) ? null : 'its body is not the one that was logged';
  } catch (error) {
    if (error instanceof LotlineError) return error.message;
    throw error;
  }
}

/** Members in which events are compared: what follows from their bytes alone. */
const SAID = ['type', 'action', 'time', 'bizStep', 'disposition', 'parent', 'epcs', 'children', 'inputs', 'outputs'] as const;

function tellsEvent(entry: ReportEntry, event: WorldEvent): boolean {
  try {
    const text = eventJson(bodyOf(entry), entry.context ?? 'null');
    const document = `{"@context":${entry.context ?? '[]'},"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2000-01-01T00:00:00Z","epcisBody":{"eventList":[${text}]}}`;
    const [read] = [...readDocument(Buffer.from(document), { wantHashes: false }).events()];
    if (read === undefined || isRefused(read)) return false;
    const told = JSON.parse(JSON.stringify(toldEvent(read))) as WorldEvent;
    // Events that came before the chain did are known by what is kept of every event, in the order of things and not of the document.
    const inOrder = (list: unknown) => (Array.isArray(list) ? list.map((one) => JSON.stringify(one)).sort() : list);
    const same = (a: unknown, b: unknown) => isDeepStrictEqual(inOrder(a), inOrder(b));
    const silent = event.coi.chain.length === 0 && event.coi.order === null && event.coi.step === null;
    return SAID.every((name) => same(told[name], event[name])) && (silent || isDeepStrictEqual(told.coi, event.coi));
  } catch (error) {
    if (error instanceof LotlineError || error instanceof SyntaxError) return false;
    throw error;
  }
}

function tellsAct(entry: ReportEntry, act: AnyAct): boolean {
  const told = JSON.parse(bodyOf(entry).toString('utf8')) as {
    id?: unknown;
    act?: unknown;
    body?: unknown;
    time?: unknown;
    signatures?: unknown;
  };
  return (
    told.id === act.id &&
    told.act === act.kind &&
    told.time === act.time &&
    isDeepStrictEqual(told.body, act.body) &&
    isDeepStrictEqual(told.signatures, act.signatures)
  );
}
