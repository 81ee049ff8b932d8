"""Which questions are asked, and what of each answer is compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import completeness
import coverage
import figures
import label
import public
import report
import returns
import schedule
import size
from api import Api, only
from completeness import World
from days import ONE, add_months, each, last_of_month
from figures import MATTERS, PLACES, TIMES, Question
from registers import Facts, agreed


@dataclass(frozen=True)
class Beside:
    """What else the views need."""

    documents: dict[str, Facts]
    social: set[str]
    exports: list[date]
    told: dict[str, Any]


def months(world: World) -> tuple[date, date]:
    """The last closed month and the one that is not over."""
    this = world.visits.last.replace(day=1)
    before = (this - ONE).replace(day=1)
    return before, last_of_month(this)


def questions(world: World, beside: Beside) -> list[Question]:
    """Every key, every two keys, each filter, each way to compare, each day of which an export is held."""
    first, last = months(world)
    whole = Question(first, last)
    asked = [replace(whole, by=by) for number in (0, 1, 2) for by in combinations((*TIMES, *PLACES, *MATTERS), number)]
    asked += [replace(whole, by=("month", "site", "age")), replace(whole, by=("region", "operator", "help", "age"))]
    asked += [replace(whole, by=(*by, "site"), apart=True) for by in ((), ("day",), ("month",), ("operator",))]
    sites = sorted(world.sites)
    places = [("site", (site,)) for site in sites] + [("site", tuple(sites[:3]))]
    for name in ("department", "region", "bearer"):
        known = {world.sites[site].today(name) for site in sites} - {""}
        places += [(name, (value,)) for value in sorted(known)]
    cells = list(world.visits.sums(world.visits.last)[0])
    matters = [(name, (value,)) for name in MATTERS for value in sorted({getattr(cell, name) for cell in cells})]
    for name, values in places + matters:
        for by in ((), ("month", "site"), ("day",), ("operator",), ("age",)):
            asked.append(replace(whole, by=by, filters={name: values}))
    asked += [replace(whole, by=("site",), filters={"site": (site,)}, apart=True) for site in sites]
    this = last.replace(day=1)
    windows = [whole, Question(this, last), Question(first + 4 * ONE, this + 9 * ONE)]
    for window in windows:
        for compare in ("previous", "year"):
            for by in ((), ("day",), ("month",), ("quarter",), ("site",), ("operator",), ("month", "age")):
                asked.append(replace(window, by=by, compare=compare))
    for on in beside.exports:
        for by in ((), ("day",), ("site",), ("month", "operator"), ("age",)):
            asked.append(replace(whole, by=by, as_of=on))
        asked.append(replace(whole, by=("month", "site"), as_of=on + ONE, compare="previous"))
        asked.append(replace(whole, filters={"operator": ("CNAF",)}, as_of=on))
    return [one for one in asked if one.as_of is None or one.as_of <= world.visits.last]


def by_keys(keys: list[str], rows: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    found = {tuple(str(row[key]) for key in keys): row for row in rows}
    assert len(found) == len(rows), f"two rows of one key: {keys}"
    return found


def listed(told: dict[str, Any]) -> dict[str, Any]:
    """Sites that are missing and those not expected, in an order of our own."""
    keys = ("missing_sites", "not_expected")
    return {key: sorted(told[key], key=lambda one: (one["site"], one.get("reason", ""))) for key in keys}


def check_visits(api: Api, world: World, beside: Beside) -> None:
    for question in questions(world, beside):
        query = question.query()
        found, mine = api.get("/v1/visits", query), figures.answer(question, world.sites, world.visits)
        days = completeness.answer(question, world)
        keyed = [key for key in question.by if key in TIMES + PLACES]
        for key, row in mine["rows"].items():
            placed = tuple(value for name, value in zip(question.by, key, strict=True) if name in keyed)
            of_row = days.rows.get(placed, completeness.Days())
            row |= {"expected": of_row.expected, "reported": of_row.reported} if keyed else {}
        # Whoever was expected and said nothing has a row too, where all keys are of time and place.
        silent = keyed == list(question.by) and any(key in PLACES for key in keyed)
        for key, of_row in days.rows.items():
            if silent and of_row.expected and key not in mine["rows"]:
                told = dict[str, Any](zip(question.by, key, strict=True))
                if "site" in told:
                    told["site_name"] = world.sites[told["site"]].name
                told |= figures.object_of(question, (0, 0), None)
                mine["rows"][key] = told | {"expected": of_row.expected, "reported": of_row.reported}
        lists = listed(days.lists())
        mine["completeness"] = days.total.fields() | lists | {
            "missing_sites_count": len(lists["missing_sites"]), "not_expected_count": len(days.total.idle), "more": None,
        }
        found["completeness"] |= listed(found["completeness"])
        found["rows"] = by_keys(list(question.by), found["rows"])
        if question.as_of:
            found["since"] = only(mine["since"], found["since"])
        if (other := figures.compared(question)) is not None:
            of_other = completeness.answer(replace(other[0], by=()), world).total
            mine["compare"] = {
                "with": question.compare, "from": f"{other[0].first}", "to": f"{other[0].last}",
                "completeness": of_other.fields(),
            }
        api.compare("visits", str(query), mine, found)
    flagged = [(one["site"], one["tap"], ",".join(sorted(one["reason"].split(","))), one["value"])
               for one in api.get("/v1/flagged")["flagged"]]
    mine_flagged = {f"{site} {tap}": [why, value] for site, tap, why, value in world.visits.flagged()}
    api.compare("flagged", "", mine_flagged, {f"{site} {tap}": [why, value] for site, tap, why, value in flagged})


def check_completeness(api: Api, world: World, beside: Beside) -> None:
    first, last = months(world)
    asked = [Question(first, last, by) for number in (0, 1, 2) for by in combinations((*TIMES, *PLACES), number)]
    asked += [Question(first, last, ("site",), apart=True), Question(first, last, ("site", "day"), apart=True)]
    asked += [Question(first, last, ("site",), {"site": (site,)}) for site in world.sites]
    asked += [Question(first, last, by, as_of=on) for on in beside.exports for by in ((), ("site",), ("day",))]
    for question in asked:
        query = question.query()
        found, mine = api.get("/v1/completeness", query), completeness.answer(question, world)
        rows = by_keys(list(question.by), found["rows"])
        told = {key: days.fields() | {"not_expected": len(days.idle)} for key, days in mine.rows.items()}
        api.compare("completeness", str(query), told, {key: only(told.get(key, row), row) for key, row in rows.items()})
        api.compare("completeness", str(query), mine.total.fields() | listed(mine.lists()),
                    found["total"] | listed(found))


def check_schedules(api: Api, world: World, beside: Beside) -> None:
    first, last = months(world)
    last += timedelta(days=31)
    for site in world.sites:
        query = {"from": f"{first}", "to": f"{last}"}
        for found in api.get(f"/v1/sites/{site}/schedule", query)["days"]:
            on = date.fromisoformat(found["day"])
            mine = schedule.object_of(on, world.plan(site, on))
            for one in found["permanences"]:
                why = one["cancelled"]
                one["cancelled"] = (why["reason"] or why["kind"]) if why else None
            order = ("from", "to", "place", "operator")
            for told in (mine, found):
                for key in ("intervals", "permanences"):
                    told[key] = sorted(told[key], key=lambda one: [str(one.get(name)) for name in order])
            found["versions"] = len(found["versions"])
            if mine["state"] == "conflict":
                mine["intervals"] = found["intervals"] = []
            for one in mine["permanences"]:
                found["permanences"] = [only(one, other) for other in found["permanences"]]
            api.compare("schedule", f"{site} {on}", mine, only(mine, found))


def check_label(api: Api, world: World, beside: Beside) -> None:
    mine = label.judged(world, beside.documents, beside.social, beside.told["confirmed_months"])
    answered = api.get("/v1/label")
    found = {}
    for site in answered["sites"]:
        checks = {one["check"]: {"state": one["state"]} | one["evidence"] for one in site["checks"]}
        for one in checks.values():
            one.pop("fr"), one.pop("en")
            for way in ("available", "partial", "to_confirm", "absent"):
                if way in one:
                    one[way] = sorted(one[way])
        found[site["site"]] = {"state": site["state"]} | checks
    api.compare("label", "", mine, found)
    for name, numbers in answered["numbers"].items():
        states = [(one if name == "overall" else one[name])["state"] for one in mine.values()]
        api.compare("label", name, {state: states.count(state) for state in label.ORDER}, numbers)


def check_network(api: Api, world: World, beside: Beside) -> None:
    today = world.visits.last
    sites = world.sites
    for number in range(4):
        for by in combinations(("department", "region", "bearer"), number):
            for on in (today, *beside.exports):
                found = api.get("/v1/network", {"day": f"{on}"} | ({"by": ",".join(by)} if by else {}))
                api.compare("network", f"{by} {on}", size.size(list(sites.values()), on), found["total"])
                rows = size.rows(sites, [on], list(by)) if by else {}
                api.compare("network", f"{by} {on}", rows, by_keys(list(by), found["rows"]))
    first = add_months(today, -6, 1)
    assert first
    ends = sorted({min(last_of_month(on), today) for on in each(first, today)})
    for keys in (["month"], ["month", "department"], ["bearer", "month"]):
        query = {"by": ",".join(keys), "from": f"{first}", "to": f"{today}"}
        found = by_keys(keys, api.get("/v1/network", query)["rows"])
        api.compare("network", str(query), size.rows(sites, ends, keys), found)


def check_coverage(api: Api, world: World, beside: Beside) -> None:
    today = world.visits.last
    spoken = {key.split("|")[at] for facts in beside.documents.values() for key in facts
              for kind, at in (("presence", 1), ("agreement", 1), ("permanence", 2)) if key.startswith(kind + "|")}
    for operator in sorted(one for one in spoken if ":" not in one) + ["GRDF"]:
        for on in (today, today - timedelta(days=20), today + timedelta(days=50)):
            found = api.get("/v1/coverage", {"operator": operator, "day": f"{on}"})
            mine = coverage.lines(world, beside.documents, operator, on)
            api.compare("coverage", f"{operator} {on}", by_listing(mine), by_listing(found["sites"]))
            total = coverage.total(mine)
            api.compare("coverage", f"{operator} {on} total", total, only(total, found["total"][0]))
            for one in found["departments"]:
                among = coverage.total([line for line in mine if line["department"] == one["department"]])
                api.compare("coverage", f"{operator} {on} {one['department']}", among, only(among, one))


def by_listing(lines: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    return by_keys(["operator", "site"], lines)


def names(api: Api, documents: dict[str, Facts], house: str) -> dict[str, str]:
    """What people call partners: those of the catalogue as everywhere, local ones as the house does."""
    keys = {key.split("|")[2] for facts in documents.values() for key in facts if key.startswith("permanence|")}
    codes = sorted(key for key in keys if ":" not in key)
    totals = api.get("/v1/coverage", {"operator": ",".join(codes), "by": "operator"})["total"]
    facts = documents.get(f"site/{house}/partners", {})
    local = {key.split("|")[1]: agreed(facts, key) for key in facts if key.startswith("label|")}
    known = {one["operator"]: one["operator_name"] for one in totals}
    return known | {code: text for code, text in local.items() if text}


def check_report(api: Api, world: World, beside: Beside) -> None:
    first, last = months(world)
    # A report ends today at the latest.
    last = min(last, world.visits.last)
    for site in world.sites.values():
        found = api.get(f"/v1/sites/{site.id}/report", {"from": f"{first}", "to": f"{last}"})
        mine = report.made(world, site, first, last, names(api, beside.documents, site.id))
        for told in (mine["whole"], found["whole"]):
            told["closures"] = sorted(told["closures"], key=lambda one: (one["from"], one["site"], one["kind"]))
        api.compare("report", site.id, mine, only(mine, found))


def check_returns(api: Api, world: World, beside: Beside) -> None:
    month, _ = months(world)
    for operator in sorted({cell.operator for cell in world.visits.sums(world.visits.last)[0]}):
        for as_of in (None, *(on for on in beside.exports if on > last_of_month(month))):
            query = {"month": f"{month}"[:7], "format": "json"} | ({"as_of": f"{as_of}"} if as_of else {})
            found = api.get(f"/v1/operators/{operator}/return", query)
            mine = returns.made(world, operator, month, as_of)
            ages = {one["department"]: one.pop("age") for one in found["departments"]}
            found["departments"] = {one["department"]: one for one in found["departments"]}
            found["sites"] = by_keys(["department", "site"], found["sites"])
            api.compare("return", f"{operator} {as_of}", mine, only(mine, found))
            if found["ages_released"]:
                known = returns.ages(world, operator, month, date.fromisoformat(found["ages_released"]))
                for department, told in ages.items():
                    shown = {age: figure for age, figure in (told or {}).items() if isinstance(figure, int)}
                    true = {age: known.get(department, {}).get(age, 0) for age in shown}
                    api.compare("return", f"{operator} ages of {department}", true, shown)


def check_public(api: Api, world: World, beside: Beside) -> None:
    listed = api.get("/v1/public")
    assert listed["periods"], "nothing was released"
    for table in listed["tables"]:
        for period in listed["periods"]:
            found = api.get(f"/v1/public/{table['table']}", {"period": period["period"]})
            assert found["as_of"] == period["as_of"] and found["by"] == table["by"], found
            api.compare("public", f"{table['table']} {period['period']}", public.made(world, found), public.read(found))


Check = Callable[[Api, World, Beside], None]
ALL: tuple[Check, ...] = (
    check_visits, check_completeness, check_schedules, check_label, check_network, check_coverage, check_report,
    check_returns, check_public,
)
