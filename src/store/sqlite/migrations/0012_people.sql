-- People, what proves who they are, what they signed, and who read what of whom (domain.md §15, INV-29).
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
--> statement-breakpoint
CREATE TABLE person_secret (
  person TEXT PRIMARY KEY NOT NULL,
  hash TEXT,                             -- argon2id
  setup_code TEXT,                       -- SHA-256, until it is used
  setup_expires INTEGER,                 -- ms
  failures INTEGER NOT NULL,             -- in a row
  locked_until INTEGER NOT NULL          -- ms
) STRICT;
--> statement-breakpoint
CREATE TABLE session (
  id TEXT PRIMARY KEY NOT NULL,
  hash TEXT NOT NULL UNIQUE,             -- SHA-256 of the bearer
  person TEXT NOT NULL,
  created INTEGER NOT NULL,              -- ms
  expires INTEGER NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX session_person ON session (person);
--> statement-breakpoint
CREATE TABLE signing_token (
  digest TEXT PRIMARY KEY NOT NULL,      -- SHA-256 of the token
  person TEXT NOT NULL,
  signature TEXT NOT NULL,               -- JSON: the signature that it is good for
  record TEXT,                           -- the content that it is bound to
  created INTEGER NOT NULL,              -- ms
  expires INTEGER NOT NULL,
  used INTEGER
) STRICT;
--> statement-breakpoint
CREATE INDEX signing_token_expires ON signing_token (expires);
--> statement-breakpoint
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
--> statement-breakpoint
CREATE UNIQUE INDEX signature_seq ON signature (seq, place);
--> statement-breakpoint
CREATE INDEX signature_about ON signature (about, seq) WHERE about IS NOT NULL;
--> statement-breakpoint
CREATE INDEX signature_person ON signature (person, seq);
--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX read_log_actor ON read_log (actor, seq);
--> statement-breakpoint
CREATE INDEX read_log_open ON read_log (seq) WHERE break_glass IS NOT NULL AND approved_seq IS NULL;
--> statement-breakpoint
CREATE TABLE read_subject (
  kind TEXT NOT NULL,                    -- chain, patient, donor
  ref TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (kind, ref, seq)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX read_subject_seq ON read_subject (seq);
--> statement-breakpoint
ALTER TABLE api_key ADD COLUMN sites TEXT NOT NULL DEFAULT '[]'; -- JSON: canonical keys; none: everywhere
