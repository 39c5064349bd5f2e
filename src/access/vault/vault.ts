import { randomBytes, timingSafeEqual } from 'node:crypto';
import { LotlineError } from '../../errors.ts';
import type { VaultErasureRow, VaultLinkRow, VaultRow, VaultSaltRow, VaultTokenRow } from '../../store/rows.ts';
import { canonicalValue, memberOf } from './canonical.ts';
import type { ErasureClass, VaultChange } from './changes.ts';
import { hmac, newDataKey, newRef, openBytes, sealBytes } from './cipher.ts';
import type { MasterKey } from './master-key.ts';
import { wordsOfIdentity, wordsOfText } from './words.ts';

/** Who somebody is: `name`, `birthDate`, `recordNumber` and whatever else is known, all texts. */
export type Identity = Readonly<Record<string, string>>;

/** What the vault asks of the store. */
export type VaultStore = {
  row(ref: string): Promise<VaultRow | null>;
  salt(ref: string, commitment: string): Promise<VaultSaltRow | null>;
  links(ref: string): Promise<VaultLinkRow[]>;
  knows(tokens: readonly string[]): Promise<boolean>;
  inUse(): Promise<boolean>;
  erasures(): Promise<VaultErasureRow[]>;
};

/** Members by which somebody is reached: a class of its own, for they may be erased while the link to the product must be kept (domain.md §18.4). */
export const isContact = (member: string): boolean => CONTACT.test(member);
const CONTACT = /phone|mobile|telefax|^fax|e-?mail|address|street|postal|^city$|^town$|contact|next_?of_?kin|relative|guardian/i;

const SALT_BYTES = 32;
/** Purposes for which the identity of somebody restricted may still be read. */
const DESPITE_RESTRICTION: ReadonlySet<string> = new Set(['traceability']);

/**
 * The identity vault (domain.md §18.4): who patients and donors are, each under a random 256-bit data key of their own, which the master key wraps. Events
 * and acts hold references and commitments alone. It changes nothing by itself: it answers changes to be kept with the command that tells of them.
 */
export class Vault {
  private readonly key: () => MasterKey;
  private readonly store: VaultStore;

  constructor(key: () => MasterKey, store: VaultStore) {
    this.key = key;
    this.store = store;
  }

  /** Identity in, pseudonym out. Members that are no contact details are at least one. */
  seal(kind: 'patient' | 'donor', identity: Identity): { ref: string; kept: VaultChange[] } {
    const ref = newRef(kind);
    const { check } = this.key();
    return {
      ref,
      kept: [{ kind: 'vault', do: 'put', row: this.sealed(ref, kind, identity, 1), tokens: this.tokens(ref, identity), check }],
    };
  }

  /** Another version of the same person's identity, under the same data keys: commitments to values of the old one can still be opened. */
  async rectify(ref: string, identity: Identity): Promise<{ version: number; kept: VaultChange[] }> {
    const was = await this.open(ref);
    const { check } = this.key();
    const row = this.sealed(ref, was.row.kind, identity, was.row.version + 1, was);
    return {
      version: row.version,
      kept: [
        {
          kind: 'vault',
          do: 'rectify',
          from: was.row.version,
          row: { ...row, state: was.row.state },
          tokens: this.tokens(ref, identity),
          check,
        },
      ],
    };
  }

  /** VLT-ERASED where nothing is left, VLT-RESTRICTED where reading is restricted and `purpose` is no traceability; NOT-FOUND for nobody. */
  async read(ref: string, purpose = ''): Promise<Identity> {
    const { row, data, contact } = await this.open(ref);
    if (row.state === 'restricted' && !DESPITE_RESTRICTION.has(purpose))
      throw new LotlineError('VLT-RESTRICTED', `the identity of ${ref} is restricted: it is kept for traceability alone`, {
        at: 'X-Purpose',
        fix: 'Read it for traceability, or not at all.',
      });
    return {
      ...(opened(data, row.sealed as string, `${ref} sealed`) as Identity),
      ...(contact !== null && (opened(contact, row.contact_sealed as string, `${ref} contact`) as Identity)),
    };
  }

  /**
   * Whether what was read from a wristband or from paper is this person's. Restriction does not stand against it: it tells nobody's identity, and the
   * patient who is there has to be the right one. Someone whose record lacks the member does not match.
   */
  async compare(ref: string, identifier: string, value: string): Promise<boolean> {
    const { row, data, contact } = await this.open(ref);
    const member = memberOf(identifier);
    const side = isContact(member) ? contact : data;
    const sealed = isContact(member) ? row.contact_sealed : row.sealed;
    const identity =
      side === null || sealed === null ? {} : (opened(side, sealed, `${ref} ${isContact(member) ? 'contact' : 'sealed'}`) as Identity);
    const stored = Object.hasOwn(identity, member) ? (identity[member] as string) : null;
    const key = randomBytes(SALT_BYTES);
    const same = timingSafeEqual(hmac(key, canonicalValue(identifier, stored ?? '')), hmac(key, canonicalValue(identifier, value)));
    return same && stored !== null;
  }

  /** `hmac:` and the HMAC-SHA-256 of the canonical value under a random 256-bit salt, which is kept under the person's data key. */
  async commit(ref: string, identifier: string, value: string): Promise<{ commitment: string; kept: VaultChange[] }> {
    const { data } = await this.open(ref);
    const salt = randomBytes(SALT_BYTES);
    const commitment = commitmentOf(salt, identifier, value);
    const sealed = sealBytes(data, Buffer.from(JSON.stringify([salt.toString('base64url'), identifier])), `${ref} ${commitment}`);
    return { commitment, kept: [{ kind: 'vault', do: 'salt', rows: [{ commitment, ref, sealed }] }] };
  }

  /** Opens a commitment for who is entitled: whether it stands for the value. NOT-FOUND where it is none of this person's, VLT-ERASED once its salt is destroyed. */
  async verify(ref: string, commitment: string, value: string): Promise<boolean> {
    const { data } = await this.open(ref);
    const row = await this.store.salt(ref, commitment);
    if (row === null)
      throw new LotlineError('NOT-FOUND', 'this person has no such commitment', {
        at: '/commitment',
        fix: 'Take it from an act about this person.',
      });
    const [salt, identifier] = opened(data, row.sealed, `${ref} ${commitment}`) as [string, string];
    const expected = Buffer.from(commitmentOf(Buffer.from(salt, 'base64url'), identifier, value));
    const given = Buffer.from(commitment);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  /** Commits to the one pair, in either order, so that the entry names neither; each of the two is told the other (INV-04: nothing merges). */
  async link(a: string, b: string): Promise<{ id: string; kept: VaultChange[] }> {
    const [one, other] = [await this.open(a), await this.open(b)];
    const salt = randomBytes(SALT_BYTES);
    const id = `hmac:${hmac(salt, [a, b].sort().join(' ')).toString('hex')}`;
    const told = (ref: string, key: Uint8Array, its: string): VaultLinkRow => ({
      ref,
      id,
      sealed: sealBytes(key, Buffer.from(JSON.stringify([its, salt.toString('base64url')])), `${ref} ${id}`),
    });
    return { id, kept: [{ kind: 'vault', do: 'link', rows: [told(a, one.data, b), told(b, other.data, a)] }] };
  }

  /** Other references of the same person, so that scheduling can warn (C-12): one step of links. Of somebody erased, none. */
  async linked(ref: string): Promise<string[]> {
    const rows = await this.store.links(ref);
    if (rows.length === 0) return [];
    const { data } = await this.open(ref);
    return rows.map(({ id, sealed }) => (opened(data, sealed, `${ref} ${id}`) as [string, string])[0]).sort();
  }

  erase(ref: string, of: ErasureClass, erasureId: string): VaultChange[] {
    return [{ kind: 'vault', do: 'erase', ref, class: of, erasureId }];
  }

  restrict(ref: string): VaultChange[] {
    return [{ kind: 'vault', do: 'restrict', ref }];
  }

  /** Null for a reference that nobody has. */
  async state(ref: string): Promise<VaultRow['state'] | null> {
    return (await this.store.row(ref))?.state ?? null;
  }

  async erasures(): Promise<VaultErasureRow[]> {
    return await this.store.erasures();
  }

  /** Whether there is anybody to be found. */
  async inUse(): Promise<boolean> {
    return await this.store.inUse();
  }

  /** Whether words or numbers of a known person stand in these texts (INV-27); never whose. Texts with too many words to look up count as found. */
  async finds(...texts: readonly string[]): Promise<boolean> {
    if (!(await this.store.inUse())) return false;
    const words = wordsOfText(texts);
    if (words === null) return true;
    if (words.length === 0) return false;
    const { index } = this.key();
    for (let from = 0; from < words.length; from += LOOKED_UP_AT_ONCE)
      if (await this.store.knows(words.slice(from, from + LOOKED_UP_AT_ONCE).map((word) => tokenOf(index, word)))) return true;
    return false;
  }

  private tokens(ref: string, identity: Identity): VaultTokenRow[] {
    const { index } = this.key();
    const all = (contact: boolean) =>
      wordsOfIdentity(Object.fromEntries(Object.entries(identity).filter(([member]) => isContact(member) === contact))).map((word) => ({
        token: tokenOf(index, word),
        ref,
        contact: contact ? 1 : 0,
      }));
    const own = all(false);
    const known = new Set(own.map(({ token }) => token));
    return [...own, ...all(true).filter(({ token }) => !known.has(token))];
  }

  private sealed(
    ref: string,
    kind: 'patient' | 'donor',
    identity: Identity,
    version: number,
    keys?: { data: Buffer; contact: Buffer | null },
  ): VaultRow {
    const { wrap } = this.key();
    const entries = Object.entries(identity);
    const contacts = entries.filter(([member]) => isContact(member));
    const data = keys?.data ?? newDataKey();
    const contact = contacts.length === 0 ? null : (keys?.contact ?? newDataKey());
    const side = (key: Buffer, members: [string, string][], name: string) =>
      sealBytes(key, Buffer.from(JSON.stringify(Object.fromEntries(members))), `${ref} ${name}`);
    return {
      ref,
      kind,
      state: 'open',
      version,
      wrapped: sealBytes(wrap, data, `${ref} wrapped`),
      sealed: side(
        data,
        entries.filter(([member]) => !isContact(member)),
        'sealed',
      ),
      contact_wrapped: contact === null ? null : sealBytes(wrap, contact, `${ref} contact_wrapped`),
      contact_sealed: contact === null ? null : side(contact, contacts, 'contact'),
    };
  }

  private async open(ref: string): Promise<{ row: VaultRow; data: Buffer; contact: Buffer | null }> {
    const row = await this.store.row(ref);
    if (row === null)
      throw new LotlineError('NOT-FOUND', 'the vault has nobody of this reference', {
        at: '{ref}',
        fix: 'Give a patientRef or donorRef of this store.',
      });
    if (row.state === 'erased' || row.wrapped === null)
      throw new LotlineError('VLT-ERASED', `the identity of ${ref} was erased`, {
        at: '{ref}',
        fix: 'Nobody can bring it back; go by the reference alone.',
      });
    const { wrap } = this.key();
    return {
      row,
      data: openBytes(wrap, row.wrapped, `${ref} wrapped`),
      contact: row.contact_wrapped === null ? null : openBytes(wrap, row.contact_wrapped, `${ref} contact_wrapped`),
    };
  }
}

/** Words looked up with one question. */
const LOOKED_UP_AT_ONCE = 20_000;

const tokenOf = (index: Uint8Array, word: string): string => hmac(index, word).subarray(0, 18).toString('base64url');
const commitmentOf = (salt: Uint8Array, identifier: string, value: string): string =>
  `hmac:${hmac(salt, `${memberOf(identifier)}\n${canonicalValue(identifier, value)}`).toString('hex')}`;
const opened = (key: Uint8Array, sealed: string, boundTo: string): unknown => JSON.parse(openBytes(key, sealed, boundTo).toString('utf8'));
