import { describe, expect, it } from 'vitest';
import { ENGINES, storeOf } from '../../../test/support/test-store.ts';
import { carryOut } from '../../capture/commands.ts';
import type { VaultChange } from './changes.ts';
import { masterKey } from './master-key.ts';
import { vaultErasures, vaultInUse, vaultKnows, vaultLinks, vaultRow, vaultSalt } from './questions.ts';
import { Vault } from './vault.ts';

const PERSON = {
  name: 'Erika Mustermann-Œhlert',
  birthDate: '1961-04-12',
  recordNumber: 'MRN 77-4711-X',
  phone: '+49 30 901820',
  ward: 'K 4 Süd',
};

describe.each(ENGINES)('the vault on %s (domain.md §18.4)', (engine) => {
  const open = async () => {
    const store = await storeOf(engine);
    const db = store.questions;
    const key = masterKey(new Uint8Array(32).fill(9));
    const vault = new Vault(() => key, {
      row: (ref) => vaultRow(db, { ref }),
      salt: (ref, commitment) => vaultSalt(db, { ref, commitment }),
      links: (ref) => vaultLinks(db, { ref }),
      knows: (tokens) => vaultKnows(db, { tokens }),
      inUse: () => vaultInUse(db),
      erasures: () => vaultErasures(db),
    });
    const keep = async (changes: readonly VaultChange[]) => {
      for (const change of changes) await carryOut(store.capturer, change, 'tester');
    };
    return { store, vault, keep };
  };

  it('gives a pseudonym for an identity, and the identity back, and stores nothing of it in clear', async () => {
    const { store, vault, keep } = await open();
    const { ref, kept } = vault.seal('patient', PERSON);
    expect(ref).toMatch(/^pr_[a-z2-7]{26}$/);
    expect(vault.seal('donor', PERSON).ref).toMatch(/^dr_[a-z2-7]{26}$/);
    await keep(kept);
    expect(await vault.read(ref)).toEqual(PERSON);
    const stored = JSON.stringify([await store.rows('SELECT * FROM vault'), await store.rows('SELECT * FROM vault_token')]);
    for (const value of Object.values(PERSON)) expect(stored).not.toContain(value);
    await store.close();
  });

  it.each([
    ['patientName', 'erika  MUSTERMANN-ŒHLERT', true],
    ['patientName', 'Mustermann-Œhlert, Erika', true],
    ['patientName', 'Ｅｒｉｋａ Mustermann-Œhlert', true],
    ['name', 'Erika Mustermann', false],
    ['birthDate', '1961-04-12', true],
    ['birthDate', '12.04.1961', true],
    ['birthDate', '12041961', true],
    ['birthDate', '04.12.1961', false],
    ['recordNumber', 'mrn774711x', true],
    ['recordNumber', 'MRN 77-4711-Y', false],
    ['phone', '+49 30 901820', true],
    ['ward', 'K 4 Süd', true],
    ['nothing', '', false],
    ['__proto__', '', false],
  ])('compares %s %s: %s', async (identifier, value, same) => {
    const { store, vault, keep } = await open();
    const { ref, kept } = vault.seal('patient', PERSON);
    await keep(kept);
    expect(await vault.compare(ref, identifier, value)).toBe(same);
    await store.close();
  });

  it('commits to a value with a salt of its own each time, and opens the commitment again for that value alone', async () => {
    const { store, vault, keep } = await open();
    const { ref, kept } = vault.seal('patient', PERSON);
    await keep(kept);
    const one = await vault.commit(ref, 'patientName', PERSON.name);
    const other = await vault.commit(ref, 'patientName', PERSON.name);
    await keep([...one.kept, ...other.kept]);
    expect(one.commitment).toMatch(/^hmac:[0-9a-f]{64}$/);
    expect(one.commitment).not.toBe(other.commitment);
    expect(await vault.verify(ref, one.commitment, 'Mustermann-Œhlert, Erika')).toBe(true);
    expect(await vault.verify(ref, one.commitment, 'Erika Muster')).toBe(false);
    await expect(vault.verify(ref, `hmac:${'0'.repeat(64)}`, 'x')).rejects.toMatchObject({ code: 'NOT-FOUND' });
    await store.close();
  });

  it('destroys the keys and salts of one person, and of nobody else', async () => {
    const { store, vault, keep } = await open();
    const gone = vault.seal('patient', PERSON);
    const stays = vault.seal('donor', { name: 'Jürgen Weiß', birthDate: '1980-01-31' });
    await keep([...gone.kept, ...stays.kept]);
    const { commitment, kept } = await vault.commit(gone.ref, 'name', PERSON.name);
    const link = await vault.link(gone.ref, stays.ref);
    await keep([...kept, ...link.kept]);
    expect(await vault.linked(gone.ref)).toEqual([stays.ref]);
    expect(await vault.linked(stays.ref)).toEqual([gone.ref]);
    await keep(vault.erase(gone.ref, 'identity', 'er_1'));
    for (const asked of [
      vault.read(gone.ref),
      vault.compare(gone.ref, 'name', 'x'),
      vault.commit(gone.ref, 'name', 'x'),
      vault.verify(gone.ref, commitment, PERSON.name),
    ])
      await expect(asked).rejects.toMatchObject({ code: 'VLT-ERASED' });
    expect(await vault.linked(stays.ref)).toEqual([]);
    expect(await vault.finds('Mustermann')).toBe(false);
    expect(await vault.finds('Juergen Weiss')).toBe(true);
    expect(await vault.read(stays.ref)).toMatchObject({ name: 'Jürgen Weiß' });
    expect(await store.rows('SELECT ref, wrapped, sealed, state FROM vault WHERE ref = ?', gone.ref)).toEqual([
      { ref: gone.ref, wrapped: null, sealed: null, state: 'erased' },
    ]);
    expect(await vault.erasures()).toMatchObject([{ id: 'er_1', ref: gone.ref, class: 'identity', seq: null }]);
    await store.close();
  });

  it('erases contact details and keeps who it is', async () => {
    const { store, vault, keep } = await open();
    const { ref, kept } = vault.seal('patient', PERSON);
    await keep(kept);
    expect(await vault.finds('call 030/901820')).toBe(true);
    await keep(vault.erase(ref, 'contact', 'er_1'));
    const { phone, ...rest } = PERSON;
    expect(await vault.read(ref)).toEqual(rest);
    expect(await vault.compare(ref, 'phone', phone)).toBe(false);
    expect(await vault.finds('call 030/901820')).toBe(false);
    await store.close();
  });

  it('restricts reads to traceability, and still compares for the patient who is there', async () => {
    const { store, vault, keep } = await open();
    const { ref, kept } = vault.seal('patient', PERSON);
    await keep([...kept, ...vault.restrict(ref)]);
    await expect(vault.read(ref, 'treatment')).rejects.toMatchObject({ code: 'VLT-RESTRICTED' });
    expect(await vault.read(ref, 'traceability')).toEqual(PERSON);
    expect(await vault.compare(ref, 'name', PERSON.name)).toBe(true);
    await store.close();
  });

  it('puts an identity right in a new version; commitments to the old values can still be opened; the second of two at once is refused', async () => {
    const { store, vault, keep } = await open();
    const { ref, kept } = vault.seal('patient', PERSON);
    await keep(kept);
    const before = await vault.commit(ref, 'name', PERSON.name);
    await keep(before.kept);
    const right = await vault.rectify(ref, { ...PERSON, name: 'Erika Muster' });
    const late = await vault.rectify(ref, { ...PERSON, name: 'Erika Other' });
    await keep(right.kept);
    await expect(keep(late.kept)).rejects.toMatchObject({ code: 'EV-STALE' });
    expect(await vault.read(ref)).toMatchObject({ name: 'Erika Muster' });
    expect(right.version).toBe(2);
    expect(await vault.verify(ref, before.commitment, PERSON.name)).toBe(true);
    expect(await vault.compare(ref, 'name', PERSON.name)).toBe(false);
    await store.close();
  });

  it('does not take what was sealed under another key, or for another person or column', async () => {
    const { store, vault, keep } = await open();
    const [a, b] = [vault.seal('patient', PERSON), vault.seal('patient', { name: 'Somebody Else' })];
    await keep([...a.kept, ...b.kept]);
    const [row] = await store.rows<{ sealed: string; wrapped: string }>('SELECT sealed, wrapped FROM vault WHERE ref = ?', a.ref);
    const other = new Vault(() => masterKey(new Uint8Array(32).fill(8)), {
      row: async (ref) => vaultRow(store.questions, { ref }),
      salt: async () => null,
      links: async () => [],
      knows: async () => false,
      inUse: async () => false,
      erasures: async () => [],
    });
    await expect(other.read(a.ref)).rejects.toThrow();
    await expect(keep(other.seal('patient', PERSON).kept)).rejects.toMatchObject({ code: 'CFG-VALUE', at: 'LOTLINE_VAULT_KEY_FILE' });
    const moved = new Vault(() => masterKey(new Uint8Array(32).fill(9)), {
      row: async (ref) => ({ ...(await vaultRow(store.questions, { ref: b.ref }))!, ref, ...row }),
      salt: async () => null,
      links: async () => [],
      knows: async () => false,
      inUse: async () => false,
      erasures: async () => [],
    });
    await expect(moved.read(b.ref)).rejects.toThrow();
    await store.close();
  });
});
