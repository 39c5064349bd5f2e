-- What a gateway has taken, in the order in which it was taken. The row stays when the document is gone: clients ask for their jobs.
CREATE TABLE document (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  capture_id TEXT NOT NULL UNIQUE,
  behaviour TEXT NOT NULL,               -- rollback, proceed
  received INTEGER NOT NULL,             -- milliseconds, by the gateway's own clock
  events INTEGER NOT NULL,
  length INTEGER NOT NULL,               -- bytes
  envelope TEXT,                         -- documents with the same may travel as one; null: travels alone
  state INTEGER NOT NULL DEFAULT 0,      -- 0 waiting, 1 on its way, 2 captured upstream, 3 refused upstream
  sending INTEGER,
  finished INTEGER,                      -- milliseconds
  errors TEXT                            -- JSON: the problems that upstream told
) STRICT;
--> statement-breakpoint
CREATE INDEX document_waiting ON document (id) WHERE state = 0;
--> statement-breakpoint
CREATE INDEX document_sending ON document (sending) WHERE state = 1;
--> statement-breakpoint
CREATE INDEX document_refused ON document (id) WHERE state = 3;
--> statement-breakpoint
CREATE INDEX document_finished ON document (finished) WHERE state = 2;
--> statement-breakpoint
-- Until upstream has captured it.
CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
--> statement-breakpoint
-- One capture call upstream, written down before it is made: the same documents go under the same id again when its answer is lost.
CREATE TABLE sending (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  capture_id TEXT NOT NULL,              -- of the capture upstream
  accepted INTEGER NOT NULL DEFAULT 0    -- 1: upstream has answered that it keeps it
) STRICT;
--> statement-breakpoint
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
