"""Facts of schedules and partners: keys with one value each, unless people contradict each other.

docs/RECOMPUTE.md, "Raw facts": a value is `<author>|<day>|<body>`; the body `-` takes the fact back. Values whose
bodies are the same are no contradiction, nor are confirmations of one thing on two days: then the latest speaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import NamedTuple

from days import day

TAKEN_BACK = "-"
Facts = dict[str, list[str]]
Chosen = dict[str, "Said"]


class Said(NamedTuple):
    """Who said what, and when."""

    author: str
    day: str
    body: str


def matter(key: str, body: str) -> str:
    """What two bodies must share to say the same."""
    kind = key.split("|")[0]
    if body == TAKEN_BACK:
        return body
    if kind == "checked":
        return ""
    return body.rsplit("|", 1)[0] if kind == "presence" else body


def versions(key: str, values: list[str]) -> list[Said]:
    """What is said under a key: one, or several that contradict each other."""
    found: dict[str, Said] = {}
    for value in values:
        said = Said(*value.split("|", 2))
        same = matter(key, said.body)
        if same not in found or (said.day, said.body) > (found[same].day, found[same].body):
            found[same] = said
    return [found[same] for same in sorted(found)]


def agreed(facts: Facts, key: str) -> str | None:
    """The body that everybody agrees on; none where it was taken back, or contradicted."""
    said = versions(key, facts.get(key, []))
    return said[0].body if len(said) == 1 and said[0].body != TAKEN_BACK else None


def contradicted(facts: Facts, key: str) -> bool:
    return len(versions(key, facts.get(key, []))) > 1


def choices(facts: Facts, kinds: tuple[str, ...]) -> Iterator[Chosen]:
    """The facts of these kinds in each way that contradictions can be settled."""
    said = {key: versions(key, values) for key, values in facts.items() if key.split("|")[0] in kinds}
    for chosen in product(*said.values()):
        yield dict(zip(said, chosen, strict=True))


def steps(facts: Facts, operator: str, on: date) -> list[str]:
    """The rules of its permanences in force on a day."""
    latest: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    for key, values in facts.items():
        if not key.startswith("permanence|"):
            continue
        _, start, *rest = key.split("|")
        if rest[0] == operator and day(start) <= on:
            latest[tuple(rest)] = max(latest.get(tuple(rest), ("", [])), (start, values))
    return [said.body for _, values in latest.values() for said in versions("permanence", values)]
