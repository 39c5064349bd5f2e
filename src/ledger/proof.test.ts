import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LotlineError } from '../errors.ts';
import { signCheckpoint } from './checkpoint.ts';
import { encodeLeaf } from './leaf.ts';
import { Frontier, hashesFrom, inclusionProof, leafHash } from './merkle.ts';
import { sha256Node, signFunctionNode, verifySignatureNode } from './node-crypto.ts';
import { cosign, formatVerifierKey, noteSigner, SIGNATURE_TYPE, signerKeyFromSeed, verifierKeyOf } from './note.ts';
import { formatProof, type Proof, parseProof, verifyProof } from './proof.ts';

const origin = 'lotline.example/plant1';
const logKey = signerKeyFromSeed(origin, new Uint8Array(32).fill(1));
const witnessKey = signerKeyFromSeed('witness.example/qa', new Uint8Array(32).fill(2), SIGNATURE_TYPE.cosignature);
const vkey = formatVerifierKey(logKey);
const leaves = Array.from({ length: 300 }, (_, i) =>
  encodeLeaf({ kind: 'event', recordTime: BigInt(i), actor: 'k_1', capture: 'c_1', bodyDigest: String(i).padStart(64, '0') }),
);
const leafHashes = leaves.map((leaf) => leafHash(leaf));

function proofOf(index: number, size: number): Proof {
  const frontier = new Frontier();
  const read = hashesFrom(frontier.append(leafHashes.slice(0, size)));
  const checkpoint = signCheckpoint({ origin, size, rootHash: frontier.root() }, [noteSigner(logKey, signFunctionNode(logKey))]);
  return { index, hashes: inclusionProof(index, size, read), checkpoint };
}
const proof = proofOf(137, 300);
const text = formatProof(proof);

describe('a proof in a file (c2sp.org/tlog-proof)', () => {
  it('has the form of the standard', () => {
    const lines = text.split('\n');
    expect(lines.slice(0, 2)).toEqual(['c2sp.org/tlog-proof@v1', 'index 137']);
    expect(lines.slice(2, 11).every((line) => /^[A-Za-z0-9+/]{43}=$/.test(line))).toBe(true);
    expect(lines.slice(11, 14)).toEqual(['', origin, '300']);
    expect(formatProof({ ...proof, extra: new Uint8Array([104, 105]) }).split('\n')[1]).toBe('extra aGk=');
  });

  it('verifies with nothing but the entry and the log’s key', () => {
    expect(verifyProof({ text, leaf: leaves[137]!, vkey })).toMatchObject({ valid: true, index: 137, checkpoint: { origin, size: 300 } });
    const only = formatProof(proofOf(0, 1));
    expect(only.split('\n').slice(1, 4)).toEqual(['index 0', '', origin]);
    expect(verifyProof({ text: only, leaf: leaves[0]!, vkey })).toMatchObject({ valid: true, index: 0 });
  });

  it('tells which witnesses stand for its checkpoint', () => {
    const noteText = proof.checkpoint.slice(0, proof.checkpoint.indexOf('\n\n') + 1);
    const cosigned = formatProof({ ...proof, checkpoint: proof.checkpoint + cosign(noteText, noteSigner(witnessKey), 1_700_000_000) });
    const verifiers = [verifierKeyOf(logKey), verifierKeyOf(witnessKey)];
    const answer = verifyProof({ text: cosigned, leaf: leaves[137]!, verifiers });
    expect(answer).toMatchObject({ valid: true, checkpoint: { cosignatures: [{ key: verifiers[1], time: 1_700_000_000 }] } });
    expect(verifyProof({ text: cosigned, leaf: leaves[137]!, vkey })).toMatchObject({ valid: true, checkpoint: { cosignatures: [] } });
    expect(verifyProof({ text: cosigned, leaf: leaves[137]!, verifiers: [verifiers[1]!] })).toMatchObject({ valid: false });
  });

  it('fails for every single-bit change of its text', () => {
    const bytes = Buffer.from(text);
    const fast = { vkey, hash: sha256Node, verify: verifySignatureNode };
    expect(verifyProof({ text, leaf: leaves[137]!, ...fast }).valid).toBe(true);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const answer = verifyProof({ text: bytes.toString(), leaf: leaves[137]!, ...fast });
      if (answer.valid) expect.unreachable(`bit ${bit} was overlooked`);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('fails for every single-bit change of the entry', () => {
    const fast = { vkey, hash: sha256Node, verify: verifySignatureNode };
    const leaf = new Uint8Array(leaves[137]!);
    for (let bit = 0; bit < leaf.length * 8; bit++) {
      leaf[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifyProof({ text, leaf, ...fast })).toEqual({
        valid: false,
        reason: expect.stringContaining('do not lead from this entry'),
      });
      leaf[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('verifies for random entries and sizes, and not for another entry', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), (size, n) => {
        const index = n % size;
        const some = formatProof(proofOf(index, size));
        expect(verifyProof({ text: some, leaf: leaves[index]!, vkey, verify: verifySignatureNode }).valid).toBe(true);
        expect(verifyProof({ text: some, leaf: leaves[(index + 1) % size]!, vkey, verify: verifySignatureNode }).valid).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('says why it is not valid', () => {
    const leaf = leaves[137]!;
    const reasonOf = (answer: ReturnType<typeof verifyProof>): string => (answer.valid ? 'valid' : answer.reason);
    expect(reasonOf(verifyProof({ text: formatProof({ ...proof, index: 300 }), leaf, vkey }))).toBe('The log had 300 entries, none at 300');
    expect(reasonOf(verifyProof({ text, leaf, vkey: vkey.slice(1) }))).toMatch(/does not follow from it/);
    const other = formatVerifierKey(signerKeyFromSeed(origin, new Uint8Array(32).fill(7)));
    expect(reasonOf(verifyProof({ text, leaf, vkey: other }))).toMatch(/no key that you trust has signed it/);
    expect(reasonOf(verifyProof({ text: text.replace('v1', 'v2'), leaf, vkey }))).toMatch(/line 1 is not/);
  });

  it('does not vouch for extra data', () => {
    const extra = formatProof({ ...proof, extra: new Uint8Array([1]) });
    expect(verifyProof({ text: extra, leaf: leaves[137]!, vkey }).valid).toBe(true);
    expect(parseProof(extra).extra).toEqual(new Uint8Array([1]));
  });

  it('is read back as it was written', () => {
    const any = fc.record(
      {
        index: fc.maxSafeNat(),
        hashes: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
        checkpoint: fc.constant(proof.checkpoint),
        extra: fc.uint8Array({ minLength: 1 }),
      },
      { requiredKeys: ['index', 'hashes', 'checkpoint'] },
    );
    fc.assert(
      fc.property(any, (p) => {
        expect(parseProof(formatProof(p))).toEqual(p);
      }),
    );
    expect(parseProof(formatProof({ ...proof, extra: new Uint8Array(0) }))).toEqual(proof);
  });

  const hashLine = text.split('\n')[2]!;
  it.each([
    ['another header', text.replace('@v1', '@v2')],
    ['no index', text.replace('index 137\n', '')],
    ['a leading zero', text.replace('index 137', 'index 0137')],
    ['extra data after the index', text.replace('index 137\n', 'index 137\nextra aGk=\n')],
    ['empty extra data', text.replace('index', 'extra \nindex')],
    ['extra data that is no base64', text.replace('index', 'extra aGk\nindex')],
    ['a short hash', text.replace(hashLine, 'aGk=')],
    ['64 hashes', text.replace(hashLine, Array(56).fill(hashLine).join('\n'))],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['no empty line', text.replaceAll('\n\n', '\n')],
    ['no signature', text.slice(0, text.indexOf('—'))],
    ['nothing', ''],
  ])('is refused with %s', (_, altered) => {
    expect(altered).not.toBe(text);
    expect(() => parseProof(altered)).toThrow(LotlineError);
    expect(verifyProof({ text: altered, leaf: leaves[137]!, vkey }).valid).toBe(false);
  });

  it('is not written of what it could not be read from', () => {
    const refused = expect.objectContaining({ code: 'LOG-INCLUSION' });
    expect(() => formatProof({ ...proof, index: -1 })).toThrow(refused);
    expect(() => formatProof({ ...proof, hashes: [new Uint8Array(31)] })).toThrow(refused);
    expect(() => formatProof({ ...proof, hashes: Array(64).fill(new Uint8Array(32)) })).toThrow(refused);
    expect(() => formatProof({ ...proof, checkpoint: 'x' })).toThrow(expect.objectContaining({ code: 'LOG-SIGNATURE' }));
  });

  it('throws nothing but a LotlineError when it is read, and nothing at all when it is verified', () => {
    const pieces = fc.array(
      fc.constantFrom(
        'c2sp.org/tlog-proof@v1',
        '\n',
        '\n\n',
        'index ',
        'index 1',
        'extra ',
        'aGk=',
        hashLine,
        proof.checkpoint,
        '—',
        '=',
        '\ud800',
      ),
    );
    fc.assert(
      fc.property(
        pieces.map((p) => p.join('')),
        (junk) => {
          expect(verifyProof({ text: junk, leaf: leaves[0]!, vkey }).valid).toBe(false);
          try {
            parseProof(junk);
          } catch (error) {
            expect(error).toBeInstanceOf(LotlineError);
            expect(['LOG-INCLUSION', 'LOG-SIGNATURE']).toContain((error as LotlineError).code);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
