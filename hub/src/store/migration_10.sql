-- What the registry's rows say, each as one text. Only functions whose text never changes: quote,
-- and whole numbers instead of fractions (1e-7 degrees are a centimetre).
CREATE VIEW sealed_site AS SELECT id AS key,
    quote(id) || quote(name) || quote(kind) || quote(life) || quote(parent) || quote(format) || quote(address)
    || quote(commune) || quote(insee) || quote(postal_code) || quote(department) || quote(region) || quote(bearer)
    || quote(CAST(lat * 10000000 AS INTEGER)) || quote(CAST(lon * 10000000 AS INTEGER)) || quote(timezone)
    || quote(holiday_zone) || quote(school_zone) || quote(osm_opening_hours) || quote(weekly_minutes)
    || quote(label_date) || quote(comment) || quote(hours_verbatim) || quote(quality)
    || ';' || quote(list_day) AS content FROM site;
CREATE VIEW sealed_alias AS SELECT alias AS key, quote(alias) || quote(site) AS content FROM site_alias;
CREATE VIEW sealed_history AS SELECT site || ' ' || field || ' ' || from_day AS key, site, field, from_day,
    quote(site) || quote(field) || from_day || quote(value) AS content FROM site_history;
CREATE VIEW sealed_hand AS SELECT site || ' ' || field AS key, site, field,
    quote(site) || quote(field) AS content FROM site_hand;
CREATE VIEW sealed_token AS SELECT id AS key, quote(id) || quote(hash) || quote(label) || quote(scope) || quote(role)
    || expires || ';' || revoked AS content FROM token;
-- Not what its sessions change.
CREATE VIEW sealed_device AS SELECT id AS key, quote(id) || quote(fingerprint) || quote(site) || quote(label)
    || quote(standing) || enrolled_day || quote(reason) AS content FROM device;

-- The digest of each of these texts, as the program last wrote it: a bit that a disk flips later
-- no longer fits.
CREATE TABLE seal (kind TEXT NOT NULL, key NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
-- The rows that the transaction under way has written, with what each said before; null: it was
-- not there. Empty after each commit of the hub.
CREATE TABLE unsealed (kind TEXT NOT NULL, key NOT NULL, was TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;

CREATE TRIGGER site_begins AFTER INSERT ON site BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('site', new.id, NULL);
END;
CREATE TRIGGER site_changes BEFORE UPDATE ON site BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'site', key, content FROM sealed_site WHERE key = old.id;
END;
CREATE TRIGGER site_ends BEFORE DELETE ON site BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'site', key, content FROM sealed_site WHERE key = old.id;
END;
CREATE TRIGGER alias_begins AFTER INSERT ON site_alias BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('alias', new.alias, NULL);
END;
CREATE TRIGGER alias_changes BEFORE UPDATE ON site_alias BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'alias', key, content FROM sealed_alias WHERE key = old.alias;
END;
CREATE TRIGGER alias_ends BEFORE DELETE ON site_alias BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'alias', key, content FROM sealed_alias WHERE key = old.alias;
END;
CREATE TRIGGER history_begins AFTER INSERT ON site_history BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('history', new.site || ' ' || new.field || ' ' || new.from_day, NULL);
END;
-- A change of its key ends one row and begins another.
CREATE TRIGGER history_changes BEFORE UPDATE ON site_history BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'history', key, content FROM sealed_history
        WHERE site = old.site AND field = old.field AND from_day = old.from_day;
    INSERT OR IGNORE INTO unsealed VALUES ('history', new.site || ' ' || new.field || ' ' || new.from_day, NULL);
END;
CREATE TRIGGER history_ends BEFORE DELETE ON site_history BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'history', key, content FROM sealed_history
        WHERE site = old.site AND field = old.field AND from_day = old.from_day;
END;
CREATE TRIGGER hand_begins AFTER INSERT ON site_hand BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('hand', new.site || ' ' || new.field, NULL);
END;
CREATE TRIGGER hand_changes BEFORE UPDATE ON site_hand BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'hand', key, content FROM sealed_hand
        WHERE site = old.site AND field = old.field;
    INSERT OR IGNORE INTO unsealed VALUES ('hand', new.site || ' ' || new.field, NULL);
END;
CREATE TRIGGER hand_ends BEFORE DELETE ON site_hand BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'hand', key, content FROM sealed_hand
        WHERE site = old.site AND field = old.field;
END;
CREATE TRIGGER token_begins AFTER INSERT ON token BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('token', new.id, NULL);
END;
CREATE TRIGGER token_changes BEFORE UPDATE ON token BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'token', key, content FROM sealed_token WHERE key = old.id;
END;
CREATE TRIGGER token_ends BEFORE DELETE ON token BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'token', key, content FROM sealed_token WHERE key = old.id;
END;
CREATE TRIGGER device_begins AFTER INSERT ON device BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('device', new.id, NULL);
END;
CREATE TRIGGER device_changes BEFORE UPDATE OF id, fingerprint, site, label, standing, enrolled_day, reason ON device
BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'device', key, content FROM sealed_device WHERE key = old.id;
END;
CREATE TRIGGER device_ends BEFORE DELETE ON device BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'device', key, content FROM sealed_device WHERE key = old.id;
END;

-- What an earlier version wrote is sealed with the next commit.
INSERT INTO unsealed SELECT 'site', key, NULL FROM sealed_site;
INSERT INTO unsealed SELECT 'alias', key, NULL FROM sealed_alias;
INSERT INTO unsealed SELECT 'history', key, NULL FROM sealed_history;
INSERT INTO unsealed SELECT 'hand', key, NULL FROM sealed_hand;
INSERT INTO unsealed SELECT 'token', key, NULL FROM sealed_token;
INSERT INTO unsealed SELECT 'device', key, NULL FROM sealed_device;
