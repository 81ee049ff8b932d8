-- What the hub alone knows of itself: 'epoch'.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- One row per committed transaction: n counts up, tag is random. A device that has seen
-- (n, tag) proves that this database went on from there.
CREATE TABLE mark (n INTEGER PRIMARY KEY, tag INTEGER NOT NULL);

CREATE TABLE site (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('house', 'antenna')),
    life        TEXT NOT NULL DEFAULT 'open' CHECK (life IN ('candidate', 'project', 'open', 'labelled', 'retired')),
    parent      TEXT,
    format      TEXT NOT NULL DEFAULT '',
    address     TEXT NOT NULL DEFAULT '',
    commune     TEXT NOT NULL DEFAULT '',
    insee       TEXT NOT NULL DEFAULT '',
    postal_code TEXT NOT NULL DEFAULT '',
    department  TEXT NOT NULL DEFAULT '',
    region      TEXT NOT NULL DEFAULT '',
    bearer      TEXT NOT NULL DEFAULT '',
    lat         REAL,
    lon         REAL,
    timezone    TEXT NOT NULL,
    holiday_zone TEXT NOT NULL DEFAULT '',
    school_zone TEXT NOT NULL DEFAULT '',
    osm_opening_hours TEXT NOT NULL DEFAULT '',
    weekly_minutes INTEGER,
    label_date  TEXT,
    comment     TEXT NOT NULL DEFAULT '',
    hours_verbatim TEXT NOT NULL DEFAULT '{}',   -- JSON: the list's own columns, untouched
    quality     TEXT NOT NULL DEFAULT ''         -- comma-separated flags
) WITHOUT ROWID;
CREATE INDEX site_department ON site (department);
CREATE INDEX site_parent ON site (parent) WHERE parent IS NOT NULL;

CREATE TABLE site_alias (alias TEXT PRIMARY KEY, site TEXT NOT NULL REFERENCES site (id)) WITHOUT ROWID;

CREATE TABLE device (
    id           BLOB PRIMARY KEY,              -- first 8 bytes of the fingerprint
    fingerprint  BLOB NOT NULL UNIQUE,
    site         TEXT NOT NULL REFERENCES site (id),
    label        TEXT NOT NULL DEFAULT '',
    standing     TEXT NOT NULL CHECK (standing IN ('active', 'returned', 'pending', 'revoked')),
    enrolled_day INTEGER NOT NULL,              -- days since 2000-01-01
    reason       TEXT NOT NULL DEFAULT '',      -- of a revocation
    token        BLOB,                          -- the last `next` of a session; null: first contact of the epoch
    forked       INTEGER NOT NULL DEFAULT 0,
    last_contact INTEGER,                       -- seconds since 1970
    last_in_sync INTEGER,                       -- seconds since 1970: last time it held nothing unconfirmed
    app_version  TEXT NOT NULL DEFAULT '',
    transport    TEXT NOT NULL DEFAULT '',
    clock_offset_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX device_site ON device (site);

CREATE TABLE invitation (
    secret_hash BLOB PRIMARY KEY,               -- SHA-256 of the 16-byte secret
    site        TEXT NOT NULL REFERENCES site (id),
    expires     INTEGER NOT NULL,               -- seconds since 1970
    device      BLOB                            -- who used it; the same key may use it again until it expires
) WITHOUT ROWID;

CREATE TABLE token (
    id       TEXT PRIMARY KEY,
    hash     BLOB NOT NULL UNIQUE,              -- SHA-256 of the secret
    label    TEXT NOT NULL,
    scope    TEXT NOT NULL,
    role     TEXT NOT NULL CHECK (role IN ('reader', 'coordinator', 'admin')),
    expires  INTEGER NOT NULL,                  -- seconds since 1970
    revoked  INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE journal (
    n      INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,                    -- seconds since 1970
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);

-- The truth: chains of changes.
CREATE TABLE document (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    site TEXT NOT NULL REFERENCES site (id),
    digest BLOB NOT NULL DEFAULT (zeroblob(32)), -- exclusive or of its chains' ends
    touched INTEGER NOT NULL DEFAULT 0          -- 1: changed since the verifier last opened it
);
CREATE INDEX document_site ON document (site);
CREATE INDEX document_touched ON document (id) WHERE touched = 1;

CREATE TABLE chain (
    id       INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document (id),
    writer   BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    op_max   INTEGER NOT NULL,
    UNIQUE (document, writer)
);

CREATE TABLE change (
    chain INTEGER NOT NULL REFERENCES chain (id),
    seq   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    bytes BLOB NOT NULL,
    received_day INTEGER NOT NULL,              -- days since 2000-01-01: the day the hub committed it
    accepted INTEGER NOT NULL,                  -- the commit that holds it: mark.n
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;

-- Pushed by devices whose standing is pending: kept apart, never acknowledged.
CREATE TABLE pending_change (
    device   BLOB NOT NULL,
    document TEXT NOT NULL,
    writer   BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    bytes    BLOB NOT NULL,
    received_day INTEGER NOT NULL,
    PRIMARY KEY (document, writer, seq, hash, device)
) WITHOUT ROWID;

-- Views: derived from the changes, can be thrown away and rebuilt.
CREATE TABLE fact (
    document  INTEGER NOT NULL,
    tap       BLOB NOT NULL,                    -- 8 bytes
    rev       INTEGER NOT NULL,
    day       INTEGER NOT NULL,                 -- day of the month
    value     TEXT NOT NULL,
    contested INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (document, tap)
) WITHOUT ROWID;

CREATE TABLE closing (
    document INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    rev      INTEGER NOT NULL,
    closed   INTEGER NOT NULL,
    PRIMARY KEY (document, day)
) WITHOUT ROWID;

-- Figures that look wrong count apart (apart = 1) until a person settles them.
CREATE TABLE visits (
    site     TEXT NOT NULL,
    day      INTEGER NOT NULL,                  -- days since 2000-01-01
    operator TEXT NOT NULL,
    help     TEXT NOT NULL,
    age      TEXT NOT NULL,
    received_day INTEGER NOT NULL,
    apart    INTEGER NOT NULL,
    people   INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (site, day, operator, help, age, received_day, apart)
) WITHOUT ROWID;
CREATE INDEX visits_day ON visits (day);

CREATE TABLE flagged (
    document INTEGER NOT NULL,
    tap      BLOB NOT NULL,
    reason   TEXT NOT NULL,                     -- operator, help, age, count, day, contested
    PRIMARY KEY (document, tap, reason)
) WITHOUT ROWID;

CREATE TABLE refused (
    document TEXT NOT NULL,
    device   BLOB NOT NULL,
    writer   BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    reason   INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    PRIMARY KEY (document, writer, seq, hash)
) WITHOUT ROWID;

-- What the verifier found when it opened documents: a person must look.
CREATE TABLE finding (
    document TEXT NOT NULL,
    problem  TEXT NOT NULL,
    day      INTEGER NOT NULL,
    PRIMARY KEY (document, problem)
) WITHOUT ROWID;
