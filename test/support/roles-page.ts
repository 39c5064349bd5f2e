import { allows, RIGHTS, type Right, ROLE_NAMES } from '../../src/access/roles.ts';

type Paths = Record<string, Record<string, { description?: string; summary?: string }>>;

const row = (...cells: readonly string[]) => `| ${cells.join(' | ')} |`;

/** The table of docs/roles.md: what each role may do. */
export function rightsTable(): string {
  const rights = Object.keys(RIGHTS) as Right[];
  return [
    row('right', 'opens', 'roles'),
    row('---', '---', '---'),
    ...rights.map((right) => row(`\`${right}\``, RIGHTS[right], ROLE_NAMES.filter((role) => allows([role], right)).join(', '))),
  ].join('\n');
}

/** The table of docs/roles.md: who may make each call, out of the description of the interface. */
export function callsTable(paths: Paths): string {
  const calls = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      // Digital Links answer everybody, of whichever key.
      .filter(() => !/^\/\d{2,4}\/\{value\}$/.test(path))
      .map(([method, { description = '' }]) => row(`\`${method.toUpperCase()} ${path}\``, whoMay(description))),
  );
  return [row('call', 'roles'), row('---', '---'), ...calls.sort()].join('\n');
}

function whoMay(description: string): string {
  if (description.endsWith('Free of access: no key.')) return '*free of access*';
  const [, roles] = /Roles: ([A-Za-z, ]+)\.$/.exec(description) ?? [];
  if (roles === undefined) throw new Error(`who may is not told in ${JSON.stringify(description)}`);
  return roles;
}

/** A page with a table put between its marks. */
export function withTable(page: string, mark: string, table: string): string {
  const [begin, end] = [`<!-- ${mark} -->\n`, `\n<!-- end of ${mark} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no marks for ${mark}`);
  return page.slice(0, from + begin.length) + table + page.slice(to);
}
