-- Labels are told with these, and a row follows what was dated ahead: an answer is another once they are.
CREATE TRIGGER label_touches AFTER UPDATE OF kind, life, parent, department, region, bearer, commune, label_date ON site
WHEN (new.kind, new.life, new.parent, new.department, new.region, new.bearer, new.commune, new.label_date)
    IS NOT (old.kind, old.life, old.parent, old.department, old.region, old.bearer, old.commune, old.label_date) BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
-- An antenna counts in the house of its span, which another name may have led elsewhere.
CREATE TRIGGER span_moves AFTER UPDATE ON site_span BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
CREATE TRIGGER span_ends AFTER DELETE ON site_span BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;
-- How many changes were refused is told with figures as of a day.
CREATE TRIGGER refusal_touches AFTER INSERT ON refusal BEGIN
    UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures';
END;

-- The commit that noted a line: which of two is the later one does not hang on the hub's clock.
ALTER TABLE label_history ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
