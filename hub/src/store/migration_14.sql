-- What a machine said in its last Hello that it keeps and the hub lacks; null: it does not tell.
ALTER TABLE device ADD COLUMN waiting INTEGER;
ALTER TABLE device ADD COLUMN oldest_waiting_day INTEGER;      -- days since 2000-01-01
-- Seconds since 1970 at which it was last turned away; null: let in since, or never.
ALTER TABLE device ADD COLUMN turned_away INTEGER;

-- What the last checks of the whole database found.
CREATE TABLE check_run (
    at          INTEGER PRIMARY KEY,            -- seconds since 1970 at which it began
    ended       INTEGER NOT NULL,               -- seconds since 1970
    documents   INTEGER NOT NULL,
    changes     INTEGER NOT NULL,
    problems    INTEGER NOT NULL,               -- how many of each kind were found
    registry    INTEGER NOT NULL,
    differences INTEGER NOT NULL,
    negative    INTEGER NOT NULL,
    told        TEXT NOT NULL                   -- the first of them, a line each; those below zero are not among them
);
