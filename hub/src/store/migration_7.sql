-- What a device tried in vain before its last session, in its own words.
ALTER TABLE device ADD COLUMN tried TEXT NOT NULL DEFAULT '';
