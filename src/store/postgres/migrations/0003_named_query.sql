-- Neither truth of the log nor derived: what clients have asked to be kept for them. Both are written by the one writer, without an entry.
CREATE TABLE named_query (
  name TEXT COLLATE "C" PRIMARY KEY,
  query TEXT COLLATE "C" NOT NULL,       -- JSON, as it was given
  actor TEXT COLLATE "C" NOT NULL,       -- the key that made it
  created BIGINT NOT NULL                -- ms
);
--> statement-breakpoint
CREATE TABLE subscription (
  id TEXT COLLATE "C" PRIMARY KEY,
  query TEXT COLLATE "C" NOT NULL,       -- name of the query
  actor TEXT COLLATE "C" NOT NULL,       -- the key that subscribed, and has to be allowed to read
  created BIGINT NOT NULL,               -- ms
  terms TEXT COLLATE "C" NOT NULL,       -- JSON: where to, when, how, and the secret that signs
  next_seq BIGINT NOT NULL,              -- the first entry that has not been looked at for it
  version BIGINT NOT NULL,               -- counts changes of next_seq and progress: who knows an old one changes nothing
  progress TEXT COLLATE "C" NOT NULL     -- JSON: what was delivered, what went wrong, and when it is tried again
);
--> statement-breakpoint
CREATE INDEX subscription_query ON subscription (query, created, id);
