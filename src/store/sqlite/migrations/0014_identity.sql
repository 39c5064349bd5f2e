-- Chain of identity (domain.md §12): all of it follows from entries, events and acts alike.
CREATE TABLE coi_event (
  seq INTEGER PRIMARY KEY,
  told TEXT NOT NULL                     -- JSON: the event as identity sees it (identity/event.ts)
) STRICT;
--> statement-breakpoint
CREATE TABLE coi_act (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  told TEXT NOT NULL                     -- JSON: when, by whom, what, with which signatures
) STRICT;
--> statement-breakpoint
CREATE TABLE coi_part (
  kind TEXT NOT NULL,                    -- by what an event or act is found: chain, order, thing, space, patient, donor, device, kind, from, alias
  key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (kind, key, seq)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE coi_binding (
  node INTEGER NOT NULL,                 -- an item, or a lot as its negative
  kind TEXT NOT NULL,                    -- c: of this chain; d: of this donor; h: has held, or gone with, material of this chain
  ref TEXT NOT NULL,
  PRIMARY KEY (node, kind, ref)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX coi_binding_ref ON coi_binding (ref, kind, node);
--> statement-breakpoint
CREATE TABLE coi_alias (
  alias TEXT PRIMARY KEY,                -- a canonical key
  key TEXT NOT NULL,                     -- the one by which the container goes
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX coi_alias_key ON coi_alias (key);
--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX coi_chain_patient ON coi_chain (patient);
--> statement-breakpoint
CREATE INDEX coi_chain_state ON coi_chain (state, chain);
--> statement-breakpoint
CREATE TABLE coi_hold (
  id TEXT NOT NULL,
  chain TEXT NOT NULL,                   -- empty: of material that belongs to no chain
  told TEXT NOT NULL,                    -- JSON: scope, things, codes, reason
  seq INTEGER NOT NULL,
  lifted INTEGER,                        -- the entry that lifted it
  PRIMARY KEY (id, chain)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX coi_hold_chain ON coi_hold (chain);
