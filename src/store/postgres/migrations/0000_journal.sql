-- The same tables as the embedded store's (../../sqlite/migrations says what each column means), in PostgreSQL's types. Texts compare byte by byte, as there.
-- Each large table holds in its primary key the column that a distributed PostgreSQL would spread it by (docs/scaling.md); what is looked up by name
-- has a table of its own for that, item_name. Columns stand widest first, so that rows carry no padding.
CREATE TABLE entry (
  seq BIGINT PRIMARY KEY,
  record_time BIGINT NOT NULL,
  capture BIGINT,
  encoding SMALLINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  event_hash BYTEA,
  body_digest BYTEA NOT NULL,
  payload_digest BYTEA,
  leaf_hash BYTEA NOT NULL,
  body BYTEA NOT NULL
);
--> statement-breakpoint
-- Bodies are compressed already, where that pays.
ALTER TABLE entry ALTER COLUMN body SET STORAGE EXTERNAL;
--> statement-breakpoint
CREATE TABLE payload (
  capture BIGINT PRIMARY KEY,
  encoding SMALLINT NOT NULL,
  capture_id TEXT COLLATE "C" NOT NULL UNIQUE,
  digest BYTEA NOT NULL,
  context TEXT COLLATE "C" NOT NULL,
  parts TEXT COLLATE "C" NOT NULL,
  gaps BYTEA NOT NULL
);
--> statement-breakpoint
CREATE TABLE tile (level SMALLINT NOT NULL, idx BIGINT NOT NULL, hashes BYTEA NOT NULL, PRIMARY KEY (level, idx));
--> statement-breakpoint
ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
--> statement-breakpoint
CREATE TABLE checkpoint (size BIGINT PRIMARY KEY, signed_at BIGINT NOT NULL, text TEXT COLLATE "C" NOT NULL);
--> statement-breakpoint
CREATE TABLE term (id INTEGER PRIMARY KEY, text TEXT COLLATE "C" NOT NULL);
--> statement-breakpoint
-- Words may be longer than an ordered index takes; that they are unique is the one writer's care.
CREATE INDEX term_text ON term USING hash (text);
--> statement-breakpoint
CREATE TABLE class (id INTEGER PRIMARY KEY, key TEXT COLLATE "C" NOT NULL UNIQUE);
--> statement-breakpoint
CREATE TABLE prefix (scheme TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, PRIMARY KEY (scheme, company));
--> statement-breakpoint
CREATE TABLE lot (
  id BIGINT PRIMARY KEY,
  expiry BIGINT,
  parent BIGINT,
  entered_seq BIGINT,
  status_seq BIGINT,
  before_seq BIGINT,
  disposition_seq BIGINT,
  custody_seq BIGINT,
  place_seq BIGINT,
  last_seq BIGINT,
  claim_seq BIGINT,
  class INTEGER NOT NULL,
  status INTEGER,
  before INTEGER,
  disposition INTEGER,
  holder INTEGER,
  owner INTEGER,
  place INTEGER,
  flags INTEGER NOT NULL,
  lot TEXT COLLATE "C" NOT NULL,
  persistent TEXT COLLATE "C",
  balance TEXT COLLATE "C",
  UNIQUE (class, lot)
);
--> statement-breakpoint
CREATE TABLE item (
  id BIGINT PRIMARY KEY,
  lot BIGINT,
  expiry BIGINT,
  parent BIGINT,
  entered_seq BIGINT,
  status_seq BIGINT,
  before_seq BIGINT,
  disposition_seq BIGINT,
  custody_seq BIGINT,
  place_seq BIGINT,
  last_seq BIGINT,
  claim_seq BIGINT,
  class INTEGER NOT NULL,
  status INTEGER,
  before INTEGER,
  disposition INTEGER,
  holder INTEGER,
  owner INTEGER,
  place INTEGER,
  flags INTEGER NOT NULL,
  serial TEXT COLLATE "C" NOT NULL,
  persistent TEXT COLLATE "C"
) WITH (fillfactor = 80);
--> statement-breakpoint
CREATE TABLE item_name (id BIGINT NOT NULL, class INTEGER NOT NULL, serial TEXT COLLATE "C" NOT NULL, PRIMARY KEY (class, serial));
--> statement-breakpoint
CREATE INDEX item_pack ON item (lot, id) WHERE lot IS NOT NULL AND (flags & 1) = 0;
--> statement-breakpoint
CREATE INDEX item_consumed ON item (lot, id) WHERE (flags & 4) = 4;
--> statement-breakpoint
CREATE TABLE event (
  seq BIGINT PRIMARY KEY,
  time BIGINT NOT NULL,
  parent BIGINT,
  transformation BIGINT,
  void_seq BIGINT,
  twin_of BIGINT,
  biz_step INTEGER,
  disposition INTEGER,
  read_point INTEGER,
  biz_location INTEGER,
  type INTEGER NOT NULL,
  action SMALLINT,
  rank SMALLINT NOT NULL,
  declares SMALLINT NOT NULL,
  below TEXT COLLATE "C" NOT NULL,
  utc_offset TEXT COLLATE "C" NOT NULL,
  event_id TEXT COLLATE "C",
  hash BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  facts TEXT COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE INDEX event_time ON event (time, seq);
--> statement-breakpoint
CREATE INDEX event_event_id ON event USING hash (event_id) WHERE event_id IS NOT NULL;
--> statement-breakpoint
CREATE INDEX event_hash ON event (hash);
--> statement-breakpoint
CREATE INDEX event_digest ON event (digest);
--> statement-breakpoint
CREATE INDEX event_biz_step ON event (biz_step, seq);
--> statement-breakpoint
CREATE INDEX event_disposition ON event (disposition, seq);
--> statement-breakpoint
CREATE INDEX event_read_point ON event (read_point, seq);
--> statement-breakpoint
CREATE INDEX event_biz_location ON event (biz_location, seq);
--> statement-breakpoint
CREATE INDEX event_transformation ON event (transformation) WHERE transformation IS NOT NULL;
--> statement-breakpoint
CREATE INDEX event_declares ON event (seq) WHERE declares = 1;
--> statement-breakpoint
CREATE INDEX event_twin_of ON event (twin_of) WHERE twin_of IS NOT NULL;
--> statement-breakpoint
CREATE TABLE event_item (item BIGINT NOT NULL, seq BIGINT NOT NULL, role SMALLINT NOT NULL, PRIMARY KEY (item, seq, role));
--> statement-breakpoint
CREATE TABLE event_lot (
  lot BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  quantity DOUBLE PRECISION,
  role SMALLINT NOT NULL,
  uom TEXT COLLATE "C",
  PRIMARY KEY (lot, seq, role)
);
--> statement-breakpoint
CREATE TABLE containment (
  child BIGINT NOT NULL,
  from_seq BIGINT NOT NULL,
  parent BIGINT NOT NULL,
  quantity DOUBLE PRECISION,
  to_time BIGINT,
  to_seq BIGINT,
  known_seq BIGINT NOT NULL,
  kind SMALLINT NOT NULL,
  inferred SMALLINT NOT NULL,
  uom TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (child, from_seq, parent, kind, uom)
) WITH (fillfactor = 90);
--> statement-breakpoint
CREATE INDEX containment_parent ON containment (parent, to_time);
--> statement-breakpoint
CREATE TABLE containment_past (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY,
  child BIGINT NOT NULL,
  from_seq BIGINT NOT NULL,
  parent BIGINT NOT NULL,
  quantity DOUBLE PRECISION,
  to_time BIGINT,
  to_seq BIGINT,
  known_seq BIGINT NOT NULL,
  until_seq BIGINT NOT NULL,
  kind SMALLINT NOT NULL,
  inferred SMALLINT NOT NULL,
  uom TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (child, id)
);
--> statement-breakpoint
CREATE INDEX containment_past_parent ON containment_past (parent);
--> statement-breakpoint
CREATE INDEX containment_past_id ON containment_past (id);
--> statement-breakpoint
CREATE TABLE lineage (
  transformation BIGINT NOT NULL,
  node BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  quantity DOUBLE PRECISION,
  side SMALLINT NOT NULL,
  uom TEXT COLLATE "C",
  PRIMARY KEY (transformation, side, node, seq)
);
--> statement-breakpoint
CREATE INDEX lineage_node ON lineage (node, side);
--> statement-breakpoint
CREATE TABLE finding (
  id BIGINT PRIMARY KEY,
  seq BIGINT NOT NULL,
  opened BIGINT NOT NULL,
  due BIGINT,
  closed_seq BIGINT,
  code TEXT COLLATE "C" NOT NULL,
  severity TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  resolution TEXT COLLATE "C",
  UNIQUE (code, seq)
);
--> statement-breakpoint
CREATE INDEX finding_state ON finding (state, id);
--> statement-breakpoint
CREATE TABLE finding_thing (finding BIGINT NOT NULL, node BIGINT NOT NULL, other BIGINT NOT NULL, PRIMARY KEY (finding, node, other));
--> statement-breakpoint
CREATE INDEX finding_thing_node ON finding_thing (node);
--> statement-breakpoint
CREATE TABLE masterdata (
  seq BIGINT NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  attributes TEXT COLLATE "C" NOT NULL,
  children TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (type, id, seq)
);
--> statement-breakpoint
CREATE INDEX masterdata_id ON masterdata (id);
--> statement-breakpoint
CREATE TABLE api_key (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  roles TEXT COLLATE "C" NOT NULL,
  hash BYTEA NOT NULL UNIQUE,
  created BIGINT NOT NULL,
  ended BIGINT
);
--> statement-breakpoint
CREATE TABLE capture_job (
  id BIGINT PRIMARY KEY,
  created BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  success SMALLINT NOT NULL,
  events BIGINT NOT NULL,
  stored BIGINT NOT NULL,
  capture_id TEXT COLLATE "C" NOT NULL UNIQUE,
  actor TEXT COLLATE "C" NOT NULL,
  behaviour TEXT COLLATE "C" NOT NULL,
  errors TEXT COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE meta (name TEXT COLLATE "C" PRIMARY KEY, value TEXT COLLATE "C" NOT NULL);
--> statement-breakpoint
-- What any process has taken and the writer has not worked off: documents, single events, dry runs and commands. Deleted in the transaction that folds it.
CREATE TABLE intake (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,        -- document, event, check, command
  capture_id TEXT COLLATE "C" NOT NULL UNIQUE,
  actor TEXT COLLATE "C" NOT NULL,
  behaviour TEXT COLLATE "C" NOT NULL,
  body BYTEA NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
--> statement-breakpoint
-- What came of an event, a dry run or a command: for the process that waits for it, which takes it away.
CREATE TABLE intake_answer (
  capture_id TEXT COLLATE "C" PRIMARY KEY,
  answered BIGINT NOT NULL,
  answer TEXT COLLATE "C" NOT NULL
);
