-- What parameters of queries ask for by a value and no column of event holds: extensions, ILMD, business transactions, sources and destinations, what
-- sensors told. Events without any of it have no row. A store that was written before gets its rows by `lotline rebuild --replace`.
CREATE TABLE event_field (
  seq BIGINT NOT NULL,
  field INTEGER NOT NULL,                -- term of its name, as parameters have it: ILMD_<namespace>#<local>, bizTransaction_po, value_KEL
  part INTEGER NOT NULL,                 -- the sensor report that says it, from 1 on; 0 is the event itself
  key TEXT COLLATE "C" NOT NULL,         -- the value, so that it sorts: epcis/query/field-key.ts
  PRIMARY KEY (field, key, seq, part)
);
--> statement-breakpoint
CREATE INDEX event_field_event ON event_field (seq, field, key);
