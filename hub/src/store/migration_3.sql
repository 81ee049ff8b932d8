-- Which references each device said that it holds: who has not taken up a new authority yet.
CREATE TABLE reference_held (
    device BLOB NOT NULL,
    kind   INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (device, kind)
) WITHOUT ROWID;
