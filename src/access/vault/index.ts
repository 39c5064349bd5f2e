/**
 * The identity vault: who patients and donors are, encrypted, each under a key that can be destroyed. Nothing personal is anywhere else; the journal holds
 * references and commitments (domain.md §18.4). The pure parts are the forms of values (canonical.ts) and the words looked for in texts (words.ts).
 */
export {
  applyVaultChange,
  type Erased,
  type ErasureClass,
  eraseAgain,
  insertErasures,
  insertLinks,
  insertSalts,
  insertTokens,
  insertVault,
  VAULT_KEY_META,
  type VaultChange,
} from './changes.ts';
export { ERASURES_FILE, lackingErasures, noteErasures, readErasures } from './erasure-list.ts';
export { masterKey, openVaultKey, VAULT_KEY_FILE } from './master-key.ts';
export { type Identity, isContact, Vault, type VaultStore } from './vault.ts';
