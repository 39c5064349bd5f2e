import { timingSafeEqual } from 'node:crypto';
import { LotlineError } from '../errors.ts';
import { type CredentialChange, codeIsGone } from './credentials.ts';
import { BearerCache, type Principal } from './keys.ts';
import { AddressFailures, lockedUntil, UnknownLogins } from './lock-out.ts';
import type { NoteLogin, PersonCommand, PutPerson } from './person-commands.ts';
import type { PersonAnswer, PersonSecret } from './questions.ts';
import { checkSecret, digestOf, hashSecret, isSecret, newId, newSetupCode, newToken } from './secrets.ts';
import type { Signature } from './signature.ts';

/** What People needs of the rest of the house: look-ups in the store, and the one road by which commands become entries. */
export type PeopleStore = {
  list(by: { now: number; id?: string }): Promise<PersonAnswer[]>;
  withSecret(by: { login?: string; id?: string; now: number }): Promise<{ person: PersonAnswer; secret: PersonSecret } | null>;
  session(by: { hash: string; now: number }): Promise<{ id: string; expires: number; person: PersonAnswer } | null>;
  record(
    command: (PersonCommand & { live?: { kept: readonly CredentialChange[] } }) | CredentialChange,
    actor: string,
  ): Promise<{ done: boolean }>;
};

/** Somebody came too soon again: 429, with the seconds to wait. */
export class ComeLater extends LotlineError {
  readonly seconds: number;

  constructor(code: 'ACC-RATE' | 'ACC-LOCKED', what: string, seconds: number) {
    super(code, what, { fix: `Try again in ${seconds} seconds.` });
    this.seconds = seconds;
  }
}

/** A session lasts for a working day at most; a setup code over a weekend. */
const SESSION_MS = 8 * 60 * 60_000;
const SETUP_MS = 72 * 60 * 60_000;
/** Who acts when nobody is known to. */
const NOBODY = 'anonymous';
/** As long as its session is good, and never longer than this after it was looked up. */
const CACHE_MS = 10_000;

export type NewPerson = Omit<PutPerson, 'kind' | 'id'>;
export type PersonChange = Partial<Pick<PutPerson, 'name' | 'roles' | 'sites' | 'qualifications'>>;

/**
 * People, their secrets and sessions (domain.md §15, §17.3). Who somebody is and what they may do are entries; hashes of secrets, failures, sessions
 * are kept beside the journal. A wrong secret and an unknown login come to the same answer in the same time.
 */
export class People {
  private readonly store: PeopleStore;
  private readonly clock: () => number;
  private readonly addresses = new AddressFailures();
  private readonly unknown = new UnknownLogins();
  private readonly sessions: BearerCache;
  /** Attempts of one login come one after the other: many at once are no way around the lock. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(store: PeopleStore, clock: () => number = Date.now) {
    this.store = store;
    this.clock = clock;
    this.sessions = new BearerCache(CACHE_MS, clock);
  }

  async list(): Promise<PersonAnswer[]> {
    return await this.store.list({ now: this.clock() });
  }

  async find(id: string): Promise<PersonAnswer | null> {
    return (await this.store.list({ now: this.clock(), id }))[0] ?? null;
  }

  /** A person as a signature names them; null when there is nobody of this id. Also of those who have gone: they may have signed before, offline. */
  async standing(id: string): Promise<Pick<Signature, 'person' | 'name' | 'roles' | 'sites' | 'qualifications'> | null> {
    const person = await this.find(id);
    if (person === null) return null;
    const { name, roles, sites, qualifications } = person;
    return { person: id, name, roles, sites, qualifications };
  }

  /** Registers a person. The setup code, told here alone, lets them choose their secret. */
  async register(person: NewPerson, actor: string): Promise<{ personId: string; setupCode: string; expires: number }> {
    const id = newId('pe');
    const { code, change } = this.newSetup(id);
    await this.store.record({ kind: 'put-person', ...person, id, login: loginOf(person.login), live: { kept: [change] } }, actor);
    return { personId: id, setupCode: code, expires: change.expires };
  }

  /** False when there is nobody of this id, or they have gone. */
  async change(id: string, change: PersonChange, actor: string): Promise<boolean> {
    if (!(await this.isHere(id))) return false;
    const { done } = await this.store.record({ kind: 'change-person', id, ...change }, actor);
    this.sessions.forget(id);
    return done;
  }

  /** Ends a person: their sessions and signing tokens are good no more. What they signed stays. */
  async end(id: string, actor: string): Promise<boolean> {
    if (!(await this.isHere(id))) return false;
    const { done } = await this.store.record({ kind: 'end-person', id, live: { kept: [{ kind: 'end-sessions', person: id }] } }, actor);
    this.sessions.forget(id);
    return done;
  }

  /** Makes a new setup code: the secret that there was is good no more. Null when there is nobody of this id. */
  async renewSetup(
    id: string,
    reason: string | null,
    actor: string,
  ): Promise<{ personId: string; setupCode: string; expires: number } | null> {
    if (!(await this.isHere(id))) return null;
    const { code, change } = this.newSetup(id);
    await this.store.record(
      { kind: 'note-login', person: id, outcome: 'setup-code', ...(reason !== null && { reason }), live: { kept: [change] } },
      actor,
    );
    this.sessions.forget(id);
    return { personId: id, setupCode: code, expires: change.expires };
  }

  /** A person chooses their secret with the setup code, once. */
  async setSecret(id: string, { setupCode, secret }: { setupCode: string; secret: string }, address: string): Promise<void> {
    const now = this.clock();
    this.expectPatience(address, now);
    const known = await this.store.withSecret({ id, now });
    const code = digestOf(setupCode);
    const stored = known === null || known.person.ended !== null ? null : known.secret.setupCode;
    if (known === null || stored === null || !timingSafeEqual(Buffer.from(stored, 'hex'), Buffer.from(code, 'hex'))) {
      this.addresses.note(address, now);
      await this.note({ person: known?.person.id ?? null, outcome: 'failed' }, NOBODY);
      throw codeIsGone();
    }
    if ((known.secret.setupExpires ?? 0) <= now)
      throw new LotlineError('ACC-EXPIRED', 'the setup code has expired', { at: '/setupCode', fix: 'Ask an administrator for a new one.' });
    checkSecret(secret, known.person.login);
    const change: CredentialChange = { kind: 'put-secret', person: id, code, hash: await hashSecret(secret), at: now };
    await this.note({ person: id, outcome: 'secret-set' }, id, [change]);
    this.sessions.forget(id);
  }

  /** One fresh proof of who somebody is: their login and secret. ACC-DENIED where they do not agree, ACC-LOCKED after too often, ACC-RATE for an address. */
  async authenticate(
    login: string,
    secret: string,
    address: string,
  ): Promise<{ person: PersonAnswer; settled: readonly CredentialChange[] }> {
    this.expectPatience(address, this.clock());
    return await this.inTurn(loginOf(login), (name) => this.prove(name, secret, address));
  }

  /** Begins a session. */
  async logIn(login: string, secret: string, address: string): Promise<{ session: string; expires: number; person: PersonAnswer }> {
    const { person, settled } = await this.authenticate(login, secret, address);
    const created = this.clock();
    const [id, session, expires] = [newId('se'), newToken('ls'), created + SESSION_MS];
    const row = { id, hash: digestOf(session), person: person.id, created, expires };
    await this.note({ person: person.id, outcome: 'session', session: id }, person.id, [...settled, { kind: 'put-session', row }]);
    return { session, expires, person };
  }

  /** Ends the session that this principal bears; false for a key. */
  async logOut({ id, bearer }: Principal): Promise<boolean> {
    if (!bearer.startsWith('se_')) return false;
    await this.note({ person: id, outcome: 'session-ended', session: bearer }, id, [{ kind: 'end-session', id: bearer }]);
    this.sessions.forget(id);
    return true;
  }

  /** Who bears this session; null when it is unknown or has ended. */
  async principalOf(token: string): Promise<Principal | null> {
    const hash = digestOf(token);
    const now = this.clock();
    const known = this.sessions.get(hash);
    if (known !== null) return known;
    const session = await this.store.session({ hash, now });
    if (session === null || session.person.ended !== null) return null;
    const { id, name, roles, sites } = session.person;
    const principal: Principal = { id, name, roles, sites, bearer: session.id };
    this.sessions.put(hash, principal, session.expires - now);
    return principal;
  }

  private async prove(
    login: string,
    secret: string,
    address: string,
  ): Promise<{ person: PersonAnswer; settled: readonly CredentialChange[] }> {
    const now = this.clock();
    const known = await this.store.withSecret({ login, now });
    const until = known?.secret.lockedUntil ?? this.unknown.lockedUntil(login);
    if (until > now) throw new ComeLater('ACC-LOCKED', 'the account is locked after too many failures', Math.ceil((until - now) / 1000));
    const right = await isSecret(known?.secret.hash ?? null, secret);
    if (known !== null && right && known.person.ended === null) {
      const settled: CredentialChange[] =
        known.secret.failures === 0 ? [] : [{ kind: 'note-attempt', person: known.person.id, failed: false, at: now }];
      return { person: known.person, settled };
    }
    this.addresses.note(address, now);
    if (known === null) {
      this.unknown.note(login, now);
      await this.note({ person: null, outcome: 'failed' }, NOBODY);
    } else {
      const locks = lockedUntil(known.secret.failures + 1, now) !== null;
      const person = known.person.id;
      await this.note({ person, outcome: locks ? 'locked' : 'failed' }, NOBODY, [{ kind: 'note-attempt', person, failed: true, at: now }]);
    }
    throw new LotlineError('ACC-DENIED', 'login and secret do not belong together', {
      fix: 'Type both again; after five failures the account is locked for a while.',
    });
  }

  private expectPatience(address: string, now: number): void {
    const seconds = this.addresses.wait(address, now);
    if (seconds > 0) throw new ComeLater('ACC-RATE', 'too many attempts from this address have failed', seconds);
  }

  private async isHere(id: string): Promise<boolean> {
    const person = await this.find(id);
    return person !== null && person.ended === null;
  }

  private newSetup(person: string): { code: string; change: CredentialChange & { kind: 'put-setup' } } {
    const code = newSetupCode();
    return { code, change: { kind: 'put-setup', person, code: digestOf(code), expires: this.clock() + SETUP_MS } };
  }

  private async note(note: Omit<NoteLogin, 'kind'>, actor: string, kept: readonly CredentialChange[] = []): Promise<void> {
    await this.store.record({ kind: 'note-login', ...note, ...(kept.length > 0 && { live: { kept } }) }, actor);
  }

  private async inTurn<T>(name: string, work: (name: string) => Promise<T>): Promise<T> {
    const before = this.turns.get(name) ?? Promise.resolve();
    const mine = before.then(
      () => work(name),
      () => work(name),
    );
    const settled = mine.catch(() => undefined);
    this.turns.set(name, settled);
    try {
      return await mine;
    } finally {
      if (this.turns.get(name) === settled) this.turns.delete(name);
    }
  }
}

/** Logins are compared without case. */
export const loginOf = (login: string): string => login.trim().toLowerCase();
