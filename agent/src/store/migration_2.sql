-- The visit that a further request belongs to, by the name of its tap: undone with it.
ALTER TABLE tap ADD COLUMN part_of BLOB;
CREATE INDEX tap_part_of ON tap (part_of) WHERE part_of IS NOT NULL;
