"""Pacing is scored by event, on months whose truth is known, and bad options are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.errors import UsageError
from pipelines.evaluate.pacing import SIMULATORS, score_pacing, score_rules
from pipelines.evaluate.pacing_months import FAULTS, CampaignMonth, Planted


def months(simulator: str, count: int = 12) -> list[CampaignMonth]:
    return list(SIMULATORS[simulator](count, 11))


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_the_same_seed_makes_the_same_months(simulator: str) -> None:
    assert months(simulator, 3) == months(simulator, 3)
    faults = {m.fault.name for m in months(simulator, 60) if m.fault}
    assert faults == set(FAULTS)


def test_a_rule_that_knows_the_truth_scores_perfectly() -> None:
    for month in [m for m in months("market", 30) if m.fault][:5]:
        fault = month.fault
        assert fault is not None

        def knows(_h: object, _m: object, day: date, fault: Planted = fault) -> frozenset[str]:
            return frozenset({fault.name}) if fault.first <= day <= fault.last else frozenset()

        event = score_rules([month], {"oracle": knows})["oracle"].by_fault[fault.name]
        assert (event.recall, event.precision, event.delay_median) == (1.0, 1.0, 0.0)


def test_what_is_seen_on_a_day_is_what_was_published_by_then() -> None:
    month = next(m for m in months("market", 40) if m.first_seen and not m.shared)
    restated = min(month.first_seen)
    first, later = month.seen(restated), month.seen(month.month[-1])

    assert max(first.costs) <= restated
    whole = later.cost(restated)
    if whole:
        assert first.cost(restated) == round(whole * month.first_seen[restated])


def test_a_healthy_month_without_an_alert_scores_none() -> None:
    quiet = [replace(m, fault=None) for m in months("market", 4)]
    score = score_rules(quiet, {"never": lambda *_: frozenset()})["never"]

    assert (score.alerted, score.alert_days, score.healthy_months) == (0.0, 0.0, 4)
    assert score.by_fault["underspend"].recall is None


def test_the_command_prints_one_object_by_simulator() -> None:
    result = CliRunner().invoke(
        app, ["evaluate", "pacing", "--months", "3", "--format", "json"], catch_exceptions=False
    )
    scores = json.loads(result.stdout)

    assert set(scores) == set(SIMULATORS)
    for score in scores.values():
        assert {"alerted", "alert_days", "faults", "random"} <= set(score)
        assert set(score["faults"]) == set(FAULTS)
        assert {"recall", "precision", "delay_median", "delay_p90", "misspent"} <= set(
            score["faults"]["underspend"]
        )


@pytest.mark.parametrize(
    ("months_", "simulator"), [(0, "all"), (-1, "all"), (10**7, "all"), (5, "x")]
)
def test_options_that_make_no_sense_are_refused(months_: int, simulator: str) -> None:
    with pytest.raises(UsageError) as refusal:
        score_pacing(months_, simulator, 1)
    assert refusal.value.kept == "nothing was simulated."
