-- Since when each check of a house's label stands as it does: a line where it changed.
CREATE TABLE label_history (
    site    TEXT NOT NULL,
    item    TEXT NOT NULL,                      -- a check, or overall
    day     INTEGER NOT NULL,                   -- the hub's own day, days since 2000-01-01
    verdict TEXT NOT NULL CHECK (verdict IN ('met', 'at_risk', 'not_met', 'unknown')),
    PRIMARY KEY (site, item, day)
) WITHOUT ROWID;
CREATE TRIGGER label_history_stays BEFORE UPDATE ON label_history BEGIN
    SELECT raise(ABORT, 'what was noted of a label stays');
END;
