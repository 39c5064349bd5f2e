import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { LotlineError, type Problem } from '../errors.ts';
import { count, drawTable } from './terminal.ts';

/** What documents are called. */
const EXTENSIONS = /\.(?:json|jsonld|xml)$/i;
/** Faults shown; the others are counted. */
const SHOWN_MAX = 50;

/** A document that a command was given: `name` is its path below the folder that was named. */
export type DocumentFile = { readonly file: string; readonly name: string; readonly bytes: number };

/** The documents that files, folders (with everything in them) and patterns with `*`, `**` and `?` stand for, each folder in the order of names. */
export function findDocuments(paths: readonly string[]): DocumentFile[] {
  const found = paths.flatMap(documentsAt);
  if (found.length === 0)
    throw new LotlineError('CFG-VALUE', 'There is no .json, .jsonld or .xml file', { fix: 'Name files, or folders that have some.' });
  const seen = new Set<string>();
  return found.filter(({ file }) => seen.size !== seen.add(resolve(file)).size);
}

function documentsAt(path: string): DocumentFile[] {
  if (!existsSync(path)) {
    if (/[*?]/.test(path)) return matching(path);
    throw new LotlineError('CFG-VALUE', `${path} is not there`, { fix: 'Name a file or a folder that is.' });
  }
  const { size } = statSync(path);
  return statSync(path).isDirectory()
    ? inFolder(path, (name) => EXTENSIONS.test(name))
    : [{ file: path, name: basename(path), bytes: size }];
}

/** For shells that leave patterns to the program. */
function matching(pattern: string): DocumentFile[] {
  const steps = pattern.split(sep);
  const first = steps.findIndex((step) => /[*?]/.test(step));
  const folder = steps.slice(0, first).join(sep) || (pattern.startsWith(sep) ? sep : '.');
  if (!existsSync(folder)) throw new LotlineError('CFG-VALUE', `${folder} is not there`, { fix: 'Name a folder that is.' });
  const wanted = steps.slice(first).join('/');
  const source = wanted
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/|\*|\?/g, (one) => ({ '**/': '(?:.*/)?', '*': '[^/]*' })[one] ?? '[^/]');
  const regex = new RegExp(`^${source}$`);
  return inFolder(folder, (name) => regex.test(name.split(sep).join('/')));
}

/** Hidden files and folders are left alone. */
function inFolder(folder: string, wanted: (name: string) => boolean): DocumentFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !/(?:^|[\\/])\./.test(name) && wanted(name));
  return names
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => ({ file: join(folder, name), name, stat: statSync(join(folder, name)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ file, name, stat }) => ({ file, name, bytes: stat.size }));
}

/** Where a document is written to, below `folder`, under its own name with another ending. */
export function besideName(folder: string, { name }: DocumentFile, extension: string): string {
  return join(folder, dirname(name), basename(name).replace(EXTENSIONS, '') + extension);
}

/** What is wrong with a document, or with the event at `index` in it. */
export type DocumentFault = Pick<Problem, 'code' | 'at' | 'fix'> & { readonly index: number | null; readonly message: string };

export function faultOf(error: unknown, index: number | null = null): DocumentFault {
  if (!(error instanceof LotlineError)) throw error;
  const { code, at, message, fix } = error;
  return { index, code, at, message, fix };
}

/** The first faults of many documents, and how many there are. */
export class Faults {
  private readonly first: (DocumentFault & { readonly file: string })[] = [];
  private total = 0;

  add(file: string, faults: readonly DocumentFault[]): void {
    this.total += faults.length;
    for (const fault of faults) if (this.first.length < SHOWN_MAX) this.first.push({ file, ...fault });
  }

  print(): void {
    if (this.total === 0) return;
    const rows = this.first.map(({ file, at, message, fix }) => [relative(process.cwd(), file), at, message, fix]);
    console.log(drawTable('llll', rows, { head: ['File', 'Where', 'What', 'How to mend it'], widths: [null, null, 52, 44] }));
    if (this.total > SHOWN_MAX) console.log(`${count(this.total - SHOWN_MAX)} more are not shown.`);
  }
}
