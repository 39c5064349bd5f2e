-- Serial numbers before they are on anything: pools, what was granted of them, and the batches that they were granted for (domain.md §4.1, §5).
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
--> statement-breakpoint
CREATE INDEX pool_class ON pool (class);
--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX number_grant_run ON number_grant (run);
--> statement-breakpoint
CREATE INDEX number_grant_pool ON number_grant (pool);
--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX number_in_grant ON number (grant_seq, position) WHERE grant_seq IS NOT NULL;
--> statement-breakpoint
CREATE INDEX number_waiting ON number (pool, position) WHERE grant_seq IS NULL;
--> statement-breakpoint
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
