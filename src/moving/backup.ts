import { createHash } from 'node:crypto';
import { closeSync, createReadStream, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { type Static, Type } from 'typebox';
import { LotlineError } from '../errors.ts';
import { sync } from '../store/durable.ts';

/** The last file of a backup to be written: without it the backup is not finished. */
export const MANIFEST_FILE = 'manifest.json';

const BackupManifest = Type.Object(
  {
    format: Type.Literal('lotline-backup'),
    version: Type.Literal(1),
    program: Type.String(),
    made: Type.String(),
    origin: Type.String(),
    /** The log's public key, so that the checkpoint can be checked: believe it only as far as you know it from elsewhere. */
    vkey: Type.String(),
    /** Entries. */
    size: Type.Integer({ minimum: 0 }),
    /** The newest checkpoint, as signed. */
    checkpoint: Type.Union([Type.String(), Type.Null()]),
    /** Documents that wait to be folded; some of them may have been folded before the journal was copied. */
    waiting: Type.Integer({ minimum: 0 }),
    files: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: '^[a-z.]+$' }),
          bytes: Type.Integer({ minimum: 0 }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type BackupManifest = Static<typeof BackupManifest>;
const isManifest = new Ajv().compile<BackupManifest>(BackupManifest);

/** Bytes that were read, of all. */
type OnProgress = (done: number, total: number) => void;

/** Ends a backup: says what its files are. */
export async function writeBackupManifest(
  folder: string,
  names: readonly string[],
  about: Omit<BackupManifest, 'format' | 'version' | 'files'>,
): Promise<BackupManifest> {
  const files: BackupManifest['files'] = [];
  for (const name of names) {
    const { size } = statSync(join(folder, name));
    files.push({ name, bytes: size, sha256: await digestOf(join(folder, name), () => {}) });
  }
  const manifest: BackupManifest = { format: 'lotline-backup', version: 1, ...about, files };
  const part = join(folder, `${MANIFEST_FILE}.part`);
  const handle = openSync(part, 'wx');
  writeSync(handle, `${JSON.stringify(manifest, null, 2)}\n`);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(part, join(folder, MANIFEST_FILE));
  sync(folder);
  return manifest;
}

/** Reads a backup's manifest, and every file that it names, to its last byte; MOVE-FILE names the one that is not as it was written. */
export async function checkBackup(folder: string, onProgress: OnProgress = () => {}): Promise<BackupManifest> {
  const manifest = readManifest(join(folder, MANIFEST_FILE));
  const total = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  for (const { name, bytes, sha256 } of manifest.files) {
    const file = join(folder, name);
    if (!existsSync(file)) throw broken(file, 'it is missing');
    if (statSync(file).size !== bytes) throw broken(file, `it has ${statSync(file).size} bytes and should have ${bytes}`);
    const digest = await digestOf(file, (read) => onProgress(done + read, total));
    if (digest !== sha256) throw broken(file, 'its bytes are not those that were written');
    done += bytes;
  }
  return manifest;
}

function readManifest(file: string): BackupManifest {
  if (!existsSync(file))
    throw new LotlineError('MOVE-FILE', `${file} is missing: the backup was not finished, or this is none`, {
      fix: 'Name a folder that `lotline backup` has written to its end.',
    });
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw broken(file, 'it is no JSON');
  }
  if (isManifest(manifest)) return manifest;
  throw broken(file, 'it is not a manifest of this version');
}

async function digestOf(file: string, onRead: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  let read = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    read += chunk.length;
    onRead(read);
  }
  return hash.digest('hex');
}

function broken(file: string, why: string): LotlineError {
  return new LotlineError('MOVE-FILE', `${file}: ${why}`, {
    at: file,
    fix: 'Copy the backup again from where it was made, or take another one; nothing of this one was restored.',
  });
}
