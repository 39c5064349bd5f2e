/**
 * What each role may do (design.md §7, domain.md §17.1): one table, role by right, shown in docs/roles.md. A route asks for a right, never for a
 * role by name, so that further roles are further rows here. Rights open calls; what a person may sign for is decided by signing-rules.ts.
 */
export const ROLES = {
  admin: [
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
    'people',
  ],
  line: ['capture', 'see-own-jobs', 'scan', 'print', 'numbers'],
  reader: ['see-own-jobs', 'see-jobs', 'read', 'resolve', 'metrics', 'scan', 'print', 'verify', 'identity'],
  lineDevice: ['capture', 'see-own-jobs'],
  operator: ['capture', 'see-own-jobs', 'read', 'scan', 'print', 'numbers', 'identity', 'check', 'custody'],
  lineEngineer: ['capture', 'see-own-jobs', 'see-jobs', 'read', 'metrics', 'scan', 'print', 'numbers'],
  serialAdmin: ['see-own-jobs', 'see-jobs', 'read', 'scan', 'print', 'numbers'],
  qaReviewer: ['see-own-jobs', 'see-jobs', 'read', 'resolve', 'scan', 'verify', 'identity', 'check', 'quality'],
  qp: ['see-own-jobs', 'see-jobs', 'read', 'resolve', 'scan', 'verify', 'identity', 'quality', 'release'],
  planner: ['see-own-jobs', 'read', 'scan', 'identity'],
  warehouse: ['capture', 'see-own-jobs', 'read', 'scan', 'print', 'verify', 'identity', 'check', 'custody'],
  distributor: ['capture', 'see-own-jobs', 'read', 'scan', 'print', 'verify'],
  verifier: ['scan', 'verify'],
  investigator: ['see-own-jobs', 'see-jobs', 'read', 'resolve', 'scan', 'verify', 'identity'],
  recallCoordinator: ['see-own-jobs', 'see-jobs', 'read', 'resolve', 'scan', 'verify', 'identity', 'quality'],
  coiCoordinator: ['see-own-jobs', 'read', 'scan', 'print', 'identity', 'order', 'custody'],
  collectionSite: ['capture', 'see-own-jobs', 'scan', 'print', 'identity', 'order', 'check', 'custody', 'vault'],
  courier: ['capture', 'see-own-jobs', 'scan', 'custody'],
  treatmentSite: ['capture', 'see-own-jobs', 'scan', 'print', 'identity', 'order', 'check', 'custody', 'vault'],
  labAnalyst: ['capture', 'see-own-jobs', 'scan', 'print', 'identity', 'check', 'results'],
  privacyOfficer: ['identity', 'privacy', 'audit', 'vault'],
  inspector: ['see-jobs', 'read', 'scan', 'verify', 'identity'],
  integrator: [
    'capture',
    'see-own-jobs',
    'see-jobs',
    'read',
    'metrics',
    'scan',
    'print',
    'verify',
    'numbers',
    'identity',
    'order',
    'custody',
    'results',
  ],
  auditor: ['see-jobs', 'metrics', 'audit'],
} as const satisfies Record<string, readonly Right[]>;

/** Every right, and what it opens. */
export const RIGHTS = {
  capture: 'send events',
  'see-own-jobs': 'follow one’s own captures',
  'see-jobs': 'follow everybody’s captures',
  read: 'ask about things, events, genealogy, findings',
  resolve: 'work on findings',
  metrics: 'watch the service',
  administer: 'grant and end keys, keep links',
  scan: 'have a code read',
  print: 'make labels',
  verify: 'have a pack judged',
  numbers: 'be given serial numbers, close batches',
  identity: 'read chains, containers and orders; dry runs',
  order: 'patients, donors, orders and their states, identity labels, allocations',
  check: 'identity checks, closing of label jobs, offline capsules',
  custody: 'hand-overs',
  quality: 'holds, resolutions, verdicts, out-of-specification paths, rebindings, notices',
  results: 'laboratory results',
  release: 'release for use',
  privacy: 'erasures, approval of break-glass reads',
  audit: 'who read what of whom',
  vault: 'read who a patient is',
  people: 'register people',
} as const;
export type Right = keyof typeof RIGHTS;
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
