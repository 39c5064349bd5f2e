-- Every request to verify a pack, and what it was answered. No entry of the journal: it changes no answer about any thing. The one writer puts it down.
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
--> statement-breakpoint
CREATE INDEX verification_corr ON verification (caller, corr);
--> statement-breakpoint
CREATE INDEX verification_thing ON verification (thing, at) WHERE thing IS NOT NULL;
