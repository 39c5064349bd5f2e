/**
 * access: who may do what. API keys, people, their roles, sessions and signatures; who read what of whom. All of it are entries of the journal, so a
 * rebuild keeps them; but what proves who somebody is, is kept beside it (credentials.ts).
 */
export { contentDigest } from './content-digest.ts';
export { applyCredentialChange, type CredentialChange, consumeTokens, isCredentialChange } from './credentials.ts';
export { Keys, type Principal } from './keys.ts';
export { ComeLater, People, type PeopleStore, type PersonChange } from './people.ts';
export { type PersonCommand, personCommands } from './person-commands.ts';
export { PURPOSES, type Purpose } from './purposes.ts';
export { type NoteRead, type ReadCommand, readCommands } from './reads.ts';
export { allows, RIGHTS, type Right, ROLE_NAMES, type Role, rolesWith } from './roles.ts';
export { SECRET_MAX, SECRET_MIN } from './secrets.ts';
export { MEANINGS, type Meaning, type Qualification, type Signature } from './signature.ts';
export { SIGNATURES_MAX, Signatures } from './signatures.ts';
export { separate, signedBy, twoPeople } from './signing-rules.ts';
export { mayActAt, siteKey } from './sites.ts';
export { putSignatures, type Signed, signaturesOf } from './stored-signatures.ts';
export * from './vault/index.ts';
