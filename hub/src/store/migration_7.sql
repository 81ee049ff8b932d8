-- Calendars that a person imported, over those built into the program: a year of one zone each.
CREATE TABLE calendar (
    calendar TEXT NOT NULL CHECK (calendar IN ('public', 'school')),
    zone     TEXT NOT NULL,
    year     INTEGER NOT NULL,
    value    BLOB NOT NULL,                     -- as machines are sent it
    PRIMARY KEY (calendar, zone, year)
) WITHOUT ROWID;

-- Closures of the network, a region or a department.
CREATE TABLE network_closure (
    id       TEXT PRIMARY KEY,
    from_day INTEGER NOT NULL,                  -- days since 2000-01-01
    to_day   INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    label    TEXT NOT NULL,
    scope    TEXT NOT NULL                      -- national, region:52 or department:49
) WITHOUT ROWID;

-- How often the two tables above have changed: whoever keeps what he read can tell whether it is old.
CREATE TABLE catalogue (changes INTEGER NOT NULL);
INSERT INTO catalogue (changes) VALUES (0);

-- Schedules and partners by the commit that last added to them.
CREATE INDEX document_registers ON document (accepted) WHERE substr(name, -9) IN ('/schedule', '/partners');
