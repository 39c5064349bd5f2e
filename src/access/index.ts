/**
 * access: who may do what. API keys and their roles. Keys are entries of the journal, so a rebuild keeps them.
 */
export { Keys, type Principal } from './keys.ts';
export { allows, ROLE_NAMES, type Role, rolesWith } from './roles.ts';
