"""`GET /v1/operators/{code}/return`: what a partner is owed for a month."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from completeness import World, answer
from days import each, last_of_month
from figures import Question, summed
from visits import AGES, HELPS


def made(world: World, operator: str, month: date, as_of: date | None) -> dict[str, Any]:
    """Requests by site (antennas as rows of their own), and by kind of help of each department."""
    by = as_of or world.visits.last
    question = Question(month, last_of_month(month), ("department", "site"), apart=True, as_of=as_of)
    due = answer(question, world)
    mine = replace(question, filters={"operator": (operator,)})
    counted = world.visits.sums(by)[0]
    (_, requests), by_site, _ = summed(mine, world.sites, counted)
    _, by_help, _ = summed(replace(mine, by=("department", "help")), world.sites, counted)
    of_departments = answer(replace(question, by=("department",)), world).rows
    expected = {key: days for key, days in due.rows.items() if days.expected}
    sites: dict[tuple[str, ...], dict[str, Any]] = {}
    departments: dict[str, dict[str, Any]] = {}
    for key in sorted({*by_site, *expected}):
        site, days = world.sites[key[1]], due.rows.get(key)
        in_it = [on for on in each(month, last_of_month(month)) if site.on("department", on) == key[0]]
        houses = dict.fromkeys(site.on("parent", on) for on in in_it)
        sites[key] = {
            "department": key[0], "site": key[1], "site_name": site.name, "kind": site.kind,
            "requests": by_site.get(key, (0, 0))[1],
            "expected": days.expected if days else 0, "reported": days.reported if days else 0,
            "houses": [{"site": house, "site_name": world.sites[house].name} for house in houses if house],
        }
    for code in sorted({code for code, _ in sites}):
        whole = of_departments.get((code,))
        among = [line["requests"] for (department, _), line in sites.items() if department == code]
        departments[code] = {
            "department": code, "requests": sum(among),
            "help": {help_: by_help.get((code, help_), (0, 0))[1] for help_ in HELPS},
            "expected": whole.expected if whole else 0, "reported": whole.reported if whole else 0,
        }
    return {
        "operator": operator, "month": f"{month}"[:7], "as_of": f"{by}",
        "total": {"requests": requests, "sites": sum(line["requests"] > 0 for line in sites.values())},
        "completeness": due.total.fields(), "departments": departments, "sites": sites,
    }


def ages(world: World, operator: str, month: date, released: date) -> dict[str, dict[str, int]]:
    """Requests by department and age, as they stood on the day on which they were released."""
    question = Question(month, last_of_month(month), ("department", "age"), {"operator": (operator,)})
    _, rows, _ = summed(question, world.sites, world.visits.sums(released)[0])
    departments = {code for code, _ in rows}
    return {code: {age: rows.get((code, age), (0, 0))[1] for age in AGES} for code in departments}
