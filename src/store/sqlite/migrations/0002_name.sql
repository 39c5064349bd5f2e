-- An item is found by its class and serial in two parts. Serials are random: each new one in an index of all of them is another page to write, and the
-- larger the store, the more so. So they come to a small part first, and go on to the large one in the order of their names, many to a page.
CREATE TABLE name (
  recent INTEGER NOT NULL,               -- 1: in the small part
  class INTEGER NOT NULL,
  serial TEXT NOT NULL,
  id INTEGER NOT NULL,                   -- the item's
  PRIMARY KEY (recent, class, serial)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO name SELECT 0, class, serial, id FROM item ORDER BY class, serial;
--> statement-breakpoint
DROP INDEX item_key;
--> statement-breakpoint
DROP VIEW item_name;
--> statement-breakpoint
CREATE VIEW item_name AS SELECT class, serial, id FROM name WHERE recent IN (0, 1);
