import { AI_TABLE } from './application-identifiers.ts';

/** One piece of an element's value: its character set, its length, and the names of the checks on its content. */
export type AiComponent = {
  readonly set: 'N' | 'X' | 'Y' | 'Z';
  readonly min: number;
  readonly max: number;
  readonly optional: boolean;
  readonly checks: readonly string[];
};

/** What the GS1 syntax dictionary says about one application identifier (codes.md §2). */
export type AiRule = {
  readonly ai: string;
  readonly title: string;
  /** Predefined length: needs no separator behind it. */
  readonly predefined: boolean;
  /** May stand in the query of a Digital Link. */
  readonly attribute: boolean;
  readonly components: readonly AiComponent[];
  /** Every entry must be met; an entry is met by one of its alternatives, an alternative by all its AIs (`01+21`). */
  readonly requires: readonly (readonly (readonly string[])[])[];
  /** AIs that must not stand beside this one; `n` is any digit. */
  readonly excludes: readonly string[];
  /** For the primary key of a Digital Link: its qualifiers in order, alternatives side by side. Null: no primary key. */
  readonly qualifiers: readonly (readonly string[])[] | null;
};

const RULES: ReadonlyMap<string, AiRule> = new Map(AI_TABLE.trim().split('\n').flatMap(readRow));

function readRow(row: string): [string, AiRule][] {
  const [range = '', flags = '', components = '', attributes = '', title = ''] = row.split(';');
  const [first = '', last = first] = range.split('-');
  const words = attributes.split(' ');
  const valuesOf = (name: string): string[] => words.filter((w) => w.startsWith(`${name}=`)).map((w) => w.slice(name.length + 1));
  const shared = {
    title,
    predefined: flags.includes('*'),
    attribute: flags.includes('?'),
    components: components.split(' ').map(readComponent),
    requires: valuesOf('req').map((list) => list.split(',').map((alternative) => alternative.split('+'))),
    excludes: valuesOf('ex').flatMap((list) => list.split(',')),
    qualifiers: words.some((w) => w.startsWith('dlpkey'))
      ? valuesOf('dlpkey').flatMap((list) => list.split('|').map((s) => s.split(',')))
      : null,
  };
  const rows: [string, AiRule][] = [];
  for (let n = Number(first); n <= Number(last); n++) {
    const ai = String(n).padStart(first.length, '0');
    rows.push([ai, { ai, ...shared }]);
  }
  return rows;
}

function readComponent(text: string): AiComponent {
  const [type = '', ...checks] = text.replace(/[[\]]/g, '').split(',');
  const variable = type.includes('..');
  const max = Number(type.slice(variable ? 3 : 1));
  return { set: type[0] as AiComponent['set'], min: variable ? 1 : max, max, optional: text.startsWith('['), checks };
}

/** The rule of an application identifier; undefined for one that GS1 has not assigned. */
export function findAi(ai: string): AiRule | undefined {
  return RULES.get(ai);
}

/** The application identifier that `text` begins with at `from`. None begins with another, so there is at most one. */
export function aiAt(text: string, from: number): AiRule | undefined {
  for (let length = 2; length <= 4; length++) {
    const rule = RULES.get(text.slice(from, from + length));
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/** Every application identifier, in the order of the dictionary. */
export function listAis(): readonly AiRule[] {
  return [...RULES.values()];
}
