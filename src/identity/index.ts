/**
 * Whose cells these are (domain.md §12): orders and their chains, what is bound to whom, the checks, custody and releases by which people vouch for it.
 * A projection of events and acts, and the rules on it; nothing is kept here that the journal does not tell.
 */
export { IDENTITY_ENTRY, type IdentityAct } from './act-command.ts';
export { decideAct } from './decide-act.ts';
export { ConcernsIdentity, IdentityProjection, type StoredEvent } from './projection.ts';
export { blocksPlan } from './view.ts';
