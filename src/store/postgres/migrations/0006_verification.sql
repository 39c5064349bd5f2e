-- Every request to verify a pack, and what it was answered. No entry of the journal: it changes no answer about any thing. The one writer puts it down.
CREATE TABLE verification (
  id TEXT COLLATE "C" PRIMARY KEY,                   -- ms since 1970 in 13 digits and a random tail: it rises with time
  at BIGINT NOT NULL,                   -- ms
  caller TEXT COLLATE "C" NOT NULL,                  -- the principal's id
  call TEXT COLLATE "C" NOT NULL,                    -- verify, scan, bulk, pack-verify, decommission, reactivate
  product TEXT COLLATE "C",                          -- GTIN, where it can be read
  thing TEXT COLLATE "C",                            -- canonical key, where everything that was given agreed with what is stored
  serial_hash TEXT COLLATE "C",                      -- of any other serial number, under a secret of this store
  site TEXT COLLATE "C",                             -- GLN of who asked
  corr TEXT COLLATE "C" NOT NULL,                    -- the caller's corrUUID, or one that was made for it
  question TEXT COLLATE "C" NOT NULL,                -- digest of what was asked
  scan TEXT COLLATE "C",                             -- JSON: the raw code, the profile, the warnings
  outcome TEXT COLLATE "C" NOT NULL,                 -- true, false, error (could not check)
  reason TEXT COLLATE "C",                           -- why not
  info TEXT COLLATE "C",
  took BIGINT NOT NULL,                 -- microseconds
  answer TEXT COLLATE "C"                            -- JSON as it was given; null where there was none
);
--> statement-breakpoint
CREATE INDEX verification_corr ON verification (caller, corr);
--> statement-breakpoint
CREATE INDEX verification_thing ON verification (thing, at) WHERE thing IS NOT NULL;
