"""`GET /v1/public/{table}`: docs/PRIVACY.md, "Public tables".

A table tells what had been received on the day of its release. Each figure that it shows is the true one and not
small, each that it calls small is, and no row is left out that is not 0. Whether what else is hidden is enough is not
asked here: for that the tables are attacked.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import completeness
from completeness import World
from days import last_of_month
from figures import Question, Row, summed

MEASURES = ("visits", "requests")
Figures = dict[str, int]


def months(period: str) -> tuple[date, date]:
    """The first and last day of `2026-10`, `2026-Q4` or `2026`."""
    year, _, part = period.partition("-")
    first, count = (int(part[1]) * 3 - 2, 3) if part.startswith("Q") else (int(part), 1) if part else (1, 12)
    return date(int(year), first, 1), last_of_month(date(int(year), first + count - 1, 1))


def told(true: int, found: Any, min_cell: int) -> Any:
    """How this figure may be told, as near to how it is told as is true."""
    match found:
        case {"suppressed": True, "lt": lt} if lt == min_cell and 0 < true < min_cell:
            return found
        case {"suppressed": True} if "lt" not in found:
            return found
    return {"suppressed": True, "lt": min_cell} if 0 < true < min_cell else true


def made(world: World, found: dict[str, Any]) -> dict[str, Any]:
    """The table, from the documents. `found` is the hub's: which figures it hides further is its choice."""
    (first, last), released = months(found["period"]), date.fromisoformat(found["as_of"])
    question = Question(first, last, tuple(found["by"]))
    total, rows, _ = summed(question, world.sites, world.visits.sums(released)[0])
    # One visit may make requests of several partners, of several kinds of help.
    told_here = [name for name in MEASURES if found["total"][name] is not None]
    shown = {by_row(found, row): row for row in found["rows"]}
    here = [name for name in told_here if name not in found["withheld"]]
    true = {key: figures for key, figure in rows.items() if any((figures := measured(figure, here)).values())}
    due = completeness.answer(Question(first, last, as_of=released), world)
    return {
        "from": f"{first}", "to": f"{last}", "layout": 1,
        "total": marked(measured(total, told_here), found["total"], found),
        "rows": {key: marked(figures, shown.get(key, {}), found) for key, figures in true.items()},
        "completeness": due.total.fields() | {"not_expected": len(due.total.idle)},
    }


def measured(figure: tuple[int, int], names: list[str]) -> Figures:
    return {name: one for name, one in zip(MEASURES, figure, strict=True) if name in names}


def marked(true: Figures, shown: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: told(true[name], shown.get(name), found["min_cell"]) if name in true else shown.get(name)
        for name in MEASURES
    }


def by_row(found: dict[str, Any], row: dict[str, Any]) -> Row:
    return tuple(row[key] for key in found["by"])


def read(found: dict[str, Any]) -> dict[str, Any]:
    """The hub's table, its rows by their keys."""
    rows = {by_row(found, row): {name: row[name] for name in MEASURES} for row in found["rows"]}
    return {key: found[key] for key in ("from", "to", "layout", "total", "completeness")} | {"rows": rows}
