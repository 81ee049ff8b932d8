-- Edits of documents of registers in an order that puts each after all that it follows; derived.
CREATE TABLE edit (
    document INTEGER NOT NULL,
    op_start INTEGER NOT NULL,                  -- counter of its first operation
    writer   BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (document, op_start, writer)
) WITHOUT ROWID;

-- The values that nobody has replaced; derived. Several of one key wait for a person.
CREATE TABLE register (
    document INTEGER NOT NULL,
    key      TEXT NOT NULL,
    counter  INTEGER NOT NULL,                  -- of the operation that set it, with its writer
    writer   BLOB NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (document, key, counter, writer)
) WITHOUT ROWID;
