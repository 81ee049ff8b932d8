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

-- The last commit that added to the document: whoever keeps what he read can tell whether it is old.
ALTER TABLE document ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
UPDATE document SET accepted = coalesce(
    (SELECT max(h.accepted) FROM chain c JOIN change h ON h.chain = c.id WHERE c.document = document.id), 0);
