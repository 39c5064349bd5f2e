/**
 * Chance from a seed: xoshiro128** (Blackman and Vigna), its state filled by splitmix32. Only integer steps and the four
 * basic operations, no Math.log and the like, so that a seed means the same bytes on every machine.
 */
export type Random = {
  /** 32 fresh bits. */
  u32: () => number;
  /** A whole number from 0 to n − 1. */
  below: (n: number) => number;
  /** A whole number from low to high, both included. */
  between: (low: number, high: number) => number;
  /** True in so many of a thousand cases. */
  perMille: (share: number) => boolean;
  pick: <T>(list: readonly T[]) => T;
  /** A lognormal duration in ms (sigma 0.6) around its median. */
  dwell: (medianMs: number) => number;
  /** `urn:uuid:…` with the version and variant bits of a random UUID (RFC 9562). */
  uuid: () => string;
  /** Chance of its own for one part of the world, so that a change there moves nothing elsewhere. */
  fork: (label: string) => Random;
};

/** exp(0.6 z) in thousandths at the 33 quantiles 0/32 … 32/32, the two ends cut at 1/256 and 255/256. */
const LOGNORMAL = [
  203, 327, 398, 453, 501, 546, 587, 628, 667, 706, 746, 786, 826, 867, 910, 954, 1000, 1048, 1099, 1153, 1211, 1273, 1341, 1415, 1499,
  1593, 1703, 1833, 1994, 2205, 2510, 3058, 4933,
] as const;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The stream of chance that belongs to a seed and a label. */
export function openRandom(seed: number, label: string): Random {
  let mixed = seed | 0;
  for (let i = 0; i < label.length; i++) mixed = scramble(mixed ^ label.charCodeAt(i));
  const fill = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0;
    return scramble(mixed);
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill() | 1; // never all zero: the one state that xoshiro cannot leave

  const u32 = (): number => {
    const times5 = Math.imul(b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const below = (n: number): number => Math.floor((u32() * n) / 0x1_0000_0000);
  return {
    u32,
    below,
    between: (low, high) => low + below(high - low + 1),
    perMille: (share) => below(1000) < share,
    pick: (list) => list[below(list.length)]!,
    dwell: (medianMs) => {
      const u = u32();
      const from = LOGNORMAL[u >>> 27]!;
      const to = LOGNORMAL[(u >>> 27) + 1]!;
      return Math.floor((medianMs * (from + ((to - from) * (u & 0x7ff_ffff)) / 0x800_0000)) / 1000);
    },
    uuid: () => {
      const [p, q, r, s] = [u32(), u32(), u32(), u32()];
      return `urn:uuid:${hex4(p)}-${hex2(q >>> 16)}-${hex2((q & 0x0fff) | 0x4000)}-${hex2(((r >>> 16) & 0x3fff) | 0x8000)}-${hex2(r & 0xffff)}${hex4(s)}`;
    },
    fork: (inner) => openRandom(seed, `${label}/${inner}`),
  };
}

/** The finisher of splitmix32: every bit of the input moves every bit of the result. */
export function scramble(value: number): number {
  let x = (value + 0x9e3779b9) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

const hex2 = (value: number): string => HEX[(value >>> 8) & 255]! + HEX[value & 255]!;
const hex4 = (value: number): string => hex2(value >>> 16) + hex2(value & 0xffff);
