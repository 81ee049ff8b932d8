-- Who did it: hub, operator, user:LOGIN or token:ID. Empty: before this was written.
ALTER TABLE journal ADD COLUMN who TEXT NOT NULL DEFAULT '';
-- On whose behalf the transaction under way writes; «hub» outside of one.
CREATE TABLE acting (who TEXT NOT NULL);
INSERT INTO acting VALUES ('hub');

-- The journal is only added to, whatever writes to the file.
CREATE TRIGGER journal_stands BEFORE UPDATE ON journal BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;
CREATE TRIGGER journal_stays BEFORE DELETE ON journal BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;
-- INSERT OR REPLACE deletes without a word.
CREATE TRIGGER journal_goes_on BEFORE INSERT ON journal WHEN EXISTS (SELECT 1 FROM journal WHERE n = new.n) BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;
CREATE INDEX journal_at ON journal (at);

-- The last day on which a token was used. Not sealed: requests change it.
CREATE TABLE token_use (
    token TEXT PRIMARY KEY,
    day   INTEGER NOT NULL                      -- days since 2000-01-01
) WITHOUT ROWID;

-- People who sign in.
CREATE TABLE user (
    login    TEXT PRIMARY KEY,
    password TEXT NOT NULL,                     -- as argon2id makes it, with salt and costs
    scope    TEXT NOT NULL,
    role     TEXT NOT NULL CHECK (role IN ('reader', 'coordinator', 'admin')),
    disabled INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Who is signed in. Whatever begins an epoch, such as a backup put back, ends all of them.
CREATE TABLE session (
    hash  BLOB PRIMARY KEY,                     -- SHA-256 of what the cookie holds
    login TEXT NOT NULL REFERENCES user (login),
    begun INTEGER NOT NULL,                     -- seconds since 1970
    seen  INTEGER NOT NULL                      -- the same, of the last request, to the minute
) WITHOUT ROWID;
CREATE INDEX session_login ON session (login, seen);

CREATE VIEW sealed_user AS SELECT login AS key,
    quote(login) || quote(password) || quote(scope) || quote(role) || disabled AS content FROM user;
CREATE TRIGGER user_begins AFTER INSERT ON user BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('user', new.login, NULL);
END;
CREATE TRIGGER user_changes BEFORE UPDATE ON user BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'user', key, content FROM sealed_user WHERE key = old.login;
END;
CREATE TRIGGER user_ends BEFORE DELETE ON user BEGIN
    INSERT OR IGNORE INTO unsealed SELECT 'user', key, content FROM sealed_user WHERE key = old.login;
END;
