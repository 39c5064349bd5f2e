CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  roles TEXT NOT NULL,                   -- JSON
  hash BLOB NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  ended INTEGER
, sites TEXT NOT NULL DEFAULT '[]') STRICT, WITHOUT ROWID;

CREATE TABLE batch (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  class INTEGER NOT NULL,
  lot TEXT NOT NULL,
  expiry TEXT NOT NULL,                  -- as it was given: a date, or a month
  line TEXT NOT NULL,
  planned INTEGER NOT NULL,
  terms TEXT NOT NULL,                   -- JSON: what else was agreed when it was opened
  opened INTEGER NOT NULL,               -- record time, microseconds
  state TEXT NOT NULL,                   -- open, closed
  cleared TEXT,                          -- JSON: who cleared the line, and when
  close_seq INTEGER,                     -- the last attempt to close it
  result TEXT,                           -- JSON: what that attempt came to
  UNIQUE (class, lot)
) STRICT;

CREATE TABLE capture_job (
  id INTEGER PRIMARY KEY,
  capture_id TEXT NOT NULL UNIQUE,
  actor TEXT NOT NULL,
  behaviour TEXT NOT NULL,
  created INTEGER NOT NULL,
  finished INTEGER NOT NULL,
  success INTEGER NOT NULL,
  events INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  errors TEXT NOT NULL                   -- JSON array of problems
) STRICT;

CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY,
  signed_at INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE class (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE coi_act (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  told TEXT NOT NULL                     -- JSON: when, by whom, what, with which signatures
) STRICT;

CREATE TABLE coi_alias (
  alias TEXT PRIMARY KEY,                -- a canonical key
  key TEXT NOT NULL,                     -- the one by which the container goes
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX coi_alias_key ON coi_alias (key);

CREATE TABLE coi_binding (
  node INTEGER NOT NULL,                 -- an item, or a lot as its negative
  kind TEXT NOT NULL,                    -- c: of this chain; d: of this donor; h: has held, or gone with, material of this chain
  ref TEXT NOT NULL,
  PRIMARY KEY (node, kind, ref)
) STRICT, WITHOUT ROWID;

CREATE INDEX coi_binding_ref ON coi_binding (ref, kind, node);

CREATE TABLE coi_chain (
  chain TEXT PRIMARY KEY,
  order_id TEXT UNIQUE,
  patient TEXT,                          -- a pseudonym
  product TEXT,
  site TEXT,                             -- of the treatment
  state TEXT,
  seq INTEGER NOT NULL,                  -- the entry after which it was folded last
  view TEXT NOT NULL                     -- JSON: what it comes to (identity/view.ts)
) STRICT, WITHOUT ROWID;

CREATE INDEX coi_chain_patient ON coi_chain (patient);

CREATE INDEX coi_chain_state ON coi_chain (state, chain);

CREATE TABLE coi_event (
  seq INTEGER PRIMARY KEY,
  told TEXT NOT NULL                     -- JSON: the event as identity sees it (identity/event.ts)
) STRICT;

CREATE TABLE coi_hold (
  id TEXT NOT NULL,
  chain TEXT NOT NULL,                   -- empty: of material that belongs to no chain
  told TEXT NOT NULL,                    -- JSON: scope, things, codes, reason
  seq INTEGER NOT NULL,
  lifted INTEGER,                        -- the entry that lifted it
  PRIMARY KEY (id, chain)
) STRICT, WITHOUT ROWID;

CREATE INDEX coi_hold_chain ON coi_hold (chain);

CREATE TABLE coi_part (
  kind TEXT NOT NULL,                    -- by what an event or act is found: chain, order, thing, space, patient, donor, device, kind, from, alias
  key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (kind, key, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE containment (
  child INTEGER NOT NULL,                -- an item, or a lot as its negative
  from_seq INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  kind INTEGER NOT NULL,                 -- 0 aggregation, 1 association
  uom TEXT NOT NULL,
  quantity REAL,
  to_time INTEGER,
  to_seq INTEGER,
  inferred INTEGER NOT NULL,             -- 1: ended because it appeared elsewhere
  known_seq INTEGER NOT NULL,            -- the entry since which this row reads so
  PRIMARY KEY (child, from_seq, parent, kind, uom)
) STRICT, WITHOUT ROWID;

CREATE INDEX containment_parent ON containment (parent, to_time);

CREATE TABLE containment_past (
  id INTEGER PRIMARY KEY,
  child INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  uom TEXT NOT NULL,
  quantity REAL,
  to_time INTEGER,
  to_seq INTEGER,
  inferred INTEGER NOT NULL,
  known_seq INTEGER NOT NULL,
  until_seq INTEGER NOT NULL             -- the entry since which it no longer reads so
) STRICT;

CREATE INDEX containment_past_child ON containment_past (child);

CREATE INDEX containment_past_parent ON containment_past (parent);

CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,               -- dense from 0: the leaf index of the log
  kind TEXT NOT NULL,                    -- event, refusal, resolution, masterdata, access
  record_time INTEGER NOT NULL,          -- microseconds since 1970 UTC, never decreasing
  actor TEXT NOT NULL,                   -- the principal's random id
  capture INTEGER,                       -- payload.capture
  event_hash BLOB,
  body_digest BLOB NOT NULL,             -- SHA-256 of the body as it was sent
  payload_digest BLOB,                   -- on the first entry of a capture: SHA-256 of the whole document
  leaf_hash BLOB NOT NULL,
  encoding INTEGER NOT NULL,             -- of body: 0 plain, 1 raw deflate
  body BLOB NOT NULL
) STRICT;

CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  type INTEGER NOT NULL,
  action INTEGER,                        -- 0 ADD, 1 OBSERVE, 2 DELETE
  time INTEGER NOT NULL,                 -- whole milliseconds since 1970 UTC
  below TEXT NOT NULL,                   -- the digits of eventTime below the millisecond
  rank INTEGER NOT NULL,
  utc_offset TEXT NOT NULL,
  event_id TEXT,                         -- as sent; without one the event goes by its hash
  hash BLOB NOT NULL,
  digest BLOB NOT NULL,
  biz_step INTEGER,
  disposition INTEGER,
  read_point INTEGER,
  biz_location INTEGER,
  parent INTEGER,
  transformation INTEGER,                -- term of the transformationID
  declares INTEGER NOT NULL,             -- 1: carries an errorDeclaration
  void_seq INTEGER,                      -- the declaration that voids it
  twin_of INTEGER,                       -- the event whose effect this one repeats
  facts TEXT NOT NULL
, rules INTEGER NOT NULL DEFAULT 1) STRICT;

CREATE INDEX event_biz_location ON event (biz_location);

CREATE INDEX event_biz_step ON event (biz_step);

CREATE INDEX event_declares ON event (seq) WHERE declares = 1;

CREATE INDEX event_digest ON event (digest);

CREATE INDEX event_disposition ON event (disposition);

CREATE INDEX event_event_id ON event (event_id) WHERE event_id IS NOT NULL;

CREATE INDEX event_hash ON event (hash);

CREATE INDEX event_read_point ON event (read_point);

CREATE INDEX event_time ON event (time);

CREATE INDEX event_transformation ON event (transformation) WHERE transformation IS NOT NULL;

CREATE INDEX event_type ON event (type);

CREATE TABLE event_field (
  field INTEGER NOT NULL,                -- term of its name, as parameters have it: ILMD_<namespace>#<local>, bizTransaction_po, value_KEL
  key TEXT NOT NULL,                     -- the value, so that it sorts: epcis/query/field-key.ts
  seq INTEGER NOT NULL,
  part INTEGER NOT NULL,                 -- the sensor report that says it, from 1 on; 0 is the event itself
  PRIMARY KEY (field, key, seq, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_field_event ON event_field (seq, field);

CREATE TABLE event_item (
  item INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  role INTEGER NOT NULL,
  PRIMARY KEY (item, seq, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_lot (
  lot INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  role INTEGER NOT NULL,
  quantity REAL,
  uom TEXT,
  PRIMARY KEY (lot, seq, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE finding (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL,
  seq INTEGER NOT NULL,                  -- the event it is about
  severity TEXT NOT NULL,
  state TEXT NOT NULL,                   -- open, closed
  opened INTEGER NOT NULL,               -- record time, microseconds
  due INTEGER,
  closed_seq INTEGER,
  resolution TEXT, stage TEXT NOT NULL DEFAULT 'open', owner TEXT, record TEXT,                       -- JSON of the person's resolution
  UNIQUE (code, seq)
) STRICT;

CREATE INDEX finding_state ON finding (state, id);

CREATE TABLE finding_thing (
  finding INTEGER NOT NULL,
  node INTEGER NOT NULL,
  other INTEGER NOT NULL,                -- the other event it comes from, -1 where there is none
  PRIMARY KEY (finding, node, other)
) STRICT, WITHOUT ROWID;

CREATE INDEX finding_thing_node ON finding_thing (node);

CREATE TABLE item (
  id INTEGER PRIMARY KEY,
  class INTEGER NOT NULL,
  serial TEXT NOT NULL,
  lot INTEGER,
  expiry INTEGER,
  parent INTEGER,
  entered_seq INTEGER,
  status INTEGER,
  status_seq INTEGER,
  before INTEGER,
  before_seq INTEGER,
  disposition INTEGER,
  disposition_seq INTEGER,
  holder INTEGER,
  owner INTEGER,
  custody_seq INTEGER,
  place INTEGER,
  place_seq INTEGER,
  last_seq INTEGER,
  claim_seq INTEGER,
  flags INTEGER NOT NULL,
  persistent TEXT
) STRICT;

CREATE INDEX item_consumed ON item (lot) WHERE (flags & 4) = 4;

CREATE INDEX item_pack ON item (lot) WHERE lot IS NOT NULL AND (flags & 1) = 0;

CREATE VIEW item_name AS SELECT class, serial, id FROM name WHERE recent IN (0, 1);

CREATE TABLE lineage (
  transformation INTEGER NOT NULL,       -- the event's seq, or the negative term of its transformationID
  side INTEGER NOT NULL,                 -- 0 input, 1 output
  node INTEGER NOT NULL,                 -- an item, or a lot as its negative
  seq INTEGER NOT NULL,
  quantity REAL,
  uom TEXT,
  PRIMARY KEY (transformation, side, node, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX lineage_node ON lineage (node, side);

CREATE TABLE link (
  thing TEXT PRIMARY KEY,                -- canonical key
  links TEXT NOT NULL,                   -- JSON: [{linkType, href, title, hreflang, type}]
  preferred TEXT,                        -- the link type that is followed where none is asked for
  seq INTEGER NOT NULL                   -- the entry
) STRICT, WITHOUT ROWID;

CREATE TABLE lot (
  id INTEGER PRIMARY KEY,
  class INTEGER NOT NULL,
  lot TEXT NOT NULL,                     -- '' is the class as a whole
  expiry INTEGER,
  parent INTEGER,
  entered_seq INTEGER,
  status INTEGER,
  status_seq INTEGER,
  before INTEGER,
  before_seq INTEGER,
  disposition INTEGER,
  disposition_seq INTEGER,
  holder INTEGER,
  owner INTEGER,
  custody_seq INTEGER,
  place INTEGER,
  place_seq INTEGER,
  last_seq INTEGER,
  claim_seq INTEGER,
  flags INTEGER NOT NULL,
  persistent TEXT,
  balance TEXT,                          -- JSON {in, out} a quantity kind
  UNIQUE (class, lot)
) STRICT;

CREATE TABLE masterdata (
  type TEXT NOT NULL,
  id TEXT NOT NULL,                      -- canonical key
  seq INTEGER NOT NULL,
  attributes TEXT NOT NULL,
  children TEXT NOT NULL, sent TEXT,
  PRIMARY KEY (type, id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX masterdata_id ON masterdata (id);

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE name (
  recent INTEGER NOT NULL,               -- 1: in the small part
  class INTEGER NOT NULL,
  serial TEXT NOT NULL,
  id INTEGER NOT NULL,                   -- the item's
  PRIMARY KEY (recent, class, serial)
) STRICT, WITHOUT ROWID;

CREATE TABLE named_query (
  name TEXT PRIMARY KEY,
  query TEXT NOT NULL,                   -- JSON, as it was given
  actor TEXT NOT NULL,                   -- the key that made it
  created INTEGER NOT NULL               -- ms
) STRICT, WITHOUT ROWID;

CREATE TABLE number (
  class INTEGER NOT NULL,
  serial TEXT NOT NULL,
  pool INTEGER NOT NULL,
  grant_seq INTEGER,                     -- nothing: imported, and not granted yet
  position INTEGER NOT NULL,             -- its place in the grant, or in what was imported
  state INTEGER NOT NULL,                -- of OPEN-SCS: 1 Unallocated, 2 Allocated, 3 SNInvalid
  tail TEXT,                             -- what an authority gave with it, such as a crypto code
  PRIMARY KEY (class, serial)
) STRICT, WITHOUT ROWID;

CREATE INDEX number_in_grant ON number (grant_seq, position) WHERE grant_seq IS NOT NULL;

CREATE INDEX number_waiting ON number (pool, position) WHERE grant_seq IS NULL;

CREATE TABLE number_grant (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  pool INTEGER NOT NULL,
  requester TEXT NOT NULL,
  run TEXT NOT NULL,                     -- the id of a batch, or what the requester calls it
  repeat_key TEXT UNIQUE,                -- the Idempotency-Key that it was asked for with
  quantity INTEGER NOT NULL,
  returned INTEGER NOT NULL,
  invalid INTEGER NOT NULL
) STRICT;

CREATE INDEX number_grant_pool ON number_grant (pool);

CREATE INDEX number_grant_run ON number_grant (run);

CREATE TABLE payload (
  capture INTEGER PRIMARY KEY,
  capture_id TEXT NOT NULL UNIQUE,
  digest BLOB NOT NULL,
  context TEXT NOT NULL,                 -- the document's @context, JSON
  parts TEXT NOT NULL,                   -- JSON: numbers are bytes taken from gaps, [seq] the body of that entry
  encoding INTEGER NOT NULL,
  gaps BLOB NOT NULL
) STRICT;

CREATE TABLE person (
  seq INTEGER PRIMARY KEY,               -- the entry that registered them
  id TEXT NOT NULL UNIQUE,
  login TEXT NOT NULL UNIQUE,            -- in small letters; one person's for ever
  name TEXT NOT NULL,                    -- as it is printed beside a signature
  roles TEXT NOT NULL,                   -- JSON
  sites TEXT NOT NULL,                   -- JSON: canonical keys; none: everywhere
  qualifications TEXT NOT NULL,          -- JSON: step, until
  created INTEGER NOT NULL,              -- record time, microseconds
  ended INTEGER
) STRICT;

CREATE TABLE person_secret (
  person TEXT PRIMARY KEY NOT NULL,
  hash TEXT,                             -- argon2id
  setup_code TEXT,                       -- SHA-256, until it is used
  setup_expires INTEGER,                 -- ms
  failures INTEGER NOT NULL,             -- in a row
  locked_until INTEGER NOT NULL          -- ms
) STRICT;

CREATE TABLE pool (
  seq INTEGER PRIMARY KEY,               -- the entry that made it
  id TEXT NOT NULL UNIQUE,
  class INTEGER NOT NULL,                -- of the things that will bear its numbers
  head TEXT NOT NULL,                    -- what every number of it begins with: of an SSCC extension digit and company prefix, else nothing
  length INTEGER NOT NULL,               -- characters that are made, behind the head
  alphabet TEXT NOT NULL,
  site TEXT,                             -- a GLN
  next INTEGER NOT NULL,                 -- of an SSCC pool, the first reference that was not tried yet
  granted INTEGER NOT NULL,
  returned INTEGER NOT NULL,             -- of these, given back unused and purged
  imported INTEGER NOT NULL,             -- numbers taken in from outside
  low_seq INTEGER                        -- the entry that found it low, while it is
) STRICT;

CREATE INDEX pool_class ON pool (class);

CREATE TABLE prefix (scheme TEXT NOT NULL, company TEXT NOT NULL, PRIMARY KEY (scheme, company)) STRICT, WITHOUT ROWID;

CREATE TABLE read_log (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,                   -- record time, microseconds
  actor TEXT NOT NULL,
  purpose TEXT NOT NULL,
  what TEXT NOT NULL,                    -- the call
  break_glass TEXT,                      -- why it was read past what is needed
  approved_seq INTEGER                   -- the entry by which a second person approved that
) STRICT;

CREATE INDEX read_log_actor ON read_log (actor, seq);

CREATE INDEX read_log_open ON read_log (seq) WHERE break_glass IS NOT NULL AND approved_seq IS NULL;

CREATE TABLE read_subject (
  kind TEXT NOT NULL,                    -- chain, patient, donor
  ref TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (kind, ref, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX read_subject_seq ON read_subject (seq);

CREATE TABLE session (
  id TEXT PRIMARY KEY NOT NULL,
  hash TEXT NOT NULL UNIQUE,             -- SHA-256 of the bearer
  person TEXT NOT NULL,
  created INTEGER NOT NULL,              -- ms
  expires INTEGER NOT NULL
) STRICT;

CREATE INDEX session_person ON session (person);

CREATE TABLE signature (
  id TEXT PRIMARY KEY NOT NULL,
  seq INTEGER NOT NULL,                  -- the entry that was signed
  place INTEGER NOT NULL,                -- among its signatures
  person TEXT NOT NULL,
  name TEXT NOT NULL,                    -- as printed then
  standing TEXT NOT NULL,                -- JSON: roles, sites and qualifications, as they were then
  meaning TEXT NOT NULL,
  reason TEXT,
  at INTEGER NOT NULL,                   -- of the authentication, ms
  utc_offset TEXT NOT NULL,              -- of the place where it was given
  session TEXT NOT NULL,                 -- what asked for the token: a key or a session
  recorded INTEGER NOT NULL,             -- record time, microseconds
  content TEXT NOT NULL,                 -- SHA-256 of what was signed
  about TEXT,                            -- the record that it is about
  version INTEGER NOT NULL               -- the nth signed entry about it
) STRICT;

CREATE INDEX signature_about ON signature (about, seq) WHERE about IS NOT NULL;

CREATE INDEX signature_person ON signature (person, seq);

CREATE UNIQUE INDEX signature_seq ON signature (seq, place);

CREATE TABLE signing_token (
  digest TEXT PRIMARY KEY NOT NULL,      -- SHA-256 of the token
  person TEXT NOT NULL,
  signature TEXT NOT NULL,               -- JSON: the signature that it is good for
  record TEXT,                           -- the content that it is bound to
  created INTEGER NOT NULL,              -- ms
  expires INTEGER NOT NULL,
  used INTEGER
) STRICT;

CREATE INDEX signing_token_expires ON signing_token (expires);

CREATE TABLE subscription (
  id TEXT PRIMARY KEY,
  query TEXT NOT NULL,                   -- name of the query
  actor TEXT NOT NULL,                   -- the key that subscribed, and has to be allowed to read
  created INTEGER NOT NULL,              -- ms
  terms TEXT NOT NULL,                   -- JSON: where to, when, how, and the secret that signs
  next_seq INTEGER NOT NULL,             -- the first entry that has not been looked at for it
  version INTEGER NOT NULL,              -- counts changes of next_seq and progress: who knows an old one changes nothing
  progress TEXT NOT NULL                 -- JSON: what was delivered, what went wrong, and when it is tried again
) STRICT, WITHOUT ROWID;

CREATE INDEX subscription_query ON subscription (query, created, id);

CREATE TABLE term (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE tile (
  level INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  hashes BLOB NOT NULL,                  -- 32 bytes a hash, 1 to 256 of them
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE vault (
  ref TEXT PRIMARY KEY,                  -- pr_ or dr_ and 26 random characters
  kind TEXT NOT NULL,                    -- patient, donor
  state TEXT NOT NULL,                   -- open, restricted, erased
  version INTEGER NOT NULL,              -- 1 and one more with every rectification
  wrapped TEXT,                          -- the person's data key under the master key; null once erased
  sealed TEXT,                           -- the identity under the data key
  contact_wrapped TEXT,                  -- contact details have a key of their own, for they may go first
  contact_sealed TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE vault_erasure (
  id TEXT PRIMARY KEY,                   -- erasureId of the act
  ref TEXT NOT NULL,
  class TEXT NOT NULL,                   -- contact, identity
  seq INTEGER,                           -- of the act
  time INTEGER NOT NULL                  -- ms
) STRICT, WITHOUT ROWID;

CREATE TABLE vault_link (
  ref TEXT NOT NULL,                     -- one of two references of the same person
  id TEXT NOT NULL,                      -- of the link: two rows have it
  sealed TEXT NOT NULL,                  -- the other one, under the data key of this one
  PRIMARY KEY (ref, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX vault_link_id ON vault_link (id);

CREATE TABLE vault_salt (
  commitment TEXT PRIMARY KEY,           -- hmac: and hex, as acts have it
  ref TEXT NOT NULL,
  sealed TEXT NOT NULL                   -- salt and kind of value, under the data key
) STRICT, WITHOUT ROWID;

CREATE INDEX vault_salt_ref ON vault_salt (ref);

CREATE TABLE vault_token (
  token TEXT NOT NULL,                   -- HMAC of a word by which the person is known, under a key derived from the master key
  ref TEXT NOT NULL,
  contact INTEGER NOT NULL,              -- 1: of contact details alone
  PRIMARY KEY (token, ref)
) STRICT, WITHOUT ROWID;

CREATE INDEX vault_token_ref ON vault_token (ref);

CREATE TABLE verification (
  id TEXT PRIMARY KEY,                   -- ms since 1970 in 13 digits and a random tail: it rises with time
  at INTEGER NOT NULL,                   -- ms
  caller TEXT NOT NULL,                  -- the principal's id
  call TEXT NOT NULL,                    -- verify, scan, bulk, pack-verify, decommission, reactivate
  product TEXT,                          -- GTIN, where it can be read
  thing TEXT,                            -- canonical key, where everything that was given agreed with what is stored
  serial_hash TEXT,                      -- of any other serial number, under a secret of this store
  site TEXT,                             -- GLN of who asked
  corr TEXT NOT NULL,                    -- the caller's corrUUID, or one that was made for it
  question TEXT NOT NULL,                -- digest of what was asked
  scan TEXT,                             -- JSON: the raw code, the profile, the warnings
  outcome TEXT NOT NULL,                 -- true, false, error (could not check)
  reason TEXT,                           -- why not
  info TEXT,
  took INTEGER NOT NULL,                 -- microseconds
  answer TEXT                            -- JSON as it was given; null where there was none
) STRICT, WITHOUT ROWID;

CREATE INDEX verification_corr ON verification (caller, corr);

CREATE INDEX verification_thing ON verification (thing, at) WHERE thing IS NOT NULL;
