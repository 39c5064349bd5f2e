/**
 * access: who may do what. API keys and their roles. Keys are entries of the journal, so a rebuild keeps them.
 */
export { BOOTSTRAP_NAME, type KeyStore, Keys, type Principal } from './keys.ts';
export { type KeyAnswer, keyByHash, listKeys } from './questions.ts';
export { allows, isRole, type Right, ROLE_NAMES, ROLES, type Role, rolesWith } from './roles.ts';
