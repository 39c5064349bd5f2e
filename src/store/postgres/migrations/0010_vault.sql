-- The identity vault (access/vault/): who patients and donors are, sealed (domain.md 18.4). No entry of the journal tells any of it, so that what is erased
-- does not come back from a replay. Texts are base64url of nonce, AES-256-GCM ciphertext and tag.
CREATE TABLE vault (
  ref TEXT COLLATE "C" PRIMARY KEY,                  -- pr_ or dr_ and 26 random characters
  kind TEXT COLLATE "C" NOT NULL,                    -- patient, donor
  state TEXT COLLATE "C" NOT NULL,                   -- open, restricted, erased
  version BIGINT NOT NULL,              -- 1 and one more with every rectification
  wrapped TEXT COLLATE "C",                          -- the person's data key under the master key; null once erased
  sealed TEXT COLLATE "C",                           -- the identity under the data key
  contact_wrapped TEXT COLLATE "C",                  -- contact details have a key of their own, for they may go first
  contact_sealed TEXT COLLATE "C"
);
--> statement-breakpoint
CREATE TABLE vault_salt (
  commitment TEXT COLLATE "C" PRIMARY KEY,           -- hmac: and hex, as acts have it
  ref TEXT COLLATE "C" NOT NULL,
  sealed TEXT COLLATE "C" NOT NULL                   -- salt and kind of value, under the data key
);
--> statement-breakpoint
CREATE INDEX vault_salt_ref ON vault_salt (ref);
--> statement-breakpoint
CREATE TABLE vault_token (
  token TEXT COLLATE "C" NOT NULL,                   -- HMAC of a word by which the person is known, under a key derived from the master key
  ref TEXT COLLATE "C" NOT NULL,
  contact BIGINT NOT NULL,              -- 1: of contact details alone
  PRIMARY KEY (token, ref)
);
--> statement-breakpoint
CREATE INDEX vault_token_ref ON vault_token (ref);
--> statement-breakpoint
CREATE TABLE vault_link (
  ref TEXT COLLATE "C" NOT NULL,                     -- one of two references of the same person
  id TEXT COLLATE "C" NOT NULL,                      -- of the link: two rows have it
  sealed TEXT COLLATE "C" NOT NULL,                  -- the other one, under the data key of this one
  PRIMARY KEY (ref, id)
);
--> statement-breakpoint
CREATE INDEX vault_link_id ON vault_link (id);
--> statement-breakpoint
CREATE TABLE vault_erasure (
  id TEXT COLLATE "C" PRIMARY KEY,                   -- erasureId of the act
  ref TEXT COLLATE "C" NOT NULL,
  class TEXT COLLATE "C" NOT NULL,                   -- contact, identity
  seq BIGINT,                           -- of the act
  time BIGINT NOT NULL                  -- ms
);
--> statement-breakpoint
-- The server keeps samples of the values that it has analysed, where no erasure reaches them: of these columns none.
ALTER TABLE vault ALTER COLUMN wrapped SET STATISTICS 0, ALTER COLUMN sealed SET STATISTICS 0,
  ALTER COLUMN contact_wrapped SET STATISTICS 0, ALTER COLUMN contact_sealed SET STATISTICS 0;
--> statement-breakpoint
ALTER TABLE vault_salt ALTER COLUMN sealed SET STATISTICS 0;
--> statement-breakpoint
ALTER TABLE vault_token ALTER COLUMN token SET STATISTICS 0;
--> statement-breakpoint
ALTER TABLE vault_link ALTER COLUMN sealed SET STATISTICS 0;
--> statement-breakpoint
ALTER TABLE intake ALTER COLUMN body SET STATISTICS 0;
--> statement-breakpoint
ALTER TABLE intake_answer ALTER COLUMN answer SET STATISTICS 0;
