"""Pacing beside the rules that are common in the field, on simulated months with planted faults.

``python -m tests.bench.pacing [--months 2000] [--seed 101] [--simulators market platform]``: each
month is gone through day by day with what was published by then. Pacing was tuned on the market
simulator's months of seeds 1 to 9; the platform simulator's were never tuned on. The rules:

- *20% daily*, *50% daily*: a published day is so far off its budget.
- *month to date*: month to date and last five days, both against a budget shaped by the medians of
  weekdays, are off by 10% in the same direction; or two days without spend.

A rule has no detector for a hard cap or for missing data.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from pipelines.cli.console import Format, print_rows
from pipelines.evaluate.pacing import SIMULATORS, Rule, score_rules
from pipelines.jobs.pacing.evidence import CampaignHistory
from pipelines.jobs.pacing.target import recent_days


def off_budget(threshold: float) -> Rule:
    """A day off its budget by ``threshold`` or more."""

    def rule(history: CampaignHistory, _: Sequence[date], day: date) -> frozenset[str]:
        cost, budget = history.cost(day), history.budget(day)
        if cost is None or budget <= 0 or history.status != "ENABLED":
            return frozenset()
        deviation = cost / budget - 1
        if abs(deviation) < threshold:
            return frozenset()
        names = {"overspend"} if deviation > 0 else {"underspend"}
        return frozenset(names | ({"zero_delivery"} if cost == 0 else set()))

    return rule


def month_to_date(history: CampaignHistory, month: Sequence[date], day: date) -> frozenset[str]:
    """See the module's docstring."""
    if history.status != "ENABLED":
        return frozenset()
    before = [month[0] - timedelta(days=age) for age in range(1, 57)]
    by_weekday: dict[int, list[float]] = {weekday: [] for weekday in range(7)}
    for past in before:
        cost, budget = history.cost(past), history.budget(past)
        if cost is not None and budget > 0:
            by_weekday[past.weekday()].append(cost / budget)
    shape = {w: median(ratios) if ratios else 1.0 for w, ratios in by_weekday.items()}
    mean = sum(shape.values()) / 7 or 1.0

    def deviation(days: Sequence[date]) -> float:
        known = [d for d in days if history.cost(d) is not None]
        target = sum(history.budget(d) * shape[d.weekday()] / mean for d in known)
        return sum(history.cost(d) or 0 for d in known) / target - 1 if target > 0 else 0.0

    whole = deviation([d for d in month if d <= day])
    recent = deviation(recent_days(history, day, 5))
    names = set()
    if whole * recent > 0 and min(abs(whole), abs(recent)) >= 0.1:
        names.add("overspend" if whole > 0 else "underspend")
    last = recent_days(history, day, 2)
    if len(last) == 2 and all(history.cost(d) == 0 and history.budget(d) > 0 for d in last):
        names.add("zero_delivery")
    return frozenset(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--months", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--simulators", nargs="+", default=list(SIMULATORS))
    parser.add_argument("--format", choices=["table", "json"], default="table")
    chosen = parser.parse_args()
    rules: dict[str, Rule] = {
        "20% daily": off_budget(0.2),
        "50% daily": off_budget(0.5),
        "month to date": month_to_date,
    }
    for name in chosen.simulators:
        months = SIMULATORS[name](chosen.months, chosen.seed)
        scores = score_rules(months, rules, seed=chosen.seed)
        if chosen.format == "json":
            print(json.dumps({name: {side: s.figures() for side, s in scores.items()}}))
            continue
        print_rows(
            [
                {"side": side, "healthy months": s.healthy_months}
                | {"alerted": f"{s.alerted:.1%}", "alert-days": round(s.alert_days, 2)}
                for side, s in scores.items()
            ],
            Format.TABLE,
            name,
        )
        print_rows(
            [
                {"side": side, "fault": fault}
                | {k: v if v is None else round(v, 3) for k, v in event.figures().items()}
                for side, s in scores.items()
                for fault, event in s.by_fault.items()
            ],
            Format.TABLE,
            name,
        )


if __name__ == "__main__":
    main()
