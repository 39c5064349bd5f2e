import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../epcis/index.ts';
import { type DeviceAct, isOfDevice, isOfPerson, judgeCounter, toBeSigned } from './device-acts.ts';
import { openCapsule, sealCapsule } from './sealing.ts';
import { makeVerifier, matches } from './verifiers.ts';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const device = ed25519.keygen();
const other = ed25519.keygen();
const publicKey = base64(device.publicKey);
const HEAD = { v: 1, capsuleId: 'cp_1', device: 'dv_1', sealedAt: '2026-05-04T12:00:00Z', validUntil: '2026-05-05T12:00:00Z' } as const;

describe('a capsule (identity-wire.md §5)', () => {
  const content = { orders: [{ orderId: 'or_1', coiId: 'CHA999925AB12C4' }] };
  const sealed = sealCapsule(content, { ...HEAD, publicKey });

  it('is opened by its device', () => {
    expect(openCapsule(sealed, device.secretKey)).toEqual(content);
  });

  it('is opened by no other, and shows nothing of what is in it', () => {
    expect(() => openCapsule(sealed, other.secretKey)).toThrow();
    expect(JSON.stringify(sealed)).not.toContain('or_1');
    expect(Buffer.from(sealed.content, 'base64').toString('latin1')).not.toContain('or_1');
  });

  it.each([
    { validUntil: '2027-05-05T12:00:00Z' },
    { device: 'dv_2' },
    { capsuleId: 'cp_2' },
    { sealedAt: '2026-05-04T12:00:01Z' },
    { content: `A${sealed.content.slice(1)}` === sealed.content ? `B${sealed.content.slice(1)}` : `A${sealed.content.slice(1)}` },
  ])('is not opened when anything of it was changed: %j', (change) => {
    expect(() => openCapsule({ ...sealed, ...change }, device.secretKey)).toThrow();
  });

  it('is another one every time', () => {
    const again = sealCapsule(content, { ...HEAD, publicKey });
    expect([again.epk, again.nonce, again.content]).not.toEqual([sealed.epk, sealed.nonce, sealed.content]);
  });

  it.each(['', 'AAAA', base64(new Uint8Array(32)), base64(new Uint8Array(33).fill(1)), base64(new Uint8Array(32).fill(255))])(
    'is sealed to no key that is none: %j',
    (key) => {
      expect(() => sealCapsule(content, { ...HEAD, publicKey: key })).toThrow(
        expect.objectContaining({ code: 'REQ-FORM', at: '/publicKey' }),
      );
    },
  );
});

describe('what a device compares with', () => {
  it('tells the right value, and says nothing of it', () => {
    const verifier = makeVerifier('1961-02-03', 1_000);
    expect(matches(verifier, '1961-02-03')).toBe(true);
    expect(matches(verifier, '1961-02-04')).toBe(false);
    expect(JSON.stringify(verifier)).not.toContain('1961');
    expect(makeVerifier('1961-02-03', 1_000).hash).not.toBe(verifier.hash);
  });
});

describe('an offline act', () => {
  const unsigned = { device: 'dv_1', counter: 1, act: { kind: 'check', checkpoint: 'bedside' }, at: '2026-05-04T14:00:00+02:00' };
  const sign = (what: object, key = device.secretKey) => base64(ed25519.sign(new TextEncoder().encode(canonicalJson(what)), key));
  const act: DeviceAct = { ...unsigned, signature: sign(unsigned) };

  it('is its device’s', () => {
    expect(isOfDevice(act, publicKey)).toBe(true);
  });

  it.each([
    ['another device’s key', { ...act, signature: sign(unsigned, other.secretKey) }],
    ['another time', { ...act, at: '2026-05-04T14:00:01+02:00' }],
    ['another counter', { ...act, counter: 2 }],
    ['another content', { ...act, act: { kind: 'check', checkpoint: 'thaw' } }],
    ['no signature', { ...act, signature: '' }],
    ['a signature that is too short', { ...act, signature: 'AAAA' }],
  ])('is not, with %s', (_, changed) => {
    expect(isOfDevice(changed, publicKey)).toBe(false);
  });

  it('bears what people signed with their own keys', () => {
    const signature = { person: 'p1', meaning: 'verified_identity', at: unsigned.at, session: 'a' };
    const proof = base64(ed25519.sign(new TextEncoder().encode(toBeSigned(unsigned, signature)), other.secretKey));
    expect(isOfPerson(unsigned, { ...signature, proof }, base64(other.publicKey))).toBe(true);
    expect(isOfPerson(unsigned, { ...signature, person: 'p2', proof }, base64(other.publicKey))).toBe(false);
    expect(isOfPerson({ ...unsigned, counter: 2 }, { ...signature, proof }, base64(other.publicKey))).toBe(false);
    expect(isOfPerson(unsigned, signature, base64(other.publicKey))).toBe(false);
    expect(isOfPerson(unsigned, { ...signature, proof }, publicKey)).toBe(false);
  });

  it.each([
    [1, [], 'next'],
    [2, [], 'skips'],
    [3, [1, 2], 'next'],
    [2, [1, 2], 'repeats'],
    [5, [1, 2], 'skips'],
  ])('numbered %d after %j: %s', (counter, known, expected) => {
    expect(judgeCounter(counter, known)).toBe(expected);
  });
});
