-- The identity vault (access/vault/): who patients and donors are, sealed (domain.md 18.4). No entry of the journal tells any of it, so that what is erased
-- does not come back from a replay. Texts are base64url of nonce, AES-256-GCM ciphertext and tag.
CREATE TABLE vault (
  ref TEXT PRIMARY KEY,                  -- pr_ or dr_ and 26 random characters
  kind TEXT NOT NULL,                    -- patient, donor
  state TEXT NOT NULL,                   -- open, restricted, erased
  version INTEGER NOT NULL,              -- 1 and one more with every rectification
  wrapped TEXT,                          -- the person's data key under the master key; null once erased
  sealed TEXT,                           -- the identity under the data key
  contact_wrapped TEXT,                  -- contact details have a key of their own, for they may go first
  contact_sealed TEXT
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE vault_salt (
  commitment TEXT PRIMARY KEY,           -- hmac: and hex, as acts have it
  ref TEXT NOT NULL,
  sealed TEXT NOT NULL                   -- salt and kind of value, under the data key
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX vault_salt_ref ON vault_salt (ref);
--> statement-breakpoint
CREATE TABLE vault_token (
  token TEXT NOT NULL,                   -- HMAC of a word by which the person is known, under a key derived from the master key
  ref TEXT NOT NULL,
  contact INTEGER NOT NULL,              -- 1: of contact details alone
  PRIMARY KEY (token, ref)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX vault_token_ref ON vault_token (ref);
--> statement-breakpoint
CREATE TABLE vault_link (
  ref TEXT NOT NULL,                     -- one of two references of the same person
  id TEXT NOT NULL,                      -- of the link: two rows have it
  sealed TEXT NOT NULL,                  -- the other one, under the data key of this one
  PRIMARY KEY (ref, id)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX vault_link_id ON vault_link (id);
--> statement-breakpoint
CREATE TABLE vault_erasure (
  id TEXT PRIMARY KEY,                   -- erasureId of the act
  ref TEXT NOT NULL,
  class TEXT NOT NULL,                   -- contact, identity
  seq INTEGER,                           -- of the act
  time INTEGER NOT NULL                  -- ms
) STRICT, WITHOUT ROWID;
