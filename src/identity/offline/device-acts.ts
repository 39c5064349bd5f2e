import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { canonicalJson } from '../../epcis/index.ts';

/** One act of a device without network (identity-wire.md §5). */
export type DeviceAct = {
  readonly device: string;
  /** 1, 2, 3 …: none is left out, none comes twice. */
  readonly counter: number;
  readonly act: Readonly<Record<string, unknown>>;
  /** When it was done, by the device's clock: ISO 8601 with zone. */
  readonly at: string;
  /** Ed25519 of the device's key, over the RFC 8785 JSON of the other members; base64. */
  readonly signature: string;
};

/** What a person vouches for on a device, by a key that they made there while it was online; else the device's word stands for them. */
export type DeviceSignature = {
  readonly person: string;
  readonly meaning: string;
  readonly reason?: string;
  readonly at: string;
  /** Which session of the device: two people do not share one within 3 s. */
  readonly session?: string;
  /** Ed25519 of the person's key on this device, over `toBeSigned`; base64. */
  readonly proof?: string;
};

/** Strict: what is no signature by the rules of RFC 8032 is none. */
function verify(signature: string, message: string, publicKey: string): boolean {
  try {
    const [bytes, key] = [Buffer.from(signature, 'base64'), Buffer.from(publicKey, 'base64')];
    return ed25519.verify(Uint8Array.from(bytes), new TextEncoder().encode(message), Uint8Array.from(key), { zip215: false });
  } catch {
    return false;
  }
}

/** Whether the device that is named made this act, and it is as it was made. */
export function isOfDevice({ signature, ...rest }: DeviceAct, publicKey: string): boolean {
  return verify(signature, canonicalJson(rest), publicKey);
}

/** What tells one act from another, whatever its order of members: SHA-256 of its RFC 8785 JSON, hex. */
export const digestOf = (act: unknown): string => createHash('sha256').update(canonicalJson(act)).digest('hex');

/** What a person signs on a device: which act, as the what-th of which device, when, and what for. */
export function toBeSigned({ device, counter, act }: Pick<DeviceAct, 'device' | 'counter' | 'act'>, signature: DeviceSignature): string {
  const { signatures: _, ...content } = act;
  const { person, meaning, reason, at, session } = signature;
  return canonicalJson({ act: digestOf(content), at, counter, device, meaning, person, reason, session });
}

export const isOfPerson = (act: Pick<DeviceAct, 'device' | 'counter' | 'act'>, signature: DeviceSignature, publicKey: string): boolean =>
  signature.proof !== undefined && verify(signature.proof, toBeSigned(act, signature), publicKey);

/** What a counter says, given those of the device that are on record already. */
export function judgeCounter(counter: number, known: readonly number[]): 'next' | 'repeats' | 'skips' {
  if (known.includes(counter)) return 'repeats';
  return counter === Math.max(0, ...known) + 1 ? 'next' : 'skips';
}
