import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What of EPCIS and the CBV lotline is to do, in the project's own words; `reason` says why no test is about it. */
export type Requirement = { readonly id: string; readonly what: string; readonly reason?: string };

const ROOT = resolve(import.meta.dirname, '..');
/** An id, or several of one family: `Q-15`, `V-14 to V-16`. E-11 is a scenario of the handbook and no requirement: of that family those have one digit. */
const CITED = /\b(?!E-\d\d)(DOC|DM|V|J|X|C|R|E|Q|MD|S|I|P)-([1-9]\d?)(?: to \1-([1-9]\d?))?(?![\d-])/g;

export function readRequirements(): Requirement[] {
  return JSON.parse(readFileSync(join(ROOT, 'data/conformance/requirements.json'), 'utf8')) as Requirement[];
}

/** The requirement ids that a text cites. */
export function citedIn(text: string): string[] {
  return [...text.matchAll(CITED)].flatMap(([, family, first, last]) => {
    const from = Number(first);
    const to = last === undefined ? from : Number(last);
    return Array.from({ length: Math.max(0, to - from) + 1 }, (_, i) => `${family}-${from + i}`);
  });
}

/** What a file speaks of that is about the chain of identity. */
const SCENARIOS = /INV-\d\d|domain\.md §13|\bCoi\b|coi[A-Z:]|\/identity\//;

/** Every test file, by its path in the project, with the ids that its strings cite: names of tests, and the rows that name them. */
export function citingFiles(): ReadonlyMap<string, ReadonlySet<string>> {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts') && name !== 'conformance.test.ts') // its citations are examples
      .map((name) => join(folder, name)),
  );
  const cited = files.sort().map((file) => {
    const source = withoutComments(readFileSync(join(ROOT, file), 'utf8'));
    // Tests of identity cite scenarios, C-01 to C-22, where others cite requirements of capture.
    const ids = citedIn(source).filter((id) => !(id.startsWith('C-') && SCENARIOS.test(source)));
    return [file, new Set(ids)] as const;
  });
  return new Map(cited.filter(([, ids]) => ids.size > 0));
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}
