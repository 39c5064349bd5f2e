-- Where the resolver leads from a thing, lot or product. What an entry of the kind `links` said last.
CREATE TABLE link (
  thing TEXT COLLATE "C" PRIMARY KEY,    -- canonical key
  links TEXT COLLATE "C" NOT NULL,       -- JSON: [{linkType, href, title, hreflang, type}]
  preferred TEXT COLLATE "C",            -- the link type that is followed where none is asked for
  seq BIGINT NOT NULL                    -- the entry
);
