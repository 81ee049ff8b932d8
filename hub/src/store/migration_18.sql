-- What is released, settled, journalled, closed and imported follows from nothing else, as the registry: it is sealed
-- in the same way. A release with all of its cells is one row here.
CREATE VIEW sealed_release AS SELECT kind || ' ' || period AS key, kind, period,
    quote(kind) || quote(period) || quote(year) || ';' || quote(depth) || ';' || quote(min_cell) || ';' || quote(layout)
    || ';' || quote(day) || quote(completeness) || coalesce((
        -- ORDER BY within an aggregate would keep older tools of SQLite from opening the file at all.
        SELECT group_concat(cell, char(10)) FROM (
            SELECT quote(place) || quote(one) || quote(two) || quote(value) || ';' || quote(state) AS cell
            FROM release_cell c WHERE c.kind = release.kind AND c.period = release.period ORDER BY place, one, two)
        ), '') AS content FROM release;
CREATE VIEW sealed_settlement AS SELECT n AS key, quote(document) || quote(tap) || quote(day) || quote(value)
    || quote(doubts) || quote(verdict) || quote(reason) || quote(at) || ';' || quote(decided_day) || ';' || quote(accepted)
    AS content FROM settlement;
CREATE VIEW sealed_journal AS SELECT n AS key,
    quote(at) || quote(who) || quote(action) || quote(subject) || quote(detail) AS content FROM journal;
CREATE VIEW sealed_closure AS SELECT id AS key, quote(id) || quote(from_day) || ';' || quote(to_day) || quote(reason)
    || quote(label) || quote(scope) AS content FROM network_closure;
CREATE VIEW sealed_calendar AS SELECT calendar || ' ' || zone || ' ' || year AS key, calendar, zone, year,
    quote(calendar) || quote(zone) || quote(year) || quote(value) AS content FROM calendar;

-- These are only added to: a row that says another thing than it did is damage, whatever wrote it. (No OR IGNORE
-- here: a statement that says what to do ON CONFLICT overrules its triggers.)
CREATE TRIGGER release_begins AFTER INSERT ON release BEGIN
    INSERT INTO unsealed SELECT 'release', new.kind || ' ' || new.period, NULL
        WHERE NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'release' AND key = new.kind || ' ' || new.period);
END;
CREATE TRIGGER settlement_begins AFTER INSERT ON settlement BEGIN
    INSERT INTO unsealed SELECT 'settlement', new.n, NULL
        WHERE NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'settlement' AND key = new.n);
END;
CREATE TRIGGER journal_begins AFTER INSERT ON journal BEGIN
    INSERT INTO unsealed SELECT 'journal', new.n, NULL
        WHERE NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'journal' AND key = new.n);
END;

CREATE TRIGGER closure_begins AFTER INSERT ON network_closure BEGIN
    INSERT INTO unsealed SELECT 'closure', new.id, NULL
        WHERE NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'closure' AND key = new.id);
END;
CREATE TRIGGER closure_changes BEFORE UPDATE ON network_closure BEGIN
    INSERT INTO unsealed SELECT 'closure', key, content FROM sealed_closure s WHERE key = old.id
        AND NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'closure' AND key = s.key);
END;
CREATE TRIGGER closure_ends BEFORE DELETE ON network_closure BEGIN
    INSERT INTO unsealed SELECT 'closure', key, content FROM sealed_closure s WHERE key = old.id
        AND NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'closure' AND key = s.key);
END;
CREATE TRIGGER calendar_begins AFTER INSERT ON calendar BEGIN
    INSERT INTO unsealed SELECT 'calendar', new.calendar || ' ' || new.zone || ' ' || new.year, NULL
        WHERE NOT EXISTS (SELECT 1 FROM unsealed
                          WHERE kind = 'calendar' AND key = new.calendar || ' ' || new.zone || ' ' || new.year);
END;
CREATE TRIGGER calendar_changes BEFORE UPDATE ON calendar BEGIN
    INSERT INTO unsealed SELECT 'calendar', key, content FROM sealed_calendar s
        WHERE calendar = old.calendar AND zone = old.zone AND year = old.year
        AND NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'calendar' AND key = s.key);
END;
CREATE TRIGGER calendar_ends BEFORE DELETE ON calendar BEGIN
    INSERT INTO unsealed SELECT 'calendar', key, content FROM sealed_calendar s
        WHERE calendar = old.calendar AND zone = old.zone AND year = old.year
        AND NOT EXISTS (SELECT 1 FROM unsealed WHERE kind = 'calendar' AND key = s.key);
END;

-- What an earlier version wrote is sealed with the next commit.
INSERT INTO unsealed SELECT 'release', key, NULL FROM sealed_release;
INSERT INTO unsealed SELECT 'settlement', key, NULL FROM sealed_settlement;
INSERT INTO unsealed SELECT 'journal', key, NULL FROM sealed_journal;
INSERT INTO unsealed SELECT 'closure', key, NULL FROM sealed_closure;
INSERT INTO unsealed SELECT 'calendar', key, NULL FROM sealed_calendar;
