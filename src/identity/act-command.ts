import type { Act, ActKind } from './acts.ts';
import type { Signature } from './world.ts';

/** An act of people, as a command of the journal: decided when it is asked for, taken as it is when the journal is replayed. */
export type IdentityAct = {
  kind: 'identity-act';
  id: string;
  act: ActKind;
  body: Act;
  /** When it was done, ms since 1970. */
  time: number;
  signatures: readonly Signature[];
  /** Digest of what they signed (contentDigest); that of the act itself, where not given. */
  content?: string;
};

/** The kind of its entry. */
export const IDENTITY_ENTRY = 'identity';
