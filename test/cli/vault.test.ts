import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lotline } from '../support/commands.ts';
import { freshDatabase } from '../support/postgres.ts';
import { removeFolder, temporaryFolder } from '../support/program.ts';
import { TestServer } from '../support/server.ts';

const root = temporaryFolder();
const folder = join(root, 'store');
const backup = join(root, 'backup');
const exported = join(root, 'export.ndjson');
const key = ['--log-key-file', join(folder, 'log.key')];
const ours = { logKeyFile: join(folder, 'log.key'), vaultKeyFile: join(folder, 'vault.key') };
let gone = '';
let stays = '';
let reachable = '';
let next = 0;
const fresh = () => join(root, `restored-${next++}`);

/** Opens a store and asks for who they are; the codes of those who are not told. */
async function whoIn(place: Parameters<typeof TestServer.start>[0]): Promise<unknown[]> {
  const server = await TestServer.start({ ...ours, ...place });
  try {
    const told = [gone, stays, reachable].map((ref) => server.service.deps.vault.read(ref).catch((error: { code: string }) => error.code));
    return await Promise.all(told);
  } finally {
    await server.stop();
  }
}
const AFTER = ['VLT-ERASED', { name: 'Somebody Stays' }, { name: 'Somebody Reachable' }];

beforeAll(async () => {
  const server = await TestServer.start({ data: folder });
  const { vault, capture, noteErasures } = server.service.deps;
  const put = async (identity: Record<string, string>) => {
    const { ref, kept } = vault.seal('patient', identity);
    for (const change of kept) await capture.record(change, 'test');
    return ref;
  };
  gone = await put({ name: 'Somebody Gone' });
  stays = await put({ name: 'Somebody Stays' });
  reachable = await put({ name: 'Somebody Reachable', phone: '+49 30 1234567' });
  await lotline('backup', '--data', folder, '--out', backup);
  await lotline('export', '--data', folder, '--out', exported);
  for (const change of [...vault.erase(gone, 'identity', 'er_1'), ...vault.erase(reachable, 'contact', 'er_2')])
    await capture.record(change, 'test');
  await noteErasures();
  await server.stop();
}, 60_000);
afterAll(() => removeFolder(root));

const list = join(folder, 'erasures.ndjson');

describe('what was erased after a backup was made (domain.md §18.4)', () => {
  it('stands in a list beside the store, without any identity; the key is in a file of its own, for its owner alone', () => {
    const lines = readFileSync(list, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([
      { erasureId: 'er_1', ref: gone, class: 'identity' },
      { erasureId: 'er_2', ref: reachable, class: 'contact' },
    ]);
    expect(readFileSync(list, 'utf8')).not.toContain('Somebody');
    expect(statSync(join(folder, 'vault.key')).mode & 0o777).toBe(0o600);
  });

  it('is erased again when the backup is restored with the list that is named, before it is opened', async () => {
    const data = fresh();
    const { err } = await lotline('restore', backup, '--data', data, ...key, '--erasures', list);
    expect(err).toContain('2 of 2 erasures were made again');
    const journal = readFileSync(join(data, 'journal.db'));
    expect(existsSync(join(data, 'journal.db-wal'))).toBe(false);
    expect(journal.includes('er_1')).toBe(true);
    expect(await whoIn({ data })).toEqual(AFTER);
    expect(readFileSync(join(data, 'erasures.ndjson'), 'utf8')).toBe(readFileSync(list, 'utf8'));
  });

  it('is erased again with the list that lies in the folder, by the restore and by every start', async () => {
    const data = fresh();
    const { out } = await lotline('restore', backup, '--data', data, ...key);
    expect(out).toContain('No list of erasures was there');
    // Somebody puts the files of the store back by hand.
    copyFileSync(list, join(data, 'erasures.ndjson'));
    expect(await whoIn({ data })).toEqual(AFTER);
    rmSync(join(data, 'journal.db'));
    rmSync(join(data, 'intake.db'), { force: true });
    const again = await lotline('restore', backup, '--data', data, ...key);
    expect(again.out).not.toContain('No list of erasures');
    expect(again.err).toContain('2 of 2 erasures were made again');
  });

  it('does not come back with an old export either, nor on the other engine', async () => {
    const data = fresh();
    await lotline('import', exported, '--data', data, ...key, '--erasures', list);
    expect(await whoIn({ data })).toEqual(AFTER);
    const database = await freshDatabase();
    await lotline('restore', backup, '--database-url', database.url, ...key, '--erasures', list);
    expect(await whoIn({ data: fresh(), databaseUrl: database.url })).toEqual(AFTER);
    await database.drop();
  });

  it('stays erased in a new export, in a migrated store, and when the store is rebuilt', async () => {
    const file = join(root, 'later.ndjson');
    await lotline('export', '--data', folder, '--out', file);
    const data = fresh();
    await lotline('import', file, '--data', data, ...key);
    expect(await whoIn({ data })).toEqual(AFTER);
    const database = await freshDatabase();
    await lotline('migrate-store', '--data', folder, '--to', database.url);
    expect(await whoIn({ data: fresh(), databaseUrl: database.url })).toEqual(AFTER);
    await database.drop();
    await lotline('rebuild', '--data', data);
    expect(await whoIn({ data })).toEqual(AFTER);
  });

  it('is refused a list that is not there, or is none', async () => {
    await expect(lotline('restore', backup, '--data', fresh(), ...key, '--erasures', join(root, 'none'))).rejects.toMatchObject({
      code: 'CFG-VALUE',
      at: '--erasures',
    });
    const broken = join(root, 'broken.ndjson');
    writeFileSync(broken, '{"ref": 4}\n');
    await expect(lotline('restore', backup, '--data', fresh(), ...key, '--erasures', broken)).rejects.toMatchObject({
      code: 'CFG-VALUE',
      at: 'line 1',
    });
  });
});

describe("the vault's key", () => {
  it('is missed at the start where there are identities, and so is one that is another', async () => {
    const other = join(root, 'other.key');
    await expect(TestServer.start({ data: folder, vaultKeyFile: join(root, 'no.key') })).rejects.toMatchObject({
      code: 'CFG-VALUE',
      at: 'LOTLINE_VAULT_KEY_FILE',
    });
    writeFileSync(other, `lotline-vault-key-1 ${'A'.repeat(43)}\n`);
    await expect(TestServer.start({ data: folder, vaultKeyFile: other })).rejects.toMatchObject({
      code: 'CFG-VALUE',
      at: 'LOTLINE_VAULT_KEY_FILE',
    });
    writeFileSync(other, 'not a key');
    await expect(TestServer.start({ data: folder, vaultKeyFile: other })).rejects.toMatchObject({ code: 'CFG-VALUE' });
    expect(await whoIn({ data: folder })).toEqual(AFTER);
  });

  it('is in no backup and no export, nor made where nobody is in the vault', async () => {
    const [, secret = ''] = readFileSync(join(folder, 'vault.key'), 'utf8').trim().split(' ');
    for (const file of [join(backup, 'journal.db'), exported]) expect(readFileSync(file).includes(secret)).toBe(false);
    const data = fresh();
    await (await TestServer.start({ data })).stop();
    expect(existsSync(join(data, 'vault.key'))).toBe(false);
  });
});
