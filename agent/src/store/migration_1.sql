-- Who this machine is, whom it talks to and where it stands with the hub.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE document (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL DEFAULT (zeroblob(32))
);

-- The truth: chains of changes. `acked` is the last sequence number that the hub's current
-- epoch is known to hold, compared by hash.
CREATE TABLE chain (
    id       INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document (id),
    writer   BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    op_max   INTEGER NOT NULL,
    acked    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (document, writer)
);
CREATE INDEX chain_waiting ON chain (id) WHERE acked < seq;

CREATE TABLE change (
    chain INTEGER NOT NULL REFERENCES chain (id),
    seq   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    bytes BLOB NOT NULL,
    at    INTEGER NOT NULL,                     -- counts up over all changes kept here
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;

-- Changes the hub refused, or that a fork cut off: out of the documents, never thrown away.
CREATE TABLE retired (
    hash     BLOB PRIMARY KEY,
    document TEXT NOT NULL,
    writer   BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    reason   INTEGER NOT NULL                   -- the refusal's code; 0: a fork
) WITHOUT ROWID;

-- How often the hub refused a fact by itself; from three on it is set aside.
CREATE TABLE refusal (
    document TEXT NOT NULL,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    times    INTEGER NOT NULL,
    reason   INTEGER NOT NULL,
    PRIMARY KEY (document, key, value)
) WITHOUT ROWID;

-- What the documents amount to: derived, rebuilt from the changes.
CREATE TABLE fact (
    document  INTEGER NOT NULL,
    tap       BLOB NOT NULL,
    rev       INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    value     TEXT NOT NULL,
    contested INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (document, tap)
) WITHOUT ROWID;
CREATE INDEX fact_day ON fact (document, day);

CREATE TABLE closing (
    document INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    rev      INTEGER NOT NULL,
    closed   INTEGER NOT NULL,
    PRIMARY KEY (document, day)
) WITHOUT ROWID;

-- What was tapped on this machine, with the hour: stays here, purged after 400 days.
CREATE TABLE tap (
    id       BLOB PRIMARY KEY,                  -- the UUID
    n        INTEGER NOT NULL UNIQUE,           -- counts up: the order of tapping, whatever the clock says
    name     BLOB NOT NULL,
    at       INTEGER NOT NULL,                  -- seconds since 1970
    day      INTEGER NOT NULL,                  -- days since 2000-01-01
    chain    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    visit    TEXT NOT NULL,                     -- what was asked first, for comparison
    reason   TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX tap_day ON tap (day, n);
CREATE INDEX tap_name ON tap (name);

-- Sessions, newest last; a few hundred are kept.
CREATE TABLE sync_log (
    n      INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    event  TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
