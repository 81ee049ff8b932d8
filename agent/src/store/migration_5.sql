-- What the hub alone decides, kept as it was sent: calendars and closures of the network.
CREATE TABLE reference (
    kind  INTEGER PRIMARY KEY,
    hash  BLOB NOT NULL,                        -- by which the hub tells what is held
    value BLOB NOT NULL
);
