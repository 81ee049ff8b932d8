-- What of a site holds from a day on. Only a field that has changed has rows; its first one then
-- tells what held before. Day numbers are days since 2000-01-01, and 0 means «ever since».
CREATE TABLE site_history (
    site     TEXT NOT NULL REFERENCES site (id),
    field    TEXT NOT NULL CHECK (field IN ('life', 'parent', 'department', 'bearer')),
    from_day INTEGER NOT NULL,
    value    TEXT NOT NULL,                     -- empty: none, or not known
    PRIMARY KEY (site, field, from_day)
) WITHOUT ROWID;

-- Derived from the two above: each day of each site lies in exactly one span, within which nothing
-- of this changes. Figures are summed span by span.
CREATE TABLE site_span (
    site       TEXT NOT NULL,
    from_day   INTEGER NOT NULL,
    to_day     INTEGER NOT NULL,                -- inclusive
    life       TEXT NOT NULL,
    parent     TEXT,
    department TEXT NOT NULL,
    region     TEXT NOT NULL,
    bearer     TEXT NOT NULL,
    PRIMARY KEY (site, from_day)
) WITHOUT ROWID;
CREATE INDEX site_span_parent ON site_span (parent) WHERE parent IS NOT NULL;
INSERT INTO site_span SELECT id, 0, 36524, life, parent, department, region, bearer FROM site;
CREATE TRIGGER site_span_begins AFTER INSERT ON site BEGIN
    INSERT INTO site_span VALUES
        (new.id, 0, 36524, new.life, new.parent, new.department, new.region, new.bearer);
END;

-- An alias never shadows an id: a site that appears under a name takes it back, and a name that
-- is an id is no alias.
CREATE TRIGGER site_takes_its_name AFTER INSERT ON site BEGIN
    DELETE FROM site_alias WHERE alias = new.id;
END;
CREATE TRIGGER alias_is_no_id BEFORE INSERT ON site_alias
WHEN EXISTS (SELECT 1 FROM site WHERE id = new.alias) BEGIN
    SELECT raise(ABORT, 'an alias would shadow a site');
END;

-- The fields that a person has set: a list leaves them alone.
CREATE TABLE site_hand (
    site  TEXT NOT NULL REFERENCES site (id),
    field TEXT NOT NULL,
    PRIMARY KEY (site, field)
) WITHOUT ROWID;
INSERT OR IGNORE INTO site_hand (site, field)
    SELECT j.subject, substr(j.detail, 1, instr(j.detail, '=') - 1)
    FROM journal j JOIN site s ON s.id = j.subject
    WHERE j.action = 'site.set' AND instr(j.detail, '=') > 1;

-- The date of the list that a site's row comes from; null: no list has named it.
ALTER TABLE site ADD COLUMN list_day INTEGER;

-- The sums of a period are read site by site now.
DROP INDEX visits_day;

-- What persons have decided on facts that looked wrong: truth, like the changes. It speaks of one
-- value of a tap and of these doubts about it; anything else is flagged anew.
CREATE TABLE settlement (
    document TEXT NOT NULL,
    tap      BLOB NOT NULL,
    day      INTEGER NOT NULL,                  -- day of the month
    value    TEXT NOT NULL,
    doubts   TEXT NOT NULL,                     -- comma-separated reasons, in alphabetical order
    verdict  TEXT NOT NULL CHECK (verdict IN ('count', 'leave_out')),
    reason   TEXT NOT NULL,
    at       INTEGER NOT NULL,                  -- seconds since 1970
    PRIMARY KEY (document, tap, day, value)
) WITHOUT ROWID;
-- Empty: nobody has decided yet.
ALTER TABLE flagged ADD COLUMN verdict TEXT NOT NULL DEFAULT '';

-- Refusals get a number that a person can use, and an end.
CREATE TABLE refusal (
    n        INTEGER PRIMARY KEY AUTOINCREMENT,
    document TEXT NOT NULL,
    site     TEXT NOT NULL,
    device   BLOB NOT NULL,
    writer   BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    reason   INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    settled  INTEGER NOT NULL DEFAULT 0,        -- 1: a person has looked at it
    UNIQUE (document, writer, seq, hash)
);
CREATE INDEX refusal_device ON refusal (device, settled);
INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day)
    SELECT document, substr(document, 6, instr(substr(document, 6), '/') - 1), device, writer, seq, hash, reason, day
    FROM refused ORDER BY day, document, writer, seq;
DROP TABLE refused;

-- How much waits for each pending device: a quota holds.
CREATE TABLE pending_sum (
    device  BLOB PRIMARY KEY,
    changes INTEGER NOT NULL,
    bytes   INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO pending_sum SELECT device, count(*), sum(length(bytes)) FROM pending_change GROUP BY device;

-- An invitation may name the device whose place the new one takes.
ALTER TABLE invitation ADD COLUMN replaces BLOB;
-- The device that says it is the same machine with a new key; null when this one was heard again.
ALTER TABLE device ADD COLUMN replaced_by BLOB;
