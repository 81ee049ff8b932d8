-- The months of sites in the order in which `site_month` last said another thing of them: whoever keeps what he read
-- reads again what has changed since.
CREATE TABLE month_touched (
    n     INTEGER PRIMARY KEY AUTOINCREMENT,
    site  TEXT NOT NULL,
    month INTEGER NOT NULL,
    UNIQUE (site, month)
);
CREATE TRIGGER month_begins AFTER INSERT ON site_month BEGIN
    DELETE FROM month_touched WHERE site = new.site AND month = new.month;
    INSERT INTO month_touched (site, month) VALUES (new.site, new.month);
END;
-- A change of its key ends one row and begins another.
CREATE TRIGGER month_changes AFTER UPDATE ON site_month BEGIN
    DELETE FROM month_touched WHERE (site = old.site AND month = old.month) OR (site = new.site AND month = new.month);
    INSERT INTO month_touched (site, month) SELECT old.site, old.month UNION SELECT new.site, new.month;
END;
CREATE TRIGGER month_ends AFTER DELETE ON site_month BEGIN
    DELETE FROM month_touched WHERE site = old.site AND month = old.month;
    INSERT INTO month_touched (site, month) VALUES (old.site, old.month);
END;

-- How often that has changed which decides who is to report.
CREATE TABLE reporters_touched (n INTEGER NOT NULL);
INSERT INTO reporters_touched VALUES (0);
CREATE TRIGGER reporter_begins AFTER INSERT ON site BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_changes AFTER UPDATE ON site BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_ends AFTER DELETE ON site BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_span_begins AFTER INSERT ON site_span BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_span_changes AFTER UPDATE ON site_span BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_span_ends AFTER DELETE ON site_span BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_fact_begins AFTER INSERT ON site_fact BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_fact_changes AFTER UPDATE ON site_fact BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_fact_ends AFTER DELETE ON site_fact BEGIN UPDATE reporters_touched SET n = n + 1; END;
CREATE TRIGGER reporter_joins AFTER INSERT ON device BEGIN UPDATE reporters_touched SET n = n + 1; END;
-- Not what its sessions change.
CREATE TRIGGER reporter_moves AFTER UPDATE OF site, standing, enrolled_day ON device BEGIN
    UPDATE reporters_touched SET n = n + 1;
END;
CREATE TRIGGER reporter_leaves AFTER DELETE ON device BEGIN UPDATE reporters_touched SET n = n + 1; END;
