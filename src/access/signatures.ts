import { LotlineError } from '../errors.ts';
import type { CredentialChange } from './credentials.ts';
import { noToken, tokenStale, tokenUsed } from './credentials.ts';
import type { Principal } from './keys.ts';
import type { People } from './people.ts';
import type { TokenAnswer } from './questions.ts';
import { digestOf, newId, newToken } from './secrets.ts';
import type { Signature } from './signature.ts';
import { administratorSigns, maySign, TOGETHER_MS } from './signing-rules.ts';

export type SignatureStore = {
  tokens(digests: readonly string[]): Promise<TokenAnswer[]>;
  record(change: CredentialChange, actor: string): Promise<{ done: boolean }>;
};

/** What is asked of who signs; `record` is the digest of what they see before them (contentDigest). */
export type Signing = {
  readonly login: string;
  readonly secret: string;
  readonly meaning: string;
  readonly reason?: string | undefined;
  readonly record?: string | undefined;
  /** The zone in which they sign, such as `+02:00`. */
  readonly offset?: string | undefined;
};

/** The tokens of one act at most. */
export const SIGNATURES_MAX = 10;

/**
 * Signing: one fresh authentication gives one token, good for one act within ten minutes (identity-wire.md §3). The act's entry carries the signature;
 * the token is used up in the act's transaction (`Live.tokens`).
 */
export class Signatures {
  private readonly store: SignatureStore;
  private readonly people: People;
  private readonly clock: () => number;

  constructor(store: SignatureStore, people: People, clock: () => number = Date.now) {
    this.store = store;
    this.people = people;
    this.clock = clock;
  }

  /** Proves who signs, and gives a token. `bearer` asks for it: two tokens of one bearer within 3 s are one person's. */
  async sign(
    asked: Signing,
    { id: actor, bearer }: Principal,
    address: string,
  ): Promise<{ token: string; expires: number; signature: string }> {
    const { person, settled } = await this.people.authenticate(asked.login, asked.secret, address);
    if (!maySign(person.roles, asked.meaning)) throw administratorSigns(asked.meaning, '/meaning');
    const at = this.clock();
    const { name, roles, sites, qualifications } = person;
    const signature: Signature = {
      id: newId('sg'),
      person: person.id,
      name,
      roles,
      sites,
      qualifications,
      meaning: asked.meaning,
      reason: asked.reason ?? null,
      at,
      offset: asked.offset ?? offsetHere(at),
      session: bearer,
    };
    const token = newToken('st');
    const expires = at + TOGETHER_MS;
    const row = {
      digest: digestOf(token),
      person: person.id,
      signature: JSON.stringify(signature),
      record: asked.record ?? null,
      created: at,
      expires,
      used: null,
    };
    for (const change of settled) await this.store.record(change, actor);
    await this.store.record({ kind: 'put-token', row }, actor);
    return { token, expires, signature: signature.id };
  }

  /** Whose token this is, by id. */
  async personOf(token: string): Promise<string> {
    const [known] = await this.store.tokens([digestOf(token)]);
    if (known === undefined) throw noToken('/signatures/0');
    return (JSON.parse(known.signature) as Signature).person;
  }

  /**
   * The signatures that these tokens stand for, in their order, and the digests by which the writer uses them up. `content` is the digest of the act
   * (contentDigest). SIG-MISSING for what is no token, SIG-USED, SIG-STALE for one that expired, is bound to another record, or whose person has gone.
   */
  async resolve(tokens: readonly string[], { content }: { content: string }): Promise<{ signatures: Signature[]; digests: string[] }> {
    if (tokens.length === 0) return { signatures: [], digests: [] };
    if (tokens.length > SIGNATURES_MAX)
      throw new LotlineError('REQ-FORM', `more than ${SIGNATURES_MAX} signatures`, { at: '/signatures', fix: 'Pass one token a person.' });
    const now = this.clock();
    const digests = tokens.map(digestOf);
    const known = new Map((await this.store.tokens(digests)).map((token) => [token.digest, token]));
    const signatures = digests.map((digest, i) => {
      const at = `/signatures/${i}`;
      const token = known.get(digest);
      if (token === undefined) throw noToken(at);
      if (token.used !== null || digests.indexOf(digest) < i) throw tokenUsed(at);
      if (token.expires <= now) throw tokenStale('has expired', at);
      if (token.ended) throw tokenStale('is of a person who has gone', at);
      if (token.record !== null && token.record !== content) throw tokenStale('is bound to another content than this', at);
      return JSON.parse(token.signature) as Signature;
    });
    return { signatures, digests };
  }
}

/** The zone of this program at a moment. */
function offsetHere(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  const two = (value: number) => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}
