"""`GET /v1/coverage`: where a partner comes, can be reached, or cannot be had, on a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from completeness import World
from days import ONE, day, each
from label import STALE_DAYS
from network import SERVING, Site
from registers import TAKEN_BACK, Facts, agreed, contradicted, steps, versions
from schedule import Plan, length, union

WEEKS = 4
STATES = ("present", "partial", "reachable", "absent", "unknown")


def comes(plan: Plan, operator: str) -> bool | None:
    """Whether it comes, or was to come and does not; none where nothing is said of it."""
    held = [one.cancelled is None for one in plan.comings if one.operator == operator]
    return any(held) if held else None


def line(world: World, site: Site, partners: Facts, operator: str, on: date) -> dict[str, Any]:
    """One partner at one site."""
    schedule, key = world.schedules.get(site.id, {}), f"presence|{operator}"
    body, plan = agreed(partners, key), world.plan(site.id, on)
    mode, contact, until, checked = body.split("|") if body else ("", "", "", "")
    stale = bool(body) and (on > day(checked) + timedelta(days=STALE_DAYS) or bool(until and on > day(until)))
    not_yet = bool(body) and day(checked) > on
    spoken = [said.body for said in versions(key, partners.get(key, [])) if said.body != TAKEN_BACK]
    days, minutes = 0, 0
    monday = on - timedelta(days=on.weekday())
    if (mode != "absent" or stale or not_yet) and len(spoken) < 2:
        for at in each(monday, monday + WEEKS * 7 * ONE - ONE):
            if not steps(schedule, operator, at):
                continue
            came = [one for one in world.plan(site.id, at).comings if one.operator == operator and not one.cancelled]
            held = length(union([(one.start, one.end) for one in came]))
            days, minutes = days + (held > 0), minutes + held
    if days:
        state = "present"
    elif contradicted(partners, key) or not_yet:
        state = "unknown"
    elif mode == "absent" and not stale:
        state = "absent"
    elif (coming := comes(plan, operator)) is not None:
        state = "present" if coming else "absent"
    elif not body or stale:
        state = "unknown"
    elif mode == "permanence":
        regular = any(said not in (TAKEN_BACK, "closed") for said in steps(schedule, operator, on))
        state = ("reachable" if contact else "absent") if regular else "unknown"
    else:
        state = mode
    return {
        "operator": operator, "department": site.on("department", on), "site": site.id, "site_name": site.name,
        "kind": site.kind, "house": site.on("parent", on) or None, "commune": site.today("commune"), "state": state,
        "days_per_week": days / WEEKS, "minutes_per_week": minutes / WEEKS,
        "checked_on": (checked or None) if len(spoken) == 1 else None, "stale": stale,
    }


def lines(world: World, documents: dict[str, Facts], operator: str, on: date) -> list[dict[str, Any]]:
    """A partner at each site in service."""
    serving = [site for site in world.sites.values() if site.on("life", on) in SERVING]
    return [line(world, site, documents.get(f"site/{site.id}/partners", {}), operator, on) for site in serving]


def total(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The same in numbers; communes are those in which it is to be had in some way."""
    sums: dict[str, Any] = {}
    for kind, plural in (("house", "houses"), ("antenna", "antennas")):
        states = [one["state"] for one in found if one["kind"] == kind]
        sums[plural] = {state: states.count(state) for state in STATES}
        sums[plural]["without"] = states.count("absent") + states.count("unknown")
    there = {(one["department"], one["commune"]) for one in found if one["state"] in STATES[:3] and one["commune"]}
    sums["communes"] = len(there)
    sums["days_per_week"] = sum(one["days_per_week"] for one in found)
    sums["minutes_per_week"] = sum(one["minutes_per_week"] for one in found)
    return sums
