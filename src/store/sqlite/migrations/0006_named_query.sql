-- Neither truth of the log nor derived: what clients have asked to be kept for them. Both are written by the one writer, without an entry.
CREATE TABLE named_query (
  name TEXT PRIMARY KEY,
  query TEXT NOT NULL,                   -- JSON, as it was given
  actor TEXT NOT NULL,                   -- the key that made it
  created INTEGER NOT NULL               -- ms
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE subscription (
  id TEXT PRIMARY KEY,
  query TEXT NOT NULL,                   -- name of the query
  actor TEXT NOT NULL,                   -- the key that subscribed, and has to be allowed to read
  created INTEGER NOT NULL,              -- ms
  terms TEXT NOT NULL,                   -- JSON: where to, when, how, and the secret that signs
  next_seq INTEGER NOT NULL,             -- the first entry that has not been looked at for it
  version INTEGER NOT NULL,              -- counts changes of next_seq and progress: who knows an old one changes nothing
  progress TEXT NOT NULL                 -- JSON: what was delivered, what went wrong, and when it is tried again
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX subscription_query ON subscription (query, created, id);
