-- A finding is the record of an exception (domain.md §7.3): how far it has got, who works on it, and the rest of what people say of it as JSON.
ALTER TABLE finding ADD COLUMN stage TEXT COLLATE "C" NOT NULL DEFAULT 'open';
--> statement-breakpoint
ALTER TABLE finding ADD COLUMN owner TEXT COLLATE "C";
--> statement-breakpoint
ALTER TABLE finding ADD COLUMN record TEXT COLLATE "C";
--> statement-breakpoint
-- The set of rules by which the event was judged (docs/rules.md); what was there before there was a number was judged by the first.
ALTER TABLE event ADD COLUMN rules SMALLINT NOT NULL DEFAULT 1;
