import { describe, expect, it } from 'vitest';
import { allows, type Right, ROLE_NAMES, type Role, rolesWith } from './roles.ts';

/** design.md §7, cell by cell. */
const TABLE: Record<Role, Record<Right, boolean>> = {
  admin: {
    capture: true,
    'see-own-jobs': true,
    'see-jobs': true,
    read: true,
    resolve: true,
    metrics: true,
    administer: true,
    scan: true,
    print: true,
    verify: true,
    numbers: true,
  },
  line: {
    capture: true,
    'see-own-jobs': true,
    'see-jobs': false,
    read: false,
    resolve: false,
    metrics: false,
    administer: false,
    scan: true,
    print: true,
    verify: false,
    numbers: true,
  },
  reader: {
    capture: false,
    'see-own-jobs': true,
    'see-jobs': true,
    read: true,
    resolve: true,
    metrics: true,
    administer: false,
    scan: true,
    print: true,
    verify: true,
    numbers: false,
  },
};
const CELLS = Object.entries(TABLE).flatMap(([role, rights]) =>
  Object.entries(rights).map(([right, may]) => [role, right, may] as [Role, Right, boolean]),
);

describe('roles', () => {
  it.each(CELLS)('%s: %s is %s', (role, right, may) => {
    expect(allows([role], right)).toBe(may);
    expect(rolesWith(right).includes(role)).toBe(may);
  });

  it('add up, and an unknown one carries nothing', () => {
    expect(allows(['line', 'reader'], 'capture')).toBe(true);
    expect(allows(['line', 'reader'], 'read')).toBe(true);
    expect(allows(['king', 'constructor', 'toString'], 'read')).toBe(false);
    expect(allows([], 'read')).toBe(false);
  });

  it('are all in this table', () => {
    expect(new Set(ROLE_NAMES)).toEqual(new Set(Object.keys(TABLE)));
  });
});
