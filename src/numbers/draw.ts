import { createCipheriv } from 'node:crypto';

/** Bytes of the key stream made at a time. */
const STREAM_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(STREAM_BYTES);

/**
 * Serials drawn evenly from all words of a length over an alphabet. The same seed draws the same ones, so that a replay of the journal grants what was
 * granted; who does not know the seed, 256 bits of the grant's own from a cryptographic generator, learns nothing of the next from those before.
 * AES-256 in counter mode makes the bytes; a byte that would favour some characters is passed over.
 */
export class Draw {
  private readonly cipher;
  private readonly alphabet: string;
  private readonly length: number;
  /** Bytes from here on are passed over. */
  private readonly fair: number;
  private bytes = Buffer.alloc(0);
  private at = 0;

  /** @param seed 32 bytes in hex. */
  constructor(seed: string, alphabet: string, length: number) {
    this.cipher = createCipheriv('aes-256-ctr', Buffer.from(seed, 'hex'), Buffer.alloc(16));
    this.alphabet = alphabet;
    this.length = length;
    this.fair = 256 - (256 % alphabet.length);
  }

  next(): string {
    let serial = '';
    while (serial.length < this.length) {
      if (this.at === this.bytes.length) {
        this.bytes = this.cipher.update(NOTHING);
        this.at = 0;
      }
      const byte = this.bytes[this.at++] as number;
      if (byte < this.fair) serial += this.alphabet[byte % this.alphabet.length];
    }
    return serial;
  }
}
