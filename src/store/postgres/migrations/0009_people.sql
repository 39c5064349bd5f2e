-- People, what proves who they are, what they signed, and who read what of whom (domain.md §15, INV-29).
CREATE TABLE person (
  seq BIGINT PRIMARY KEY,                -- the entry that registered them
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  login TEXT COLLATE "C" NOT NULL UNIQUE, -- in small letters; one person's for ever
  name TEXT COLLATE "C" NOT NULL,        -- as it is printed beside a signature
  roles TEXT COLLATE "C" NOT NULL,       -- JSON
  sites TEXT COLLATE "C" NOT NULL,       -- JSON: canonical keys; none: everywhere
  qualifications TEXT COLLATE "C" NOT NULL, -- JSON: step, until
  created BIGINT NOT NULL,               -- record time, microseconds
  ended BIGINT
);
--> statement-breakpoint
CREATE TABLE person_secret (
  person TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  hash TEXT COLLATE "C",                 -- argon2id
  setup_code TEXT COLLATE "C",           -- SHA-256, until it is used
  setup_expires BIGINT,                  -- ms
  failures INTEGER NOT NULL,             -- in a row
  locked_until BIGINT NOT NULL           -- ms
);
--> statement-breakpoint
CREATE TABLE session (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  hash TEXT COLLATE "C" NOT NULL UNIQUE, -- SHA-256 of the bearer
  person TEXT COLLATE "C" NOT NULL,
  created BIGINT NOT NULL,               -- ms
  expires BIGINT NOT NULL
);
--> statement-breakpoint
CREATE INDEX session_person ON session (person);
--> statement-breakpoint
CREATE TABLE signing_token (
  digest TEXT COLLATE "C" PRIMARY KEY NOT NULL, -- SHA-256 of the token
  person TEXT COLLATE "C" NOT NULL,
  signature TEXT COLLATE "C" NOT NULL,   -- JSON: the signature that it is good for
  record TEXT COLLATE "C",               -- the content that it is bound to
  created BIGINT NOT NULL,               -- ms
  expires BIGINT NOT NULL,
  used BIGINT
);
--> statement-breakpoint
CREATE INDEX signing_token_expires ON signing_token (expires);
--> statement-breakpoint
CREATE TABLE signature (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  seq BIGINT NOT NULL,                   -- the entry that was signed
  place INTEGER NOT NULL,                -- among its signatures
  person TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,        -- as printed then
  standing TEXT COLLATE "C" NOT NULL,    -- JSON: roles, sites and qualifications, as they were then
  meaning TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C",
  at BIGINT NOT NULL,                    -- of the authentication, ms
  utc_offset TEXT COLLATE "C" NOT NULL,  -- of the place where it was given
  session TEXT COLLATE "C" NOT NULL,     -- what asked for the token: a key or a session
  recorded BIGINT NOT NULL,              -- record time, microseconds
  content TEXT COLLATE "C" NOT NULL,     -- SHA-256 of what was signed
  about TEXT COLLATE "C",                -- the record that it is about
  version INTEGER NOT NULL               -- the nth signed entry about it
);
--> statement-breakpoint
CREATE UNIQUE INDEX signature_seq ON signature (seq, place);
--> statement-breakpoint
CREATE INDEX signature_about ON signature (about, seq) WHERE about IS NOT NULL;
--> statement-breakpoint
CREATE INDEX signature_person ON signature (person, seq);
--> statement-breakpoint
CREATE TABLE read_log (
  seq BIGINT PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  at BIGINT NOT NULL,                    -- record time, microseconds
  actor TEXT COLLATE "C" NOT NULL,
  purpose TEXT COLLATE "C" NOT NULL,
  what TEXT COLLATE "C" NOT NULL,        -- the call
  break_glass TEXT COLLATE "C",          -- why it was read past what is needed
  approved_seq BIGINT                    -- the entry by which a second person approved that
);
--> statement-breakpoint
CREATE INDEX read_log_actor ON read_log (actor, seq);
--> statement-breakpoint
CREATE INDEX read_log_open ON read_log (seq) WHERE break_glass IS NOT NULL AND approved_seq IS NULL;
--> statement-breakpoint
CREATE TABLE read_subject (
  kind TEXT COLLATE "C" NOT NULL,        -- chain, patient, donor
  ref TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (kind, ref, seq)
);
--> statement-breakpoint
CREATE INDEX read_subject_seq ON read_subject (seq);
--> statement-breakpoint
ALTER TABLE api_key ADD COLUMN sites TEXT COLLATE "C" NOT NULL DEFAULT '[]'; -- JSON: canonical keys; none: everywhere
