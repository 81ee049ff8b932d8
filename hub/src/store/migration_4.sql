-- What a device told in its last file: what an answer must carry, and what it then had.
CREATE TABLE told (
    device BLOB PRIMARY KEY,
    token  BLOB,                                -- of the file
    day    INTEGER NOT NULL,                    -- on which the hub took it, days since 2000-01-01
    have   BLOB NOT NULL                        -- frames: the versions of each of its documents
) WITHOUT ROWID;
