-- Documents that were answered 202 and are not folded yet. A row goes when its job has ended in the journal.
CREATE TABLE document (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they were taken; also the job's number
  capture_id TEXT NOT NULL UNIQUE,
  actor TEXT NOT NULL,
  behaviour TEXT NOT NULL,               -- rollback, proceed
  kind TEXT NOT NULL,                    -- document, event
  created INTEGER NOT NULL,              -- milliseconds
  body BLOB NOT NULL
) STRICT;
