/**
 * What each role may do (design.md §7): one table, role by right. A route asks for a right, never for a role by name, so that further roles
 * are further rows here.
 */
export const ROLES = {
  admin: ['capture', 'see-own-jobs', 'see-jobs', 'read', 'resolve', 'metrics', 'administer', 'scan', 'print', 'verify', 'numbers'],
  line: ['capture', 'see-own-jobs', 'scan', 'print', 'numbers'],
  reader: ['see-own-jobs', 'see-jobs', 'read', 'resolve', 'metrics', 'scan', 'print', 'verify'],
} as const satisfies Record<string, readonly Right[]>;

/**
 * `capture` sends events; `see-own-jobs` and `see-jobs` follow captures, one's own or all; `administer` grants and ends keys; `scan` has a code read,
 * `verify` has a pack judged, `print` makes labels, `numbers` is given serial numbers and closes batches.
 */
export type Right =
  | 'capture'
  | 'see-own-jobs'
  | 'see-jobs'
  | 'read'
  | 'resolve'
  | 'metrics'
  | 'administer'
  | 'scan'
  | 'print'
  | 'verify'
  | 'numbers';
export type Role = keyof typeof ROLES;

export const ROLE_NAMES = Object.keys(ROLES) as [Role, ...Role[]];

export function isRole(name: string): name is Role {
  return Object.hasOwn(ROLES, name);
}

/** Whether one of these roles carries the right. A role that this version does not know carries none. */
export function allows(roles: readonly string[], right: Right): boolean {
  return roles.some((role) => isRole(role) && (ROLES[role] as readonly Right[]).includes(right));
}

/** The roles that carry a right: what a route declares as `config.roles`. */
export function rolesWith(right: Right): Role[] {
  return ROLE_NAMES.filter((role) => allows([role], right));
}
