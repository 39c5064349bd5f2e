import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BOOTSTRAP_NAME, type KeyStore, Keys } from './keys.ts';
import type { KeyAnswer } from './questions.ts';

type Row = KeyAnswer & { hash: string };

/** A store in memory that counts its look-ups. */
function memory() {
  const rows = new Map<string, Row>();
  const seen = { lookups: 0, commands: [] as unknown[] };
  const store: KeyStore = {
    byHash: async (hash) => {
      seen.lookups++;
      return [...rows.values()].find((row) => row.hash === hash) ?? null;
    },
    list: async (id) =>
      [...rows.values()]
        .filter((row) => id === undefined || row.id === id)
        .map(({ id: mine, name, roles, sites, created, ended }) => ({ id: mine, name, roles, sites, created, ended })),
    record: async (command, actor) => {
      seen.commands.push({ ...command, actor });
      if (command.kind === 'grant-key')
        rows.set(command.id, {
          id: command.id,
          name: command.name,
          roles: [...command.roles],
          sites: [...(command.sites ?? [])],
          hash: command.hash,
          created: 'now',
          ended: null,
        });
      else rows.set(command.id, { ...(rows.get(command.id) as Row), ended: 'now' });
      return { done: true };
    },
  };
  return { store, rows, seen };
}

describe('API keys (domain.md §17.3)', () => {
  it('have 256 random bits after lk_, and are kept as their SHA-256 alone', async () => {
    const { store, rows, seen } = memory();
    const { id, key } = await new Keys(store).grant({ name: 'line 1', roles: ['line'] }, 'k_admin');
    expect(Buffer.from(key.slice(3), 'base64url')).toHaveLength(32);
    expect(rows.get(id)?.hash).toBe(createHash('sha256').update(key).digest('hex'));
    expect(JSON.stringify([...rows, seen.commands])).not.toContain(key);
    expect(seen.commands).toMatchObject([{ kind: 'grant-key', actor: 'k_admin' }]);
  });

  it('are looked up once and then remembered, until they are ended', async () => {
    const { store, seen } = memory();
    const keys = new Keys(store);
    const { id, key } = await keys.grant({ name: 'x', roles: ['reader'] }, 'a');
    expect(await keys.principalOf(key)).toEqual({ id, name: 'x', roles: ['reader'], sites: [], bearer: id });
    await keys.principalOf(key);
    expect(seen.lookups).toBe(1);
    expect(await keys.end(id, 'a')).toBe(true);
    expect(await keys.principalOf(key)).toBeNull();
    expect(await keys.end(id, 'a')).toBe(false);
    expect(seen.commands.filter((command) => (command as { kind: string }).kind === 'end-key')).toHaveLength(1);
  });

  it.each(['', 'lk_', 'x'.repeat(1000), 'lk_\u0000'])('that nobody granted (%j) belong to nobody', async (token) => {
    expect(await new Keys(memory().store).principalOf(token)).toBeNull();
  });

  it('refuse a role that is none', async () => {
    await expect(new Keys(memory().store).grant({ name: 'x', roles: ['line', 'king'] }, 'a')).rejects.toMatchObject({
      code: 'REQ-FORM',
      at: '/roles/1',
    });
  });
});

describe('the bootstrap', () => {
  it('makes one admin key where none is in force, and none where one is', async () => {
    const { store } = memory();
    const keys = new Keys(store);
    const key = (await keys.bootstrap(null)) as string;
    expect((await keys.principalOf(key))?.roles).toEqual(['admin']);
    expect(await keys.bootstrap(null)).toBeNull();
  });

  it('makes another when every admin key was ended: whoever may start the program may administer', async () => {
    const { store } = memory();
    const keys = new Keys(store);
    const key = (await keys.bootstrap(null)) as string;
    await keys.end((await keys.principalOf(key))?.id as string, 'a');
    expect(await keys.bootstrap(null)).toMatch(/^lk_/);
  });

  it('grants the given key, once, and ends the one given before', async () => {
    const { store, seen } = memory();
    const keys = new Keys(store);
    expect(await keys.bootstrap('given-one')).toBeNull();
    await keys.bootstrap('given-one');
    expect(seen.commands).toHaveLength(1);
    await keys.bootstrap('given-two');
    expect(await keys.principalOf('given-one')).toBeNull();
    expect(await keys.principalOf('given-two')).toMatchObject({ name: BOOTSTRAP_NAME, roles: ['admin'] });
    await expect(keys.bootstrap('given-one')).rejects.toMatchObject({ code: 'CFG-VALUE', at: 'LOTLINE_ADMIN_KEY' });
  });
});
