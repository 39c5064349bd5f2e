import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signCheckpoint } from './checkpoint.ts';
import { encodeLeaf } from './leaf.ts';
import { Frontier, leafHash } from './merkle.ts';
import { sha256Node, signFunctionNode, verifySignatureNode } from './node-crypto.ts';
import { noteSigner, signerKeyFromSeed, verifierKeyOf } from './note.ts';
import { type LogReport, type LogToVerify, type StoredCheckpoint, type StoredEntry, verifyLog } from './verify-log.ts';

const origin = 'lotline.example/plant1';
const logKey = signerKeyFromSeed(origin, new Uint8Array(32).fill(1));
const signer = noteSigner(logKey, signFunctionNode(logKey));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const digest = (bytes: Uint8Array): string => hex(sha256Node(bytes));

/** Stands for the event hash of the standard: what matters here is only that it follows from the body. */
const eventHashOf = (body: Uint8Array): string | null => (body[0] === 0x7b ? digest(Buffer.concat([Buffer.from('event'), body])) : null);

const SIZE = 1300;
/** Sizes at which a checkpoint was published; between them lie tile borders and several commits within one tile. */
const CHECKPOINTS = [0, 1, 3, 255, 256, 257, 600, 601, 1024, SIZE];

/** A log as it would lie in a store: entries, tiles as latest kept, checkpoints. Made anew for each test, so that it may be spoilt. */
function storedLog(size = SIZE, timeOf = (seq: number): number => Math.floor(seq / 3)) {
  const entries: StoredEntry[] = Array.from({ length: size }, (_, seq) => {
    const isEvent = seq % 5 !== 4;
    const body = Buffer.from(isEvent ? `{"eventID":"urn:uuid:${seq}"}` : `refusal ${seq}`);
    const leaf = {
      kind: isEvent ? 'event' : 'refusal',
      recordTime: 1_772_352_900_000_000n + BigInt(timeOf(seq)),
      actor: 'k_1',
      capture: `c_${Math.floor(seq / 100)}`,
      bodyDigest: digest(body),
      ...(isEvent && { eventHash: `ni:///sha-256;${eventHashOf(body)}?ver=CBV2.0` }),
    };
    return { seq, leaf, body, leafHash: leafHash(encodeLeaf(leaf), sha256Node) };
  });
  const tiles = new Map<string, Uint8Array>();
  const checkpoints: StoredCheckpoint[] = [];
  const frontier = new Frontier(sha256Node);
  for (const at of [...new Set([...CHECKPOINTS.filter((c) => c <= size), size])].toSorted((a, b) => a - b)) {
    for (const tile of frontier.append(entries.slice(frontier.size, at).map((entry) => entry.leafHash)))
      tiles.set(`${tile.level}/${tile.index}`, tile.hashes);
    checkpoints.push({ size: at, text: signCheckpoint({ origin, size: at, rootHash: frontier.root() }, [signer]) });
  }
  return { entries, tiles, checkpoints, root: hex(frontier.root()) };
}

type Stored = ReturnType<typeof storedLog>;
const check = (stored: Stored, more: Partial<LogToVerify> = {}): Promise<LogReport> =>
  verifyLog({
    entries: stored.entries,
    checkpoints: stored.checkpoints,
    readTile: ({ level, index }) => stored.tiles.get(`${level}/${index}`),
    recomputeEventHash: eventHashOf,
    verifiers: [verifierKeyOf(logKey)],
    hash: sha256Node,
    verify: verifySignatureNode,
    ...more,
  });
const told = (report: LogReport): string[] =>
  report.problems.map(({ code, seq, tile, checkpoint }) => `${code} ${seq ?? (tile ? `${tile.level}/${tile.index}` : checkpoint)}`);

describe('the check of a whole log (domain.md §18.3)', () => {
  it('finds nothing in a sound log, and derives its root', async () => {
    const stored = storedLog();
    const progress: number[] = [];
    const report = await check(stored, { onProgress: ({ entries }) => progress.push(entries) });
    expect(report).toEqual({
      ok: true,
      size: SIZE,
      root: stored.root,
      checkpoints: CHECKPOINTS.length,
      firstBadSeq: null,
      problems: [],
      complete: true,
    });
    expect(progress.at(-1)).toBe(SIZE);
  });

  it.each([0, 1, 255, 256, 257])('finds nothing in a sound log of %i entries', async (size) => {
    const stored = storedLog(size);
    expect(await check(stored)).toMatchObject({ ok: true, size, root: stored.root });
  });

  it('gives the same answer with the portable hash and signatures, from asynchronous sources', async () => {
    const stored = storedLog(300);
    async function* slowly<T>(items: T[]): AsyncGenerator<T> {
      for (const item of items) yield await Promise.resolve(item);
    }
    const { tiles } = stored;
    const report = await verifyLog({
      entries: slowly(stored.entries),
      checkpoints: slowly(stored.checkpoints),
      readTile: async ({ level, index }) => tiles.get(`${level}/${index}`),
      recomputeEventHash: async (body) => eventHashOf(body),
      verifiers: [verifierKeyOf(logKey)],
    });
    expect(report).toMatchObject({ ok: true, size: 300, root: stored.root });
  });

  it('needs no checkpoint for the entries after the last one', async () => {
    const stored = storedLog();
    stored.checkpoints.pop();
    expect(await check(stored)).toMatchObject({ ok: true, root: stored.root, checkpoints: CHECKPOINTS.length - 1 });
  });
});

describe('what was changed in a log is found, and its place is named:', () => {
  const spoilt = async (spoil: (stored: Stored) => void): Promise<LogReport> => {
    const stored = storedLog();
    spoil(stored);
    const report = await check(stored);
    expect(report.ok).toBe(false);
    return report;
  };
  const changeLeaf = (stored: Stored, seq: number, change: Partial<StoredEntry['leaf']>): void => {
    const entry = stored.entries[seq]!;
    stored.entries[seq] = { ...entry, leaf: { ...entry.leaf, ...change } };
  };
  /** As somebody would who can write every table, but has not the log's key. */
  const rewrite = (stored: Stored, seq: number, body: Uint8Array): void => {
    const entry = stored.entries[seq]!;
    const leaf = { ...entry.leaf, bodyDigest: digest(body), eventHash: `ni:///sha-256;${eventHashOf(body)}?ver=CBV2.0` };
    stored.entries[seq] = { seq, leaf, body, leafHash: leafHash(encodeLeaf(leaf), sha256Node) };
  };

  it('a bit of a body', async () => {
    const report = await spoilt(({ entries }) => {
      entries[700]!.body[20]! ^= 4;
    });
    expect(told(report)).toEqual(['LOG-BODY 700']);
    expect(report.firstBadSeq).toBe(700);
  });

  it('an actor, a capture, a kind, a payload digest', async () => {
    for (const change of [{ actor: 'k_2' }, { capture: 'c_99' }, { kind: 'order' }, { payloadDigest: 'ab'.repeat(32) }]) {
      const report = await spoilt((stored) => changeLeaf(stored, 700, change));
      expect(told(report)).toEqual(['LOG-LEAF 700', 'LOG-TILE 700', 'LOG-ROOT 1024', 'LOG-TILE 1/0']);
      expect(report.firstBadSeq).toBe(700);
    }
  });

  it('an event hash, altered or taken away', async () => {
    const other = `ni:///sha-256;${'ab'.repeat(32)}?ver=CBV2.0`;
    expect(told(await spoilt((stored) => changeLeaf(stored, 700, { eventHash: other })))).toEqual(
      expect.arrayContaining(['LOG-EVENT-HASH 700', 'LOG-LEAF 700']),
    );
    expect(told(await spoilt((stored) => changeLeaf(stored, 700, { eventHash: undefined })))[0]).toBe('LOG-LEAF 700');
    expect(told(await spoilt((stored) => changeLeaf(stored, 704, { eventHash: other })))[0]).toBe('LOG-EVENT-HASH 704');
  });

  it('an event hash that was wrong when it was logged', async () => {
    const stored = storedLog(300);
    const report = await check(stored, { recomputeEventHash: (body, { seq }) => (seq === 17 ? '0'.repeat(64) : eventHashOf(body)) });
    expect(told(report)).toEqual(['LOG-EVENT-HASH 17']);
  });

  it('a digest that is none, and a leaf hash that is none', async () => {
    expect(told(await spoilt((stored) => changeLeaf(stored, 700, { bodyDigest: 'x' }))).slice(0, 2)).toEqual([
      'LOG-LEAF 700',
      'LOG-BODY 700',
    ]);
    const report = await spoilt(({ entries }) => {
      entries[700] = { ...entries[700]!, leafHash: new Uint8Array(3) };
    });
    expect(told(report)).toEqual(['LOG-LEAF 700']);
  });

  it('a leaf hash, and nothing else', async () => {
    const report = await spoilt(({ entries }) => {
      entries[700]!.leafHash[0]! ^= 1;
    });
    expect(told(report)).toContain('LOG-LEAF 700');
  });

  it('an entry rewritten with all its digests', async () => {
    const report = await spoilt((stored) => rewrite(stored, 700, Buffer.from('{"eventID":"other"}')));
    expect(told(report)).toEqual(['LOG-TILE 700', 'LOG-ROOT 1024', 'LOG-ROOT 1300', 'LOG-TILE 1/0']);
    expect(report.firstBadSeq).toBe(700);
  });

  it('an entry rewritten with all its digests and all tiles: the next checkpoint tells', async () => {
    const report = await spoilt((stored) => {
      rewrite(stored, 700, Buffer.from('{"eventID":"other"}'));
      for (const tile of new Frontier(sha256Node).append(stored.entries.map((entry) => entry.leafHash)))
        stored.tiles.set(`${tile.level}/${tile.index}`, tile.hashes);
    });
    expect(told(report)).toEqual(['LOG-ROOT 1024', 'LOG-ROOT 1300']);
  });

  it('a record time that goes backwards, even where leaf, tiles and root agree', async () => {
    const stored = storedLog(10, (seq) => (seq === 5 ? 3 : seq));
    expect(told(await check(stored))).toEqual(['LOG-TIME 5']);
    expect((await check(storedLog(10, () => 7))).ok).toBe(true);
  });

  it('an entry taken out, doubled, or swapped with its neighbour', async () => {
    expect(told(await spoilt(({ entries }) => entries.splice(700, 1)))).toEqual(['LOG-SEQ 701', 'LOG-SIZE 1300']);
    expect(told(await spoilt(({ entries }) => entries.splice(700, 0, entries[700]!)))).toEqual(['LOG-SEQ 700']);
    const swapped = await spoilt(({ entries }) => entries.splice(700, 2, entries[701]!, entries[700]!));
    expect(told(swapped)[0]).toBe('LOG-SEQ 701');
    expect(swapped.root).toBeNull();
    const renumbered = await spoilt(({ entries }) => {
      const [a, b] = [entries[700]!, entries[701]!];
      entries.splice(700, 2, { ...b, seq: 700 }, { ...a, seq: 701 });
    });
    expect(told(renumbered)[0]).toBe('LOG-TILE 700');
  });

  it('the last entries cut off, with and without their tiles', async () => {
    expect(told(await spoilt(({ entries }) => entries.splice(1299)))).toEqual(['LOG-TILE 0/5', 'LOG-SIZE 1300']);
    const report = await spoilt((stored) => {
      const shorter = storedLog(1024);
      Object.assign(stored, { entries: shorter.entries, tiles: shorter.tiles });
    });
    expect(told(report)).toEqual(['LOG-SIZE 1300']);
  });

  it('a bit of any tile, a tile cut short or missing', async () => {
    const names = [...storedLog().tiles.keys()];
    expect(names.toSorted()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '1/0']);
    for (const name of names) {
      const place = (at: string): string => `LOG-TILE ${at}`;
      const flip = await spoilt(({ tiles }) => {
        tiles.get(name)![37]! ^= 16;
      });
      const [level, index] = name.split('/').map(Number);
      expect(told(flip)).toEqual([place(level === 0 ? String(index! * 256 + 1) : name)]);
      expect(told(await spoilt(({ tiles }) => tiles.set(name, tiles.get(name)!.slice(0, -1))))).toEqual([place(name)]);
      expect(told(await spoilt(({ tiles }) => tiles.delete(name)))).toEqual([place(name)]);
    }
  });

  it('every bit of a checkpoint', async () => {
    const stored = storedLog(3);
    const original = stored.checkpoints[2]!;
    const bytes = Buffer.from(original.text);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      stored.checkpoints[2] = { ...original, text: bytes.toString() };
      expect(told(await check(stored))).toEqual(['LOG-SIGNATURE 3']);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('a checkpoint filed under another size, put out of order, or of a fork', async () => {
    expect(told(await spoilt(({ checkpoints }) => checkpoints.splice(6, 1, { ...checkpoints[6]!, size: 599 })))).toEqual(['LOG-SIZE 599']);
    expect(told(await spoilt(({ checkpoints }) => checkpoints.push(checkpoints[3]!)))).toEqual(['LOG-SIZE 255']);
    const fork = signCheckpoint({ origin, size: 601, rootHash: new Uint8Array(32) }, [signer]);
    expect(told(await spoilt(({ checkpoints }) => checkpoints.splice(7, 0, { size: 601, text: fork })))).toEqual(['LOG-ROOT 601']);
  });

  it('a log signed by another key', async () => {
    const stored = storedLog(3);
    const report = await check(stored, { verifiers: [verifierKeyOf(signerKeyFromSeed(origin, new Uint8Array(32).fill(9)))] });
    expect(told(report)).toEqual(['LOG-SIGNATURE 0', 'LOG-SIGNATURE 1', 'LOG-SIGNATURE 3']);
  });

  it('any byte of any entry, wherever it lies', async () => {
    const stored = storedLog();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: SIZE - 1 }), fc.nat(), fc.boolean(), async (seq, at, inBody) => {
        const entry = stored.entries[seq]!;
        const target = inBody ? entry.body : entry.leafHash;
        const bit = at % (target.length * 8);
        target[bit >> 3]! ^= 1 << (bit & 7);
        const report = await check(stored);
        target[bit >> 3]! ^= 1 << (bit & 7);
        expect(report.ok).toBe(false);
        expect(report.firstBadSeq).toBe(seq);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a log that is wrong throughout', () => {
  it('is read up to 100 problems, and its sources are closed', async () => {
    const stored = storedLog();
    let read = 0;
    let closed = 0;
    function* watched<T>(items: T[]): Generator<T> {
      try {
        for (const item of items) {
          read++;
          yield item;
        }
      } finally {
        closed++;
      }
    }
    for (const entry of stored.entries) entry.body[0]! ^= 1;
    const report = await check(stored, { entries: watched(stored.entries), checkpoints: watched(stored.checkpoints) });
    expect(report).toMatchObject({ ok: false, complete: false, root: null, firstBadSeq: 0 });
    expect(report.problems).toHaveLength(100);
    expect(read).toBeLessThan(110);
    expect(closed).toBe(2);
  });

  it('passes on what the store itself throws', async () => {
    const stored = storedLog(300);
    const readTile = (): never => {
      throw new Error('disk');
    };
    await expect(check(stored, { readTile })).rejects.toThrow('disk');
  });
});
