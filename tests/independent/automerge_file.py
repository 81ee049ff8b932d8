"""Reads a saved Automerge document: which values stand under each root key.

From the format's own specification (https://automerge.org/automerge-binary-format-spec), and only as much of it
as documents of this network use: one document chunk, strings set at the root. A value stands unless a later
operation succeeds it; of values set without knowing of each other all stand.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

MAGIC = bytes([0x85, 0x6F, 0x4A, 0x83])
DOCUMENT_CHUNK = 0
DEFLATED = 0b1000
# Columns of operations, by the number in their specification.
OBJECT, KEY, ACTION, VALUE_META, VALUE, SUCCESSORS = 0x01, 0x15, 0x42, 0x56, 0x57, 0x80
SET, STRING = 1, 6


class Reader:
    """Bytes read from left to right."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def more(self) -> bool:
        return self.at < len(self.data)

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.data):
            raise ValueError("the document is cut off")
        self.at += length
        return self.data[self.at - length : self.at]

    def unsigned(self) -> int:
        number, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def signed(self) -> int:
        number, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number - (1 << shift) if byte & 0x40 else number

    def text(self) -> str:
        return self.take(self.unsigned()).decode()


def runs(column: bytes, read: str) -> Iterator[int | str | None]:
    """A run-length encoded column, value by value."""
    reader = Reader(column)
    value = getattr(reader, read)
    while reader.more():
        length = reader.signed()
        if length > 0:
            one = value()
            yield from (one for _ in range(length))
        elif length < 0:
            yield from (value() for _ in range(-length))
        else:
            yield from (None for _ in range(reader.unsigned()))


def columns(reader: Reader) -> list[tuple[int, int]]:
    return [(reader.unsigned(), reader.unsigned()) for _ in range(reader.unsigned())]


def operations(data: bytes) -> dict[int, bytes]:
    """The columns of operations of a document chunk."""
    whole = Reader(data)
    if whole.take(4) != MAGIC:
        raise ValueError("no Automerge document")
    checksum, begin = whole.take(4), whole.at
    kind, content = whole.take(1)[0], Reader(whole.take(whole.unsigned()))
    if hashlib.sha256(data[begin : whole.at]).digest()[:4] != checksum:
        raise ValueError("the checksum is not that of the content")
    if kind != DOCUMENT_CHUNK or whole.more():
        raise ValueError("not one document chunk")
    for _ in range(content.unsigned()):
        content.take(content.unsigned())  # actors
    content.take(32 * content.unsigned())  # heads
    of_changes, of_operations = columns(content), columns(content)
    content.take(sum(length for _, length in of_changes))
    found = {}
    for spec, length in of_operations:
        column = content.take(length)
        found[spec & ~DEFLATED] = zlib.decompress(column, -15) if spec & DEFLATED else column
    return found


def standing(data: bytes) -> dict[str, list[str]]:
    """The values that stand under each key of the document's root."""
    found = operations(data)
    if any(actor is not None for actor in runs(found.get(OBJECT, b""), "unsigned")):
        raise ValueError("something is nested")
    values = Reader(found.get(VALUE, b""))
    rows = zip(
        runs(found.get(KEY, b""), "text"),
        runs(found.get(ACTION, b""), "unsigned"),
        runs(found.get(VALUE_META, b""), "unsigned"),
        runs(found.get(SUCCESSORS, b""), "unsigned"),
        strict=True,
    )
    facts: dict[str, list[str]] = {}
    for key, action, meta, successors in rows:
        value = values.take(int(meta or 0) >> 4)
        if key is None or action != SET or int(meta or 0) & 0xF != STRING:
            raise ValueError(f"{key!r}: not a text set under a name")
        if not successors:
            facts.setdefault(str(key), []).append(value.decode())
    return facts
