import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LotlineError } from '../errors.ts';
import type { KeyAnswer } from './questions.ts';
import { allows, isRole, ROLE_NAMES } from './roles.ts';

/** Who sends a request: the id of the key or person, which is what entries and leaves name, and what it may do, and where. */
export type Principal = {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** Canonical keys; none: everywhere. */
  readonly sites: readonly string[];
  /** Id of what was borne: of the key, or of a person's session. */
  readonly bearer: string;
};

/** What Keys needs of the rest of the house: look-ups in the store, and the one road by which keys become entries. */
export type KeyStore = {
  byHash(hash: string): Promise<(KeyAnswer & { hash: string }) | null>;
  list(id?: string): Promise<KeyAnswer[]>;
  record(
    command:
      | { kind: 'grant-key'; id: string; name: string; roles: readonly string[]; sites?: readonly string[]; hash: string }
      | { kind: 'end-key'; id: string },
    actor: string,
  ): Promise<{ done: boolean }>;
};

/** Who acts when the program itself does. */
const SYSTEM = 'system';
/** The name of keys that come from LOTLINE_ADMIN_KEY. */
export const BOOTSTRAP_NAME = 'LOTLINE_ADMIN_KEY';
/** Keys remembered between requests; the store is asked again for the rest. */
const CACHE_MAX = 10_000;
/** After this long a key is looked up again, so that one ended by another process stops working. */
const CACHE_MS = 10_000;
const TOKEN_MAX = 512;

/**
 * API keys (domain.md §17.3): `lk_` and 256 random bits in base64url, told once; the store holds the SHA-256 alone. Granting and ending
 * go through the journal. A key that was ended never works again.
 */
export class Keys {
  private readonly store: KeyStore;
  private readonly cache = new BearerCache(CACHE_MS);

  constructor(store: KeyStore) {
    this.store = store;
  }

  /** Who holds this key; null for a key that is unknown or ended. */
  async principalOf(token: string): Promise<Principal | null> {
    if (token.length > TOKEN_MAX) return null;
    const hash = hashOf(token);
    const known = this.cache.get(hash);
    if (known !== null) return known;
    const key = await this.store.byHash(hash);
    // The index was asked for the hash; comparing again in constant time leaves nothing to learn from a near miss.
    if (key === null || key.ended !== null || !timingSafeEqual(Buffer.from(key.hash, 'hex'), Buffer.from(hash, 'hex'))) return null;
    const principal = { id: key.id, name: key.name, roles: key.roles, sites: key.sites, bearer: key.id };
    this.cache.put(hash, principal);
    return principal;
  }

  async list(): Promise<KeyAnswer[]> {
    return await this.store.list();
  }

  /** Makes a key; its secret is in the answer and nowhere else. `sites` are canonical keys; none: everywhere. */
  async grant(
    request: { name: string; roles: readonly string[]; sites?: readonly string[] },
    actor: string,
  ): Promise<{ id: string; key: string }> {
    const key = `lk_${randomBytes(32).toString('base64url')}`;
    return { id: await this.put(key, request, actor), key };
  }

  /** Ends a key: the next request that bears it is refused. False when no such key is in force. */
  async end(id: string, actor: string): Promise<boolean> {
    const [key] = await this.store.list(id);
    if (key === undefined || key.ended !== null) return false; // known before, so that nothing is recorded in vain
    const { done } = await this.store.record({ kind: 'end-key', id }, actor);
    this.cache.forget(id);
    return done;
  }

  /**
   * Sees to it that somebody can administer. With a bootstrap key given: it is granted, and the ones given before it are ended. Without:
   * when no admin key is in force, one is made, and its secret answered to be printed once.
   */
  async bootstrap(given: string | null): Promise<string | null> {
    const keys = await this.store.list();
    const inForce = keys.filter((key) => key.ended === null);
    if (given === null) {
      if (inForce.some((key) => allows(key.roles, 'administer'))) return null;
      return (await this.grant({ name: 'first admin', roles: ['admin'] }, SYSTEM)).key;
    }
    const mine = await this.store.byHash(hashOf(given));
    if (mine !== null && (mine.ended !== null || !allows(mine.roles, 'administer'))) {
      throw new LotlineError('CFG-VALUE', 'LOTLINE_ADMIN_KEY is a key that was ended, or that is no admin key', {
        at: 'LOTLINE_ADMIN_KEY',
        fix: 'Set it to a new random value.',
      });
    }
    if (mine === null) await this.put(given, { name: BOOTSTRAP_NAME, roles: ['admin'] }, SYSTEM);
    for (const key of inForce) if (key.name === BOOTSTRAP_NAME && key.id !== mine?.id) await this.end(key.id, SYSTEM);
    return null;
  }

  private async put(
    key: string,
    request: { name: string; roles: readonly string[]; sites?: readonly string[] },
    actor: string,
  ): Promise<string> {
    const unknown = request.roles.findIndex((role) => !isRole(role));
    if (unknown >= 0) {
      throw new LotlineError('REQ-FORM', `there is no role ${JSON.stringify(request.roles[unknown])}`, {
        at: `/roles/${unknown}`,
        fix: `Use ${ROLE_NAMES.join(', ')}.`,
      });
    }
    const id = `k_${randomBytes(9).toString('base64url')}`;
    const { name, roles, sites = [] } = request;
    const where = sites.length > 0 ? { sites: [...sites] } : {};
    await this.store.record({ kind: 'grant-key', id, name, roles: [...roles], ...where, hash: hashOf(key) }, actor);
    return id;
  }
}

/** Who bears what, remembered for a moment, by its hash. */
export class BearerCache {
  private readonly known = new Map<string, { principal: Principal; until: number }>();
  private readonly ms: number;
  private readonly clock: () => number;

  constructor(ms: number, clock: () => number = Date.now) {
    this.ms = ms;
    this.clock = clock;
  }

  get(hash: string): Principal | null {
    const known = this.known.get(hash);
    if (known !== undefined && known.until > this.clock()) return known.principal;
    this.known.delete(hash);
    return null;
  }

  /** For no longer than `ms`. */
  put(hash: string, principal: Principal, ms = this.ms): void {
    if (this.known.size >= CACHE_MAX) this.known.clear();
    this.known.set(hash, { principal, until: this.clock() + Math.min(ms, this.ms) });
  }

  /** Whatever this key or person bears is looked up again. */
  forget(id: string): void {
    for (const [hash, { principal }] of this.known) if (principal.id === id) this.known.delete(hash);
  }
}

const hashOf = (token: string): string => createHash('sha256').update(token, 'utf8').digest('hex');
