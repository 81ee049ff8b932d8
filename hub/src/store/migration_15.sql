-- What has left the hub with small cells hidden, as it was released: never changed, because two
-- versions would differ by what came late. A month's figures, too, are kept as they were then; those
-- of its quarter and year are their sums.
CREATE TABLE release (
    kind     TEXT NOT NULL,                     -- visits, requests, or ages: and an operator
    period   TEXT NOT NULL,                     -- 2026-10, 2026-Q4, 2026
    year     INTEGER NOT NULL,
    depth    INTEGER,                           -- 0 country, 1 regions, 2 departments; null: withheld
    min_cell INTEGER NOT NULL,
    layout   INTEGER NOT NULL,                  -- version of the list of tables
    day      INTEGER NOT NULL,                  -- the hub's own day, days since 2000-01-01
    completeness TEXT NOT NULL,                 -- JSON, as it was then
    PRIMARY KEY (kind, period)
) WITHOUT ROWID;
CREATE TABLE release_cell (
    kind     TEXT NOT NULL,
    period   TEXT NOT NULL,
    place    TEXT NOT NULL,                     -- nation, region:52, department:49
    one      TEXT NOT NULL,                     -- age or operator; empty: all
    two      TEXT NOT NULL,                     -- kind of help; empty: all
    value    INTEGER NOT NULL,
    state    INTEGER NOT NULL,                  -- 0 withheld, 1 given, 2 shown, 3 low, 4 complement
    PRIMARY KEY (kind, period, place, one, two)
) WITHOUT ROWID;
CREATE TRIGGER release_stays BEFORE UPDATE ON release BEGIN SELECT RAISE(ABORT, 'what was released stays'); END;
CREATE TRIGGER release_lasts BEFORE DELETE ON release BEGIN SELECT RAISE(ABORT, 'what was released stays'); END;
CREATE TRIGGER release_cell_stays BEFORE UPDATE ON release_cell BEGIN
    SELECT RAISE(ABORT, 'what was released stays');
END;
CREATE TRIGGER release_cell_lasts BEFORE DELETE ON release_cell BEGIN
    SELECT RAISE(ABORT, 'what was released stays');
END;
-- INSERT OR REPLACE deletes without a word.
CREATE TRIGGER release_is_one BEFORE INSERT ON release
    WHEN EXISTS (SELECT 1 FROM release WHERE kind = new.kind AND period = new.period) BEGIN
    SELECT RAISE(ABORT, 'what was released stays');
END;
CREATE TRIGGER release_cell_is_one BEFORE INSERT ON release_cell
    WHEN EXISTS (SELECT 1 FROM release_cell WHERE kind = new.kind AND period = new.period AND place = new.place
                 AND one = new.one AND two = new.two) BEGIN
    SELECT RAISE(ABORT, 'what was released stays');
END;

-- Which questions have shown whom small figures on a day: the journal has one line for each.
CREATE TABLE small_read (
    day    INTEGER NOT NULL,                    -- the hub's own day, days since 2000-01-01
    caller TEXT NOT NULL,
    shape  TEXT NOT NULL,
    PRIMARY KEY (day, caller, shape)
) WITHOUT ROWID;
