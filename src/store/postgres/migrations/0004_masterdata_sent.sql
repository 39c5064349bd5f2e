-- An element is looked up by its canonical key, and told as it was sent: `sent` is a list, its id and those of its children.
ALTER TABLE masterdata ADD COLUMN sent TEXT COLLATE "C";
