-- Figures as they were on an earlier day need the order and the day of each decision: what persons
-- have decided is kept line by line, as the changes are.
CREATE TABLE decision (
    n        INTEGER PRIMARY KEY AUTOINCREMENT,
    document TEXT NOT NULL,
    tap      BLOB NOT NULL,
    day      INTEGER NOT NULL,                  -- day of the month
    value    TEXT NOT NULL,
    doubts   TEXT NOT NULL,                     -- comma-separated reasons, in alphabetical order
    verdict  TEXT NOT NULL CHECK (verdict IN ('count', 'leave_out')),
    reason   TEXT NOT NULL,
    at       INTEGER NOT NULL,                  -- seconds since 1970
    decided_day INTEGER NOT NULL,               -- the hub's own day, days since 2000-01-01
    accepted INTEGER NOT NULL                   -- the commit that holds it; 0: of a layout that did not keep it
);
INSERT INTO decision (document, tap, day, value, doubts, verdict, reason, at, decided_day, accepted)
    SELECT document, tap, day, value, doubts, verdict, reason, at, at / 86400 - 10957, 0 FROM settlement ORDER BY at;
DROP TABLE settlement;
ALTER TABLE decision RENAME TO settlement;
CREATE INDEX settlement_tap ON settlement (document, tap);

-- Rollups of `visits`, cell by cell: what is below zero is already 0 here. `_apart` waits for a person.
CREATE TABLE site_day (
    site     TEXT NOT NULL,
    day      INTEGER NOT NULL,
    people   INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    people_apart   INTEGER NOT NULL,
    requests_apart INTEGER NOT NULL,
    PRIMARY KEY (site, day)
) WITHOUT ROWID;
-- Of the department that each site lay in on the day. Rows of no help and no age are the sums of the
-- others: most questions need no more, and they lie together.
CREATE TABLE department_month (
    department TEXT NOT NULL,
    operator   TEXT NOT NULL,
    month      INTEGER NOT NULL,                -- year * 12 + month - 1
    help       TEXT NOT NULL,
    age        TEXT NOT NULL,
    people     INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    people_apart   INTEGER NOT NULL,
    requests_apart INTEGER NOT NULL,
    PRIMARY KEY (help, age, department, operator, month)
) WITHOUT ROWID;

-- The part of `visits` (apart = 0) that is no new visit: a correction of one, or a decision on one.
CREATE TABLE revision (
    site     TEXT NOT NULL,
    day      INTEGER NOT NULL,
    operator TEXT NOT NULL,
    help     TEXT NOT NULL,
    age      TEXT NOT NULL,
    received_day INTEGER NOT NULL,
    reason   TEXT NOT NULL CHECK (reason IN ('correction', 'settled')),
    people   INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (site, day, operator, help, age, received_day, reason)
) WITHOUT ROWID;

-- The new views are folded from the changes once, by the program that made the tables.
INSERT INTO meta (key, value) SELECT 'views_due', 1 WHERE EXISTS (SELECT 1 FROM change);

-- The first day of the epoch: what was received when, before, is not known here.
INSERT INTO meta (key, value)
    SELECT 'epoch_day', coalesce(
        (SELECT max(at) / 86400 - 10957 FROM journal WHERE action IN ('epoch.begin', 'backup.restore')),
        min(received_day))
    FROM change HAVING min(received_day) IS NOT NULL;

-- The last commit that touched figures, or what they are told with: an answer is the same until then.
INSERT INTO meta (key, value) VALUES ('figures', 0);
CREATE TRIGGER span_touches AFTER INSERT ON site_span BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
CREATE TRIGGER name_touches AFTER UPDATE OF name ON site WHEN new.name <> old.name BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
