"""`GET /v1/sites/{id}/report`: a house with its antennas, against the year before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from completeness import World, answer
from days import ONE, day, each
from figures import Question, compared, summed
from network import SERVING, Site
from schedule import length, union


def figures(question: Question, world: World, key: str) -> dict[str, Any]:
    """Lines by one key; visits are nobody's where they are told by operator or help."""
    keyed = replace(question, by=(key,))
    other = compared(keyed)
    assert other
    counted = world.visits.sums(world.visits.last)[0]
    total, rows, _ = summed(keyed, world.sites, counted)
    then_total, then_rows, known = summed(other[0], world.sites, counted, other[1])
    visits = keyed.counts_visits()

    def line(now: tuple[int, int], then: tuple[int, int] | None) -> dict[str, Any]:
        pair = {"visits": then[0] if visits else None, "requests": then[1]} if then else None
        return {"visits": now[0] if visits else None, "requests": now[1], "compared": pair}

    then_rows = then_rows if known else {}
    keys = sorted({*rows, *then_rows})
    lines = [line(rows.get(one, (0, 0)), then_rows.get(one)) | {key: one[0]} for one in keys]
    return {"total": line(total, then_total if known else None), "lines": lines}




def held(world: World, house: Site, first: date, last: date, names: dict[str, str]) -> dict[str, Any]:
    """Days and minutes open, closings and permanences of days on which a site was in service and of the house."""
    whole, months = {"days": 0, "minutes": 0, "days_unknown": 0}, dict[str, dict[str, int]]()
    permanences: dict[str, dict[str, Any]] = {}
    closings: list[dict[str, Any]] = []
    for site in sorted(world.sites.values(), key=lambda site: (site.id != house.id, site.id)):
        last_of: dict[tuple[Any, ...], dict[str, Any]] = {}
        for on in each(first, last):
            if site.on("life", on) not in SERVING or house.id not in (site.id, site.on("parent", on)):
                continue
            plan = world.plan(site.id, on)
            minutes = plan.minutes()
            empty = {"days": 0, "minutes": 0, "days_unknown": 0}
            for sums in (whole, months.setdefault(f"{on}"[:7], empty)):
                sums["days"] += bool(minutes)
                sums["minutes"] += minutes or 0
                sums["days_unknown"] += minutes is None
            for one in plan.closings:
                shut = plan.state == "shut"
                before = last_of.get((*one, shut))
                if before and day(before["to"]) + ONE >= on:
                    before["to"] = f"{on}"
                else:
                    new = {"site": site.id, "from": f"{on}", "to": f"{on}", "kind": one.kind, "reason": one.reason,
                           "label": one.label, "whole": shut}
                    last_of[(*one, shut)] = new
                    closings.append(new)
            for operator in {one.operator for one in plan.comings}:
                comings = [one for one in plan.comings if one.operator == operator]
                empty_sum = {"held": 0, "cancelled": 0, "minutes": 0, "reasons": {}}
                sums_of = permanences.setdefault(names.get(operator, operator), empty_sum)
                came = [(one.start, one.end) for one in comings if not one.cancelled]
                sums_of["minutes"] += length(union(came))
                sums_of["held" if came else "cancelled"] += 1
                if not came:
                    why = str(comings[0].cancelled)
                    sums_of["reasons"][why] = sums_of["reasons"].get(why, 0) + 1
    for told in closings:
        told["days"] = (day(told["to"]) - day(told["from"])).days + 1
    return {"whole": whole, "months": months, "closures": closings, "permanences": permanences}


def made(world: World, house: Site, first: date, last: date, names: dict[str, str]) -> dict[str, Any]:
    question = Question(first, last, filters={"site": (house.id,)}, compare="year")
    until = min(last, world.yesterday(house, None))
    now = held(world, house, first, until, names)
    other = compared(replace(question, last=until))
    assert other
    before = held(world, house, other[0].first, other[0].last, names)
    told = {key: figures(question, world, key) for key in ("month", "operator", "help", "age")}
    permanences = {
        name: {"partner": name} | now["permanences"].get(name, {"held": 0, "cancelled": 0, "minutes": 0, "reasons": {}})
        | {"compared": before["permanences"].get(name)}
        for name in sorted({*now["permanences"], *before["permanences"]})
    }
    hours = now["whole"] | {
        "months": [sums | {"month": month} for month, sums in sorted(now["months"].items())],
        "compared": before["whole"] if before["whole"]["days"] else None,
    }
    due = {key[0]: days for key, days in answer(replace(question, compare=None, by=("month",)), world).rows.items()}
    months = {line["month"]: line for line in told["month"]["lines"]}
    then = {"visits": 0, "requests": 0} if told["month"]["total"]["compared"] else None
    for month, days in due.items():
        if days.expected:
            months.setdefault(month, {"visits": 0, "requests": 0, "compared": then, "month": month})
    for month, line in months.items():
        of_month = due.get(month)
        line |= {"expected": of_month.expected if of_month else 0, "reported": of_month.reported if of_month else 0}
    return {
        "completeness": answer(replace(question, compare=None), world).total.fields(),
        "held_until": f"{until}",
        "whole": {
            "total": told["month"]["total"], "months": [months[month] for month in sorted(months)],
            "operators": told["operator"]["lines"], "helps": told["help"]["lines"], "ages": told["age"]["lines"],
            "hours": hours, "closures": now["closures"], "permanences": list(permanences.values()),
        },
    }
