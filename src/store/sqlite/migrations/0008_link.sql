-- Where the resolver leads from a thing, lot or product. What an entry of the kind `links` said last.
CREATE TABLE link (
  thing TEXT PRIMARY KEY,                -- canonical key
  links TEXT NOT NULL,                   -- JSON: [{linkType, href, title, hreflang, type}]
  preferred TEXT,                        -- the link type that is followed where none is asked for
  seq INTEGER NOT NULL                   -- the entry
) STRICT, WITHOUT ROWID;
