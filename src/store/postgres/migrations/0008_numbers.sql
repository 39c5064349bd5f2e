-- Serial numbers before they are on anything: pools, what was granted of them, and the batches that they were granted for (domain.md §4.1, §5).
CREATE TABLE pool (
  seq BIGINT PRIMARY KEY,                -- the entry that made it
  next BIGINT NOT NULL,                  -- of an SSCC pool, the first reference that was not tried yet
  granted BIGINT NOT NULL,
  returned BIGINT NOT NULL,              -- of these, given back unused and purged
  imported BIGINT NOT NULL,              -- numbers taken in from outside
  low_seq BIGINT,                        -- the entry that found it low, while it is
  class INTEGER NOT NULL,                -- of the things that will bear its numbers
  length INTEGER NOT NULL,               -- characters that are made, behind the head
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  head TEXT COLLATE "C" NOT NULL,        -- what every number of it begins with: of an SSCC extension digit and company prefix, else nothing
  alphabet TEXT COLLATE "C" NOT NULL,
  site TEXT COLLATE "C"                  -- a GLN
);
--> statement-breakpoint
CREATE INDEX pool_class ON pool (class);
--> statement-breakpoint
CREATE TABLE number_grant (
  seq BIGINT PRIMARY KEY,
  pool BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  returned BIGINT NOT NULL,
  invalid BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  requester TEXT COLLATE "C" NOT NULL,
  run TEXT COLLATE "C" NOT NULL,         -- the id of a batch, or what the requester calls it
  repeat_key TEXT COLLATE "C" UNIQUE     -- the Idempotency-Key that it was asked for with
);
--> statement-breakpoint
CREATE INDEX number_grant_run ON number_grant (run);
--> statement-breakpoint
CREATE INDEX number_grant_pool ON number_grant (pool);
--> statement-breakpoint
CREATE TABLE number (
  pool BIGINT NOT NULL,
  grant_seq BIGINT,                      -- nothing: imported, and not granted yet
  position BIGINT NOT NULL,              -- its place in the grant, or in what was imported
  class INTEGER NOT NULL,
  state SMALLINT NOT NULL,               -- of OPEN-SCS: 1 Unallocated, 2 Allocated, 3 SNInvalid
  serial TEXT COLLATE "C" NOT NULL,
  tail TEXT COLLATE "C",                 -- what an authority gave with it, such as a crypto code
  PRIMARY KEY (class, serial)
);
--> statement-breakpoint
CREATE INDEX number_in_grant ON number (grant_seq, position) WHERE grant_seq IS NOT NULL;
--> statement-breakpoint
CREATE INDEX number_waiting ON number (pool, position) WHERE grant_seq IS NULL;
--> statement-breakpoint
CREATE TABLE batch (
  seq BIGINT PRIMARY KEY,
  planned BIGINT NOT NULL,
  opened BIGINT NOT NULL,                -- record time, microseconds
  close_seq BIGINT,                      -- the last attempt to close it
  class INTEGER NOT NULL,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  lot TEXT COLLATE "C" NOT NULL,
  expiry TEXT COLLATE "C" NOT NULL,      -- as it was given: a date, or a month
  line TEXT COLLATE "C" NOT NULL,
  terms TEXT COLLATE "C" NOT NULL,       -- JSON: what else was agreed when it was opened
  state TEXT COLLATE "C" NOT NULL,       -- open, closed
  cleared TEXT COLLATE "C",              -- JSON: who cleared the line, and when
  result TEXT COLLATE "C",               -- JSON: what that attempt came to
  UNIQUE (class, lot)
);
