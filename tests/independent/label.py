"""`GET /v1/label`: docs/VIEWS.md, "The label"; docs/RECOMPUTE.md, "What follows from days".

Since when a check says so is no matter of documents.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from completeness import World, answer
from days import ONE, add_months, day, last_of_month
from figures import Question
from network import SERVING, Site
from registers import TAKEN_BACK, Facts, agreed, choices, contradicted, steps, versions
from schedule import Slot, length, slots, union

MINUTES, NEAR, AGENTS, PARTNERS, STALE_DAYS = 24 * 60, 60, 2, 2, 45
ORDER = ("met", "unknown", "at_risk", "not_met")
Verdict = tuple[str, dict[str, Any]]


def far(minutes: int) -> str:
    if minutes < MINUTES:
        return "not_met"
    return "at_risk" if minutes < MINUTES + NEAR else "met"


def regular_days(facts: Facts, today: date) -> list[list[list[tuple[str, Slot]]]] | None:
    """The slots of each weekday of an odd and of an even week, in each way that contradictions can be settled.

    None where no regular week is said: rules of every week, of odd and of even ones, and nothing else.
    """
    found = []
    for chosen in choices(facts, ("hours",)):
        latest: dict[tuple[str, str, str], tuple[str, str]] = {}
        for key, said in chosen.items():
            _, start, variant, weekday, place = key.split("|")
            step = (variant, weekday, place)
            if variant in ("every", "odd", "even") and day(start) <= today and latest.get(step, ("", ""))[0] < start:
                latest[step] = (start, said.body)
        rules = {step: slots(body) for step, (_, body) in latest.items() if body != TAKEN_BACK}
        if not rules:
            return None
        places = sorted({place for _, _, place in rules})
        found.append([
            [(place, slot) for place in places
             for slot in rules.get((parity, weekday, place), rules.get(("every", weekday, place), []))]
            for parity in ("odd", "even") for weekday in ("mo", "tu", "we", "th", "fr", "sa", "su")
        ])
    return found


def average(days: list[list[list[tuple[str, Slot]]]], minutes: Any) -> int | None:
    """Odd and even weeks averaged, half minutes dropped; none where contradictions make a difference."""
    sums = {sum(minutes(slots) for slots in weeks) // 2 for weeks in days}
    return sums.pop() if len(sums) == 1 else None


def staffed(unsaid: bool) -> Any:
    """Minutes with enough agents. At one place slots share their agents; places add up."""

    def minutes(of_day: list[tuple[str, Slot]]) -> int:
        cuts = sorted({end for _, slot in of_day for end in slot[:2]})
        total = 0
        for start, end in pairwise(cuts):
            places: dict[str, list[int | None]] = {}
            for place, slot in of_day:
                if slot.start < end and start < slot.end:
                    places.setdefault(place, []).append(slot.agents)
            if places:
                known = [max((n for n in agents if n is not None), default=None) for agents in places.values()]
                enough = unsaid if None in known else sum(n or 0 for n in known) >= AGENTS
                total += (end - start) * enough
        return total

    return minutes


def hours(facts: Facts, site: Site, today: date) -> Verdict:
    days = None if site.today("format") in ("bus", "itinerante") else regular_days(facts, today)
    week = average(days, lambda slots: length(union([slot[:2] for _, slot in slots]))) if days else None
    return ("unknown", {}) if week is None else (far(week), {"weekly_minutes": week, "minutes_min": MINUTES})


def staff(facts: Facts, site: Site, today: date) -> Verdict:
    days = regular_days(facts, today)
    if days is None or hours(facts, site, today)[0] == "unknown":
        return "unknown", {}
    surely, at_most = average(days, staffed(False)), average(days, staffed(True))
    if surely is None or at_most is None:
        return "unknown", {}
    verdict = far(surely)
    if far(at_most) == "not_met":
        verdict = "not_met"
    elif verdict == "not_met":
        verdict = "unknown"
    numbers = {"staffed_minutes": surely, "staffed_minutes_max": at_most, "minutes_min": MINUTES, "agents": AGENTS}
    return verdict, numbers


def had(facts: Facts, schedule: Facts, operator: str, today: date) -> str:
    """Whether a partner can be had: unknown after so many days that nobody confirmed it, unless it comes."""
    if contradicted(facts, f"presence|{operator}"):
        return "to_confirm"
    otherwise = "available" if any(said not in (TAKEN_BACK, "closed") for said in steps(schedule, operator, today)) else None
    body = agreed(facts, f"presence|{operator}")
    if body is None:
        return otherwise or "to_confirm"
    mode, _, until, checked = body.split("|")
    if today > day(checked) + timedelta(days=STALE_DAYS) or (until and today > day(until)):
        return otherwise or "to_confirm"
    if mode == "partial":
        return otherwise or "partial"
    return {"permanence": "available", "reachable": "available", "absent": "absent"}[mode]


def lists(found: dict[str, str], least: int) -> dict[str, Any]:
    ways = ("available", "partial", "to_confirm", "absent")
    return {way: sorted(one for one, had in found.items() if had == way) for way in ways} | {"partners_min": least}


def partners(facts: Facts, schedule: Facts, social: set[str], today: date) -> Verdict:
    said = {key.split("|")[1] for key, values in facts.items() if key.startswith("presence|")
            and any(one.body != TAKEN_BACK for one in versions(key, values))}
    come = {key.split("|")[2] for key in schedule if key.startswith("permanence|")}
    said |= {operator for operator in come
             if any(body not in (TAKEN_BACK, "closed") for body in steps(schedule, operator, today))}
    found = {operator: had(facts, schedule, operator, today) for operator in sorted(said)}
    if not found:
        return "unknown", {}

    def enough(*ways: str) -> bool:
        among = [operator for operator, way in found.items() if way in ways]
        return len(among) >= PARTNERS and bool(social.intersection(among))

    if enough("available"):
        verdict = "met"
    elif enough("available", "partial"):
        verdict = "at_risk"
    else:
        verdict = "unknown" if enough("available", "partial", "to_confirm") else "not_met"
    evidence = lists(found, PARTNERS)
    if verdict != "met":
        there = evidence["available"]
        evidence |= {"lacks_partners": max(0, PARTNERS - len(there)), "lacks_social": not social.intersection(there)}
    return verdict, evidence


def signatories(facts: Facts, schedule: Facts, today: date) -> Verdict:
    keys = [key for key in facts if key.startswith("agreement|")]
    signed = [key.split("|")[1] for key in keys if (agreed(facts, key) or "").startswith("signed|")]
    found = {operator: had(facts, schedule, operator, today) for operator in signed}
    if not found:
        return "unknown", {}
    for way, verdict in (("absent", "not_met"), ("partial", "at_risk"), ("to_confirm", "unknown")):
        if way in found.values():
            return verdict, lists(found, len(found))
    return "met", lists(found, len(found))


def statistics(site: Site, world: World) -> Verdict:
    """The last closed month, by the hub's clock, of the house without its antennas."""
    last = world.visits.last.replace(day=1) - ONE
    question = Question(last.replace(day=1), last_of_month(last), filters={"site": (site.id,)}, apart=True)
    found = answer(question, world)
    if not found.total.expected:
        return "unknown", {}
    fields = {name: value for name, value in found.total.fields().items() if name not in ("unexpected", "rate", "not_expected")}
    days = found.missing[0]["days"] if found.missing else []
    return ("not_met" if days else "met"), fields | {"period": f"{last}"[:7], "days": days}


def published_hours(facts: Facts, months: int, today: date) -> Verdict:
    said = [said.body for said in versions("checked", facts.get("checked", [])) if said.body != TAKEN_BACK]
    if not said:
        return "unknown", {}
    confirmed = day(said[0])
    month = add_months(confirmed, months, 1)
    assert month
    until = month.replace(day=min(confirmed.day, last_of_month(month).day))
    verdict = "not_met" if today > until else "at_risk" if today + timedelta(days=30) > until else "met"
    return verdict, {"confirmed_on": f"{confirmed}", "until": f"{until}"}


def judged(world: World, documents: dict[str, Facts], social: set[str], confirmed_months: int) -> dict[str, Any]:
    """Each house in service: the verdict of each check with its numbers, and the worst of all."""
    found = {}
    today = world.visits.last
    for site in world.sites.values():
        if site.kind != "house" or site.on("life", today) not in SERVING:
            continue
        schedule = documents.get(f"site/{site.id}/schedule", {})
        said = documents.get(f"site/{site.id}/partners", {})
        checks = {
            "hours": hours(schedule, site, today),
            "staff": staff(schedule, site, today),
            "partners": partners(said, schedule, social, today),
            "signatories": signatories(said, schedule, today),
            "statistics": statistics(site, world),
            "published_hours": published_hours(schedule, confirmed_months, today),
        }
        worst = max((verdict for verdict, _ in checks.values()), key=ORDER.index)
        found[site.id] = {"state": worst} | {name: {"state": v} | numbers for name, (v, numbers) in checks.items()}
    return found


