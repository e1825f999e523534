"""The sandbox's experiment: random, known, and beside everything else."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from pipelines.sandbox.market.experiment import BANNER, CONTROL, OUTCOME
from pipelines.sandbox.market.market import Market

ADDED = {"experiment_viewed", OUTCOME}
MARKET = Market(start=date(2026, 3, 1), end=date(2026, 6, 30), scale=0.3)
TODAY = date(2026, 7, 5)


def test_nothing_but_added_events_changes() -> None:
    day = MARKET.experiment.first_day + timedelta(days=3)
    site = MARKET._visits.events(day, TODAY)
    rows = MARKET.ga4_events(day, TODAY)
    assert rows[: len(site)] == site
    assert {row["event_name"] for row in rows[len(site) :]} == ADDED
    assert MARKET.ga4_events(day, TODAY) == rows
    for outside in (MARKET.experiment.first_day, MARKET.experiment.last_day):
        step = timedelta(days=-1 if outside == MARKET.experiment.first_day else 1)
        names = {row["event_name"] for row in MARKET.ga4_events(outside + step, TODAY)}
        assert not names & ADDED


def test_half_of_the_devices_see_the_banner_and_it_helps_whom_it_should() -> None:
    shown = MARKET.experiment.shown
    arms = np.array([s.variation for s in shown.values()])
    assert set(arms) == {BANNER, CONTROL}
    assert abs((arms == BANNER).mean() - 0.5) < 0.06
    days = [MARKET.experiment.first_day + timedelta(days=i) for i in range(56)]
    rows = [row for day in days for row in MARKET.ga4_events(day, TODAY)]
    signed = [row["user_pseudo_id"] for row in rows if row["event_name"] == OUTCOME]
    assert len(signed) == len(set(signed))
    converted = set(signed)
    helped = {d for d, s in shown.items() if s.effect > 0}
    for devices, least, most in ((helped, 0.05, 0.25), (shown.keys() - helped, -0.08, 0.08)):
        rates = [
            np.mean([d in converted for d in devices if shown[d].variation == arm])
            for arm in (BANNER, CONTROL)
        ]
        assert least < rates[0] - rates[1] < most


def test_a_device_keeps_its_variation() -> None:
    days = [MARKET.experiment.first_day + timedelta(days=i) for i in range(20)]
    seen: dict[str, set[str]] = {}
    for day in days:
        for row in MARKET.ga4_events(day, TODAY):
            if row["event_name"] == "experiment_viewed":
                (variation,) = [
                    p["value"]["string_value"]
                    for p in row["event_params"]
                    if p["key"] == "variation_id"
                ]
                seen.setdefault(row["user_pseudo_id"], set()).add(variation)
    assert {len(each) for each in seen.values()} == {1}
