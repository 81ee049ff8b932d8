"""The hub's answers, and how they differ from what was worked out here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

SHOWN_MAX = 12


@dataclass
class Api:
    """Asks a hub, compares, and keeps what differs."""

    url: str
    token: str
    compared: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        target = f"{self.url}{path}?{urlencode(query)}" if query else f"{self.url}{path}"
        request = Request(target, headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def compare(self, view: str, of: str, expected: Any, found: Any) -> None:
        """Counts the values compared; equal numbers are equal, and nothing else is."""
        differences = list(walk(of, expected, found))
        self.compared[view] = self.compared.get(view, 0) + leaves(expected)
        self.differences += [f"{view}: {line}" for line in differences]


def leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


def walk(at: str, expected: Any, found: Any) -> list[str]:
    """Where two values differ."""
    lines: list[str] = []
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}, key=str):
            if key not in found or key not in expected:
                side = "only the hub has" if key in found else "the hub lacks"
                lines.append(f"{at}: {side} {key}: {(found if key in found else expected)[key]}")
            else:
                lines += walk(f"{at} {key}", expected[key], found[key])
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, pair in enumerate(zip(expected, found, strict=True)):
            lines += walk(f"{at} {number}", *pair)
    elif expected != found:
        lines.append(f"{at}: documents say {json.dumps(expected)}, the hub {json.dumps(found)}")
    return lines


def only(like: Any, found: Any) -> Any:
    """The part of an object that is compared: the fields of another one."""
    if isinstance(like, dict) and isinstance(found, dict):
        return {key: only(like[key], value) for key, value in found.items() if key in like}
    if isinstance(like, list) and isinstance(found, list) and len(like) == len(found):
        return [only(one, two) for one, two in zip(like, found, strict=True)]
    return found
