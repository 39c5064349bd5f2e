import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LotlineError } from '../errors.ts';
import { decodeBase64, formatBase64, readDecimal } from './bytes.ts';
import { formatCheckpoint, parseCheckpoint, signCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { signFunctionNode, verifySignatureNode } from './node-crypto.ts';
import {
  cosign,
  formatNote,
  formatSignerKey,
  formatVerifierKey,
  keyIdOf,
  type NoteSigner,
  noteSigner,
  parseNote,
  parseSignerKey,
  parseVerifierKey,
  SIGNATURE_TYPE,
  type SignerKey,
  signerKeyFromSeed,
  signNote,
  verifierKeyOf,
  verifyNote,
  verifySignature,
} from './note.ts';

const refused = expect.objectContaining({ code: 'LOG-SIGNATURE' });
const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const log = signerKeyFromSeed('lotline.example/plant1', seed(1));
const witness = signerKeyFromSeed('witness.example/qa', seed(2), SIGNATURE_TYPE.cosignature);
const stranger = signerKeyFromSeed('elsewhere.example', seed(3));
const signer = (key: SignerKey): NoteSigner => noteSigner(key, signFunctionNode(key));
const keys = [verifierKeyOf(log), verifierKeyOf(witness)];
const checkpoint = { origin: log.name, size: 8, rootHash: new Uint8Array(32).fill(9) };
const text = formatCheckpoint(checkpoint);
const signed = signNote(text, [signer(log)]);

/** Every text that differs from `note` in one bit of its UTF-8 form, read as a careless reader would. */
function* bitChanges(note: string): Generator<string> {
  const bytes = Buffer.from(note);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    yield bytes.toString('utf8');
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
}

describe('a note signed elsewhere (the example of Go’s sumdb/note package documentation)', () => {
  const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const skey = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
  const words = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const note = `${words}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

  it('verifies, and is signed the same here', () => {
    expect(verifyNote(note, [parseVerifierKey(vkey)]).text).toBe(words);
    const key = parseSignerKey(skey);
    expect(formatVerifierKey(key)).toBe(vkey);
    expect(formatSignerKey(key)).toBe(skey);
    expect(signNote(words, [noteSigner(key)])).toBe(note);
    expect(signNote(words, [signer(key)])).toBe(note);
  });

  it('has the key id that follows from the name and key of sum.golang.org', () => {
    const published = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
    expect(formatVerifierKey(parseVerifierKey(published))).toBe(published);
  });
});

describe('keys', () => {
  it('are read back as they were written', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((n) => !/[\p{White_Space}\p{Cc}+]/u.test(n));
    const type = fc.constantFrom(...Object.values(SIGNATURE_TYPE));
    fc.assert(
      fc.property(name, fc.uint8Array({ minLength: 32, maxLength: 32 }), type, (n, s, t) => {
        const key = signerKeyFromSeed(n, s, t);
        expect(parseSignerKey(formatSignerKey(key))).toEqual(key);
        expect(parseVerifierKey(formatVerifierKey(key))).toEqual(verifierKeyOf(key));
      }),
      { numRuns: 40 },
    );
  });

  it('have another id for another kind of signature', () => {
    expect(keyIdOf('a', SIGNATURE_TYPE.note, seed(1))).not.toBe(keyIdOf('a', SIGNATURE_TYPE.cosignature, seed(1)));
  });

  it.each([
    '',
    'name',
    'name+00000000',
    `+${log.keyId}+${formatVerifierKey(log).split('+')[2]}`,
    formatVerifierKey(log).replace(log.keyId, '00000000'),
    formatVerifierKey(log).replace(log.keyId, log.keyId.toUpperCase()),
    formatVerifierKey(log).slice(0, -1),
    `${formatVerifierKey(log)}\n`,
    formatVerifierKey({ ...log, type: 2 as never }),
    formatVerifierKey({ ...log, publicKey: seed(1).slice(1) }),
    formatSignerKey(log),
  ])('are refused when their text is %j', (vkey) => {
    expect(() => parseVerifierKey(vkey)).toThrow(refused);
  });

  it('say nothing of the secret when a key file is refused', () => {
    const secret = formatBase64(new Uint8Array([1, ...seed(1)]));
    for (const skey of [formatSignerKey(log).replace(log.keyId, '00000000'), `${formatSignerKey(log)}=`, formatSignerKey(log).slice(8)]) {
      try {
        parseSignerKey(skey);
        expect.unreachable();
      } catch (error) {
        expect(error).toEqual(refused);
        expect(JSON.stringify((error as LotlineError).toProblem())).not.toContain(secret.slice(4, 20));
      }
    }
    expect(() => signerKeyFromSeed('a', seed(1).slice(1))).toThrow(refused);
    expect(() => signerKeyFromSeed('a b', seed(1))).toThrow(refused);
  });
});

describe('a signed note', () => {
  it('is read back as it was written', () => {
    const line = fc.string({ unit: 'grapheme' }).map((l) => l.replaceAll(/[\p{Cc}\p{Surrogate}]/gu, ''));
    const anyText = fc.array(line, { minLength: 1 }).map((lines) => `${lines.join('\n')}\n`);
    const signature = fc.record({
      name: fc.constantFrom('a', 'lotline.example/plant1', 'ä/ß'),
      keyId: fc.constantFrom('00000000', 'ffffffff', '0a1b2c3d'),
      signature: fc.uint8Array({ minLength: 1, maxLength: 100 }),
    });
    fc.assert(
      fc.property(anyText, fc.array(signature, { minLength: 1, maxLength: 16 }), (t, signatures) => {
        const note = { text: t, signatures };
        expect(parseNote(formatNote(note))).toEqual(note);
      }),
    );
  });

  it('verifies with the portable and the server’s verification alike', () => {
    for (const verify of [verifySignature, verifySignatureNode]) {
      expect(verifyNote(signed, keys, verify)).toEqual({ text, signatures: [{ key: keys[0] }] });
      expect(() => verifyNote(signed, [{ ...keys[0]!, publicKey: seed(0xff) }], verify)).toThrow(/wrong/);
    }
  });

  it('fails for every single-bit change', () => {
    let count = 0;
    for (const changed of bitChanges(signed)) {
      expect(() => verifyCheckpoint(changed, keys, verifySignatureNode)).toThrow(refused);
      count++;
    }
    expect(count).toBe(Buffer.byteLength(signed) * 8);
  });

  it('fails for random single-bit changes under the portable verification too', () => {
    const changes = [...bitChanges(signed)];
    fc.assert(
      fc.property(fc.nat({ max: changes.length - 1 }), (which) => {
        expect(() => verifyCheckpoint(changes[which]!, keys)).toThrow(refused);
      }),
    );
  });

  it('may bear signatures of unknown keys, which count for nothing', () => {
    const both = signNote(text, [signer(stranger), signer(log)]);
    expect(verifyNote(both, keys).signatures).toEqual([{ key: keys[0] }]);
    expect(() => verifyNote(signNote(text, [signer(stranger)]), keys)).toThrow(/no key that you trust/);
  });

  it('is not taken for signed by a known key when only the name or only the id is the same', () => {
    const sameName = signerKeyFromSeed(log.name, seed(4));
    const forged = parseNote(signNote(text, [signer(sameName)])).signatures[0]!;
    const sameId = { ...forged, name: 'other.example', keyId: log.keyId };
    const note = (extra: typeof forged): string => formatNote({ text, signatures: [extra, ...parseNote(signed).signatures] });
    expect(verifyNote(note(forged), keys).signatures).toEqual([{ key: keys[0] }]);
    expect(verifyNote(note(sameId), keys).signatures).toEqual([{ key: keys[0] }]);
    expect(() => verifyNote(note({ ...forged, keyId: log.keyId }), keys)).toThrow(/wrong/);
  });

  it('is refused for one bad signature by a known key, wherever a good one stands', () => {
    const good = parseNote(signed).signatures[0]!;
    const bad = { ...good, signature: good.signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) };
    for (const signatures of [[bad], [good, bad], [bad, good], [good, { ...good, signature: good.signature.slice(1) }]])
      expect(() => verifyNote(formatNote({ text, signatures }), keys)).toThrow(/is wrong/);
    expect(verifyNote(formatNote({ text, signatures: [good, good] }), keys).signatures).toHaveLength(1);
  });

  it('may bear 16 signatures, and 100, but not more', () => {
    const line = parseNote(signNote(text, [signer(stranger)])).signatures[0]!;
    const own = parseNote(signed).signatures[0]!;
    for (const count of [15, 99])
      expect(verifyNote(formatNote({ text, signatures: [...Array(count).fill(line), own] }), keys).text).toBe(text);
    expect(() => verifyNote(formatNote({ text, signatures: [...Array(100).fill(line), own] }), keys)).toThrow(/more than 100/);
  });

  it.each([
    ['no empty line', signed.replace('\n\n', '\n')],
    ['no signature', `${text}\n`],
    ['no last newline', signed.slice(0, -1)],
    ['a line after the signatures', `${signed}x\n`],
    ['CRLF', signed.replaceAll('\n', '\r\n')],
    ['a tab', `a\tb\n\n${signed.split('\n\n')[1]}`],
    ['half a surrogate pair', `a\ud800b\n\n${signed.split('\n\n')[1]}`],
    ['a hyphen for the dash', signed.replace('—', '-')],
    ['two spaces', signed.replace('— ', '—  ')],
    ['a signature that is no base64', signed.replace(/.=\n$/, '\n')],
    ['a signature of a key id only', `${text}\n— ${log.name} AAAAAA==\n`],
    ['padding bits that are not zero', signed.replace(/(.)=\n$/, (_, c: string) => `${String.fromCharCode(c.charCodeAt(0) + 1)}=\n`)],
    ['a key name with plus', `${text}\n— a+b AAAAAAA=\n`],
    ['more than a megabyte', `${'x'.repeat(1_048_577)}\n`],
  ])('is refused with %s', (_, note) => {
    expect(note).not.toBe(signed);
    expect(() => verifyNote(note, keys)).toThrow(refused);
  });

  it('is not made of a text without its newline, without a key, or with a witness’s key', () => {
    expect(() => signNote('a', [signer(log)])).toThrow(refused);
    expect(() => signNote('a\n', [])).toThrow(refused);
    expect(() => signNote('a\r\n', [signer(log)])).toThrow(refused);
    expect(() => signNote(text, [signer(witness)])).toThrow(/type 4/);
  });

  it('never throws anything but a LotlineError, whatever it is made of', () => {
    const pieces = fc.array(
      fc.constantFrom('—', ' ', '\n', '\n\n', 'a', log.name, '8', text, signed, 'AAAAAAA=', '=', '+', '\ud83d', '0', '\r'),
    );
    const junk = fc.oneof(
      pieces.map((p) => p.join('')),
      fc.string({ unit: 'binary' }),
      fc.uint8Array().map((b) => Buffer.from(b).toString('latin1')),
    );
    const readers = [
      parseNote,
      parseCheckpoint,
      parseVerifierKey,
      parseSignerKey,
      (t: string) => verifyNote(t, keys),
      (t: string) => verifyCheckpoint(t, keys),
    ];
    fc.assert(
      fc.property(junk, (t) => {
        for (const reader of readers) {
          try {
            reader(t);
          } catch (error) {
            expect(error).toBeInstanceOf(LotlineError);
            expect(error).toEqual(refused);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a checkpoint', () => {
  it('is read back as it was written', () => {
    const any = fc.record({
      origin: fc.string({ minLength: 1, unit: 'grapheme' }).filter((o) => !/[\p{Cc}\p{Surrogate}]/u.test(o)),
      size: fc.maxSafeNat(),
      rootHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    });
    fc.assert(
      fc.property(any, (c) => {
        expect(parseCheckpoint(formatCheckpoint(c))).toEqual(c);
      }),
    );
  });

  const root = formatBase64(checkpoint.rootHash);
  it.each([
    ['a leading zero', `${log.name}\n08\n${root}\n`],
    ['a sign', `${log.name}\n+8\n${root}\n`],
    ['hexadecimal', `${log.name}\n0x8\n${root}\n`],
    ['a size that no number holds', `${log.name}\n9007199254740992\n${root}\n`],
    ['no size', `${log.name}\n\n${root}\n`],
    ['CRLF', `${log.name}\r\n8\r\n${root}\r\n`],
    ['a short hash', `${log.name}\n8\n${formatBase64(checkpoint.rootHash.slice(1))}\n`],
    ['a long hash', `${log.name}\n8\n${formatBase64(new Uint8Array(33))}\n`],
    ['a hash without padding', `${log.name}\n8\n${root.slice(0, -1)}\n`],
    ['base64url', `${log.name}\n8\n${formatBase64(new Uint8Array(32).fill(255)).replaceAll('/', '_')}\n`],
    ['no last newline', `${log.name}\n8\n${root}`],
    ['an extension line', `${text}more\n`],
    ['an empty origin', `\n8\n${root}\n`],
    ['nothing', ''],
  ])('is refused with %s', (_, altered) => {
    expect(() => parseCheckpoint(altered)).toThrow(refused);
  });

  it('is not written of what it could not be read from', () => {
    for (const wrong of [
      { origin: '' },
      { origin: 'a\nb' },
      { size: -1 },
      { size: 1.5 },
      { size: 2 ** 53 },
      { rootHash: new Uint8Array(31) },
    ])
      expect(() => formatCheckpoint({ ...checkpoint, ...wrong })).toThrow(refused);
  });

  it('counts when the log itself has signed it, under its own origin', () => {
    expect(verifyCheckpoint(signCheckpoint(checkpoint, [signer(log)]), keys)).toMatchObject({ ...checkpoint, text, cosignatures: [] });
    const foreign = signCheckpoint({ ...checkpoint, origin: 'other.example/log' }, [signer(log)]);
    expect(() => verifyCheckpoint(foreign, keys)).toThrow(/no key of other.example\/log/);
    const witnessOnly = `${text}\n${cosign(text, signer(witness), 1_679_315_147)}`;
    expect(verifyNote(witnessOnly, keys).signatures).toHaveLength(1);
    expect(() => verifyCheckpoint(witnessOnly, keys)).toThrow(refused);
  });
});

describe('a witness’s cosignature (cosignature/v1)', () => {
  const time = 1_679_315_147;
  const cosigned = signed + cosign(text, signer(witness), time);

  it('is over its header, its time and the text, and tells its time', () => {
    const line = parseNote(cosigned).signatures[1]!;
    expect(line.signature).toHaveLength(72);
    const message = Buffer.from(`cosignature/v1\ntime 1679315147\n${text}`);
    expect(verifySignature(line.signature.subarray(8), message, witness.publicKey)).toBe(true);
    expect(verifyCheckpoint(cosigned, keys).cosignatures).toEqual([{ key: keys[1], time }]);
  });

  it('fails for every single-bit change, its time included', () => {
    const line = parseNote(cosigned).signatures[1]!;
    for (let bit = 0; bit < 72 * 8; bit++) {
      const signature = line.signature.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      const note = formatNote({ text, signatures: [parseNote(signed).signatures[0]!, { ...line, signature }] });
      expect(() => verifyCheckpoint(note, keys, verifySignatureNode)).toThrow(/witness.example\/qa .* is wrong/);
    }
  });

  it('counts once for each witness, with its latest time', () => {
    const later = cosigned + cosign(text, signer(witness), time + 60) + cosign(text, signer(witness), time + 30);
    expect(verifyCheckpoint(later, keys).cosignatures).toEqual([{ key: keys[1], time: time + 60 }]);
  });

  it('is not made with a log’s key, nor at a time that is none', () => {
    expect(() => cosign(text, signer(log), time)).toThrow(/type 1/);
    for (const wrong of [-1, 0.5, Number.NaN]) expect(() => cosign(text, signer(witness), wrong)).toThrow(refused);
  });
});

describe('base64 and decimals', () => {
  it('have one form for each value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(formatBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(decodeBase64(formatBase64(bytes))).toEqual(bytes);
      }),
    );
    const nearly = fc.array(fc.constantFrom('A', 'B', '/', '+', '=', '-', 'é', ' '), { maxLength: 9 }).map((c) => c.join(''));
    fc.assert(
      fc.property(nearly, (t) => {
        const bytes = decodeBase64(t);
        expect(bytes === undefined || formatBase64(bytes) === t).toBe(true);
        expect(bytes !== undefined).toBe(Buffer.from(t, 'base64').toString('base64') === t);
      }),
      { numRuns: 1000 },
    );
    expect(['', '00', '01', '1e3', ' 1', '1.0', '-0', '١', '9007199254740992'].map(readDecimal)).toEqual(Array(9).fill(undefined));
    expect(['0', '10', '9007199254740991'].map(readDecimal)).toEqual([0, 10, Number.MAX_SAFE_INTEGER]);
  });
});
