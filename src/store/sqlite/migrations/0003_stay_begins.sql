-- When a stay began, the event at from_seq tells: eight bytes less for each thing that is packed.
ALTER TABLE containment DROP COLUMN from_time;
--> statement-breakpoint
ALTER TABLE containment_past DROP COLUMN from_time;
