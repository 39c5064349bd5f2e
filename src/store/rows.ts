/** Rows as the tables hold them (migrations/0000_journal.sql says what each column means). Texts that repeat are term ids. */

/** A node is an item's id, or a lot's id as its negative. */
export type ThingRow = {
  node: number;
  class: number;
  /** An item's lot, as its node (negative); null where unknown, and always for lots. */
  lot: number | null;
  expiry: number | null;
  parent: number | null;
  entered_seq: number | null;
  status: number | null;
  status_seq: number | null;
  before: number | null;
  before_seq: number | null;
  disposition: number | null;
  disposition_seq: number | null;
  holder: number | null;
  owner: number | null;
  custody_seq: number | null;
  place: number | null;
  place_seq: number | null;
  last_seq: number | null;
  claim_seq: number | null;
  flags: number;
  persistent: string | null;
  /** Lots only. */
  balance: string | null;
};

export type NewThing = ThingRow & { /** serial of an item, text of a lot */ name: string };

export type EventRow = {
  seq: number;
  type: number;
  action: number | null;
  time: number;
  below: string;
  rank: number;
  utc_offset: string;
  event_id: string | null;
  hash: Uint8Array;
  digest: Uint8Array;
  biz_step: number | null;
  disposition: number | null;
  read_point: number | null;
  biz_location: number | null;
  parent: number | null;
  transformation: number | null;
  declares: number;
  void_seq: number | null;
  twin_of: number | null;
  facts: string;
  /** The set of rules by which it was judged (lifecycle/rules-version.ts). */
  rules: number;
};

/** What sameness and voiding ask of stored events. */
export type KnownEvent = Pick<EventRow, 'seq' | 'event_id' | 'hash' | 'digest' | 'declares' | 'void_seq' | 'twin_of'>;

export type IntervalRow = {
  child: number;
  from_seq: number;
  parent: number;
  kind: number;
  uom: string;
  quantity: number | null;
  to_time: number | null;
  to_seq: number | null;
  inferred: number;
  known_seq: number;
};

export type PartRow = { lot: number; seq: number; role: number; quantity: number | null; uom: string | null };
/** One value of an event that parameters of queries ask for (EventField), its name as a term. */
export type FieldRow = { field: number; key: string; seq: number; part: number };
export type LineageRow = { transformation: number; side: 0 | 1; node: number; seq: number; quantity: number | null; uom: string | null };
/** A line of lineage with the place of its event in the order of effects (all of them transformations). */
export type LineageStep = LineageRow & Pick<EventRow, 'time' | 'below' | 'digest'>;
export type FindingThing = { code: string; seq: number; node: number; other: number };
export type FindingRow = { code: string; seq: number; severity: string; opened: number; due: number | null };

export type EntryRow = {
  seq: number;
  kind: string;
  record_time: number;
  actor: string;
  capture: number | null;
  event_hash: Uint8Array | null;
  body_digest: Uint8Array;
  payload_digest: Uint8Array | null;
  leaf_hash: Uint8Array;
  encoding: number;
  body: Uint8Array;
};

export type PayloadRow = {
  capture: number;
  capture_id: string;
  digest: Uint8Array;
  context: string;
  parts: string;
  encoding: number;
  gaps: Uint8Array;
};

export type JobRow = {
  id: number;
  capture_id: string;
  actor: string;
  behaviour: string;
  created: number;
  finished: number;
  success: number;
  events: number;
  stored: number;
  errors: string;
};

/** `sent` is a list: the id and the children as they were sent. Null in rows of a version that did not keep it. */
export type MasterdataRow = { type: string; id: string; seq: number; attributes: string; children: string; sent: string | null };
/** `links` is JSON; `preferred` the link type that is followed where none is asked for. */
export type LinkRow = { thing: string; links: string; preferred: string | null; seq: number };
export type KeyRow = {
  id: string;
  name: string;
  roles: string;
  hash: Uint8Array;
  created: number;
  ended: number | null;
  /** JSON: canonical keys. */
  sites: string;
};
/** What proves who a person is; `hash` is argon2id's. Times in ms. */
export type PersonSecretRow = {
  person: string;
  hash: string | null;
  setup_code: string | null;
  setup_expires: number | null;
  failures: number;
  locked_until: number;
};
/** Times in ms. */
export type SessionRow = { id: string; hash: string; person: string; created: number; expires: number };
/** `signature` is JSON: what the token is good for. Times in ms. */
export type SigningTokenRow = {
  digest: string;
  person: string;
  signature: string;
  record: string | null;
  created: number;
  expires: number;
  used: number | null;
};
/** Times in ms. */
export type QueryRow = { name: string; query: string; actor: string; created: number };
export type SubscriptionRow = {
  id: string;
  query: string;
  actor: string;
  created: number;
  terms: string;
  next_seq: number;
  version: number;
  progress: string;
};
/** A request to verify a pack, and what it was answered (verification/). `at` in ms, `took` in microseconds. */
export type VerificationRow = {
  id: string;
  at: number;
  caller: string;
  call: string;
  product: string | null;
  /** Canonical key, where everything that was given agreed. */
  thing: string | null;
  serial_hash: string | null;
  /** GLN. */
  site: string | null;
  corr: string;
  question: string;
  /** JSON. */
  scan: string | null;
  outcome: 'true' | 'false' | 'error';
  reason: string | null;
  info: string | null;
  took: number;
  /** JSON. */
  answer: string | null;
};

export type PoolRow = {
  seq: number;
  id: string;
  class: number;
  head: string;
  length: number;
  alphabet: string;
  site: string | null;
  next: number;
  granted: number;
  returned: number;
  imported: number;
  low_seq: number | null;
};
export type NumberGrantRow = {
  seq: number;
  id: string;
  pool: number;
  requester: string;
  run: string;
  repeat_key: string | null;
  quantity: number;
  returned: number;
  invalid: number;
};
export type BatchRow = {
  seq: number;
  id: string;
  class: number;
  lot: string;
  expiry: string;
  line: string;
  planned: number;
  terms: string;
  opened: number;
  state: 'open' | 'closed';
  cleared: string | null;
  close_seq: number | null;
  result: string | null;
};

/** A person in the vault (access/vault/). Everything of theirs is sealed, base64url; null once it is erased. Contact details have a data key of their own. */
export type VaultRow = {
  ref: string;
  kind: 'patient' | 'donor';
  state: 'open' | 'restricted' | 'erased';
  version: number;
  wrapped: string | null;
  sealed: string | null;
  contact_wrapped: string | null;
  contact_sealed: string | null;
};
/** What opens a commitment: salt and kind of value, sealed under the person's data key. */
export type VaultSaltRow = { commitment: string; ref: string; sealed: string };
/** A word by which a person is known, hashed under the vault's key; of contact details 1. */
export type VaultTokenRow = { token: string; ref: string; contact: number };
/** The same person under another reference, told to this one; a link is two rows. */
export type VaultLinkRow = { ref: string; id: string; sealed: string };
/** `time` in ms; `seq` of the act that decided it. */
export type VaultErasureRow = { id: string; ref: string; class: 'contact' | 'identity'; seq: number | null; time: number };
export type CoiBindingRow = { node: number; kind: 'c' | 'd' | 'h'; ref: string };
export type CoiHoldRow = { id: string; chain: string; told: string; seq: number; lifted: number | null };
