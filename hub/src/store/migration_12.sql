-- When a day was closed or reopened, by the day on which the hub received that: derived. The sum
-- up to a day of the hub is 1 if the day was closed by then.
CREATE TABLE closed_day (
    site     TEXT NOT NULL,
    day      INTEGER NOT NULL,                  -- days since 2000-01-01
    received_day INTEGER NOT NULL,
    closed   INTEGER NOT NULL,                  -- 1: closed, -1: reopened
    PRIMARY KEY (site, day, received_day)
) WITHOUT ROWID;

-- What has been reported of each day of a month, derived: completeness of a year of the whole network
-- is read from these rows.
CREATE TABLE site_month (
    site     TEXT NOT NULL,
    month    INTEGER NOT NULL,                  -- year * 12 + month - 1
    visited  INTEGER NOT NULL,                  -- bit 0: something counts, or waits for a person, on the 1st
    lag      BLOB NOT NULL,                     -- 31 bytes: days until the first of it was received, at most 254;
                                                -- 255: nothing reported
    PRIMARY KEY (site, month)
) WITHOUT ROWID;

-- They are folded from the changes once, by the program that made the tables.
INSERT OR IGNORE INTO meta (key, value) SELECT 'views_due', 1 WHERE EXISTS (SELECT 1 FROM change);

-- What a person has set of a site and no document holds, each with the day from which it holds.
-- Day numbers are days since 2000-01-01.
CREATE TABLE site_fact (
    site     TEXT NOT NULL REFERENCES site (id),
    field    TEXT NOT NULL,
    from_day INTEGER NOT NULL,
    value    TEXT NOT NULL,                     -- empty: taken back
    PRIMARY KEY (site, field, from_day)
) WITHOUT ROWID;

-- Sealed as the rest of the registry is.
CREATE VIEW sealed_fact AS SELECT site || ' ' || field || ' ' || from_day AS key, site, field, from_day,
    quote(site) || quote(field) || from_day || quote(value) AS content FROM site_fact;
CREATE TRIGGER fact_begins AFTER INSERT ON site_fact BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('fact', new.site || ' ' || new.field || ' ' || new.from_day, NULL);
END;
-- A change of its key ends one row and begins another.
CREATE TRIGGER fact_changes BEFORE UPDATE ON site_fact BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'fact', key, content FROM sealed_fact
        WHERE site = old.site AND field = old.field AND from_day = old.from_day;
    INSERT OR IGNORE INTO unsealed VALUES ('fact', new.site || ' ' || new.field || ' ' || new.from_day, NULL);
END;
CREATE TRIGGER fact_ends BEFORE DELETE ON site_fact BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'fact', key, content FROM sealed_fact
        WHERE site = old.site AND field = old.field AND from_day = old.from_day;
END;

-- What figures are told with besides themselves: from when a site is to report, and whose holidays it keeps.
CREATE TRIGGER device_touches AFTER INSERT ON device BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
CREATE TRIGGER standing_touches AFTER UPDATE OF standing ON device BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
CREATE TRIGGER zone_touches AFTER UPDATE OF timezone, holiday_zone, school_zone, format ON site
WHEN (new.timezone, new.holiday_zone, new.school_zone, new.format)
    IS NOT (old.timezone, old.holiday_zone, old.school_zone, old.format) BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
CREATE TRIGGER catalogue_touches AFTER UPDATE ON catalogue BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
CREATE TRIGGER register_touches AFTER UPDATE OF accepted ON document
WHEN substr(new.name, -9) IN ('/schedule', '/partners') BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
