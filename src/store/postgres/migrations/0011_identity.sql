-- Chain of identity (domain.md §12): all of it follows from entries, events and acts alike.
CREATE TABLE coi_event (
  seq BIGINT PRIMARY KEY,
  told TEXT COLLATE "C" NOT NULL                     -- JSON: the event as identity sees it (identity/event.ts)
);
--> statement-breakpoint
CREATE TABLE coi_act (
  seq BIGINT PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  kind TEXT COLLATE "C" NOT NULL,
  told TEXT COLLATE "C" NOT NULL                     -- JSON: when, by whom, what, with which signatures
);
--> statement-breakpoint
CREATE TABLE coi_part (
  kind TEXT COLLATE "C" NOT NULL,                    -- by what an event or act is found: chain, order, thing, space, patient, donor, device, kind, from, alias
  key TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (kind, key, seq)
);
--> statement-breakpoint
CREATE TABLE coi_binding (
  node BIGINT NOT NULL,                 -- an item, or a lot as its negative
  kind TEXT COLLATE "C" NOT NULL,                    -- c: of this chain; d: of this donor; h: has held, or gone with, material of this chain
  ref TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (node, kind, ref)
);
--> statement-breakpoint
CREATE INDEX coi_binding_ref ON coi_binding (ref, kind, node);
--> statement-breakpoint
CREATE TABLE coi_alias (
  alias TEXT COLLATE "C" PRIMARY KEY,                -- a canonical key
  key TEXT COLLATE "C" NOT NULL,                     -- the one by which the container goes
  seq BIGINT NOT NULL
);
--> statement-breakpoint
CREATE INDEX coi_alias_key ON coi_alias (key);
--> statement-breakpoint
CREATE TABLE coi_chain (
  chain TEXT COLLATE "C" PRIMARY KEY,
  order_id TEXT COLLATE "C" UNIQUE,
  patient TEXT COLLATE "C",                          -- a pseudonym
  product TEXT COLLATE "C",
  site TEXT COLLATE "C",                             -- of the treatment
  state TEXT COLLATE "C",
  seq BIGINT NOT NULL,                  -- the entry after which it was folded last
  view TEXT COLLATE "C" NOT NULL                     -- JSON: what it comes to (identity/view.ts)
);
--> statement-breakpoint
CREATE INDEX coi_chain_patient ON coi_chain (patient);
--> statement-breakpoint
CREATE INDEX coi_chain_state ON coi_chain (state, chain);
--> statement-breakpoint
CREATE TABLE coi_hold (
  id TEXT COLLATE "C" NOT NULL,
  chain TEXT COLLATE "C" NOT NULL,                   -- empty: of material that belongs to no chain
  told TEXT COLLATE "C" NOT NULL,                    -- JSON: scope, things, codes, reason
  seq BIGINT NOT NULL,
  lifted BIGINT,                        -- the entry that lifted it
  PRIMARY KEY (id, chain)
);
--> statement-breakpoint
CREATE INDEX coi_hold_chain ON coi_hold (chain);
