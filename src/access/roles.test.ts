import { describe, expect, it } from 'vitest';
import { allows, RIGHTS, type Right, ROLE_NAMES, type Role, rolesWith } from './roles.ts';

/** The columns of the table below. */
const COLUMNS: readonly Right[] = [
  'capture',
  'see-own-jobs',
  'see-jobs',
  'read',
  'resolve',
  'metrics',
  'administer',
  'scan',
  'print',
  'verify',
  'numbers',
  'identity',
  'order',
  'check',
  'custody',
  'quality',
  'results',
  'release',
  'privacy',
  'audit',
  'vault',
  'people',
];

/** design.md §7 and domain.md §17.1, cell by cell: what a role may not do matters as much as what it may. */
const TABLE: Record<Role, string> = {
  admin:              'xxxxxxxxxxx xxxxxxxxx.x',
  line:               'xx.....xx.x ...........',
  reader:             '.xxxxx.xxx. x..........',
  lineDevice:         'xx......... ...........',
  operator:           'xx.x...xx.x x.xx.......',
  lineEngineer:       'xxxx.x.xx.x ...........',
  serialAdmin:        '.xxx...xx.x ...........',
  qaReviewer:         '.xxxx..x.x. x.x.x......',
  qp:                 '.xxxx..x.x. x...x.x....',
  planner:            '.x.x...x... x..........',
  warehouse:          'xx.x...xxx. x.xx.......',
  distributor:        'xx.x...xxx. ...........',
  verifier:           '.......x.x. ...........',
  investigator:       '.xxxx..x.x. x..........',
  recallCoordinator:  '.xxxx..x.x. x...x......',
  coiCoordinator:     '.x.x...xx.. xx.x.......',
  collectionSite:     'xx.....xx.. xxxx.....x.',
  courier:            'xx.....x... ...x.......',
  treatmentSite:      'xx.....xx.. xxxx.....x.',
  labAnalyst:         'xx.....xx.. x.x..x.....',
  privacyOfficer:     '........... x......xxx.',
  inspector:          '..xx...x.x. x..........',
  integrator:         'xxxx.x.xxxx xx.x.x.....',
  auditor:            '..x..x..... ........x..',
}; // biome-ignore format: a table
const CELLS = Object.entries(TABLE).flatMap(([role, line]) =>
  line
    .replace(' ', '')
    .split('')
    .map((cell, i) => [role, COLUMNS[i], cell === 'x'] as [Role, Right, boolean]),
);

describe('roles', () => {
  it.each(CELLS)('%s: %s is %s', (role, right, may) => {
    expect(allows([role], right)).toBe(may);
    expect(rolesWith(right).includes(role)).toBe(may);
  });

  it('are all in this table, each with every right', () => {
    expect(new Set(ROLE_NAMES)).toEqual(new Set(Object.keys(TABLE)));
    expect(new Set(COLUMNS)).toEqual(new Set(Object.keys(RIGHTS)));
    expect(CELLS).toHaveLength(ROLE_NAMES.length * COLUMNS.length);
  });

  it('add up, and an unknown one carries nothing', () => {
    expect(allows(['line', 'reader'], 'capture')).toBe(true);
    expect(allows(['line', 'reader'], 'read')).toBe(true);
    expect(allows(['king', 'constructor', 'toString'], 'read')).toBe(false);
    expect(allows([], 'read')).toBe(false);
  });

  it('of who administers reach everywhere but into the vault (domain.md §17.1)', () => {
    expect(Object.keys(RIGHTS).filter((right) => !allows(['admin'], right as Right))).toEqual(['vault']);
  });
});
