"""The ab_experiments job: variations beside their control, and what it takes to believe them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.jobs.base import Outcome
from pipelines.jobs.uplift import ExperimentsJob
from pipelines.jobs.uplift.experiments import EXPERIMENTS
from pipelines.jobs.uplift.sequential import Rate, always_valid, fixed_horizon
from tests.unit.test_uplift_job import EXPOSURES, OUTCOMES, WEIGHTS

AS_OF = date(2026, 6, 30)
END = datetime(2026, 7, 1, tzinfo=UTC)
Arms = Mapping[str | None, tuple[int, int]]


def compute(
    arms: Arms, *, days_ago: int = 20, weights: Mapping[str, float] | None = None, **settings: Any
) -> Outcome:
    """``arms`` are people and conversions by variation; None for those who saw several."""
    exposures, outcomes = [], []
    for variation, (people, conversions) in arms.items():
        for i in range(people):
            keys = {"experiment_id": "banner", "person_id": f"{variation}-{i}"}
            at = END - timedelta(days=days_ago)
            exposures.append(keys | {"variation_id": variation, "exposed_at": at})
            if i < conversions:
                outcomes.append(keys | {"event_name": "purchase", "first_at": at})
    inputs: Mapping[str, pa.Table] = {
        "exposures": pa.Table.from_pylist(exposures, schema=EXPOSURES),
        "outcomes": pa.Table.from_pylist(outcomes, schema=OUTCOMES),
        "weights": pa.Table.from_pylist(
            [
                {"experiment_id": "banner", "variation_id": variation, "weight": weight}
                for variation, weight in (weights or {}).items()
            ],
            schema=WEIGHTS,
        ),
    }
    job = ExperimentsJob()
    chosen = Settings.model_validate({"jobs": {"uplift": settings}})
    return job.compute(inputs, job.settings(chosen), AS_OF, lambda _: None)


def test_a_variation_that_differs_at_every_look_passes_with_its_difference() -> None:
    done = compute({"0": (5_000, 250), "1": (5_000, 400), None: (7, 0)})
    assert done.verdict == "PASS"
    control, variation = done.rows[EXPERIMENTS]
    assert (control["is_control"], control["verdict"], control["difference"]) == (True, None, None)
    assert (variation["people"], variation["conversions"], variation["rate"]) == (5_000, 400, 0.08)
    assert variation["difference"] == pytest.approx(0.03)
    assert 0 < variation["difference_low"] < variation["fixed_horizon_low"] < 0.03
    assert 0.03 < variation["fixed_horizon_high"] < variation["difference_high"]
    assert variation["sample_ratio_p"] == 1
    assert variation["saw_several_variations"] == 7
    assert not variation["is_running"]
    assert "changes by +3.00%" in variation["reason"]


def test_the_split_is_held_to_the_weights_of_the_definition_where_there_is_one() -> None:
    arms = {"0": (9_000, 450), "1": (1_000, 100)}
    _, meant = compute(arms, weights={"0": 0.9, "1": 0.1}).rows[EXPERIMENTS]
    assert (meant["verdict"], meant["sample_ratio_p"]) == ("PASS", 1)
    _, broken = compute(arms, weights={"0": 0.8, "1": 0.2}).rows[EXPERIMENTS]
    assert broken["verdict"] == "INCONCLUSIVE"
    assert "where 20% should have" in broken["reason"]


def test_the_rows_are_what_the_contract_says() -> None:
    done = compute({"0": (200, 10), "1": (200, 10), "2": (5, 0)}, days_ago=3, window_days=2)
    assert done.rows[EXPERIMENTS][0]["is_running"]
    run = {"run_id": "r", "as_of": AS_OF, "model_version": "1", "input_snapshot": "s"}
    contract = load_contract(EXPERIMENTS)
    for row in done.rows[EXPERIMENTS]:
        assert {*row, *run} == set(contract.column_names)
    rows = [{**row, **run} for row in done.rows[EXPERIMENTS]]
    pa.Table.from_pylist(rows, schema=contract.arrow_schema)


@pytest.mark.parametrize(
    ("arms", "verdict", "reason"),
    [
        ({"0": (2_000, 100), "1": (2_000, 110)}, "INCONCLUSIVE", "with 210 conversions, of about "),
        ({"0": (9_000, 900), "1": (9_000, 900)}, "INCONCLUSIVE", "of 25% would likely have shown"),
        (
            {"0": (5_000, 250), "1": (6_000, 600)},
            "INCONCLUSIVE",
            "6,000 of 11,000 people saw the variation where 50% should have",
        ),
        ({"0": (5_000, 250), "1": (60, 6)}, "NO_DATA", "60 people of the variation and 5,000"),
        ({"A": (5_000, 250), "B": (5_000, 400)}, "NO_DATA", "name the control in jobs.uplift"),
        ({"0": (200, 0), "1": (200, 0)}, "INCONCLUSIVE", "can't show yet: wait"),
    ],
)
def test_a_variation_that_can_not_be_believed_is_told_why(
    arms: Arms, verdict: str, reason: str
) -> None:
    done = compute(arms)
    assert done.verdict == "INCONCLUSIVE"
    row = done.rows[EXPERIMENTS][-1]
    assert row["verdict"] == verdict
    assert reason in row["reason"]


def test_a_split_that_was_not_meant_to_be_even_is_held_to_what_was_meant() -> None:
    arms: Arms = {"0": (5_000, 250), "1": (1_000, 100)}
    assert compute(arms, treated_share=1 / 6).rows[EXPERIMENTS][1]["sample_ratio_p"] > 0.5
    unknown = compute(arms, treated_share=None).rows[EXPERIMENTS][1]
    assert (unknown["sample_ratio_p"], unknown["verdict"]) == (None, "PASS")


def test_whoever_has_not_had_the_whole_window_counts_later() -> None:
    row = compute({"0": (200, 10), "1": (200, 90)}, days_ago=13).rows[EXPERIMENTS][1]
    assert (row["people"], row["exposed_too_recently"], row["verdict"]) == (0, 200, "NO_DATA")


def test_nobody_who_saw_an_experiment_is_no_data() -> None:
    done = compute({})
    assert (done.verdict, done.rows) == ("NO_DATA", {})
    assert "experiment_viewed" in done.reason


def test_one_look_has_newcombes_interval() -> None:
    """Example (a) of Newcombe (1998): 56 of 70 beside 48 of 80."""
    low, high = fixed_horizon(Rate(70, 56), Rate(80, 48))
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_interval_of_every_look_is_wider_and_narrows_with_people() -> None:
    widths = []
    for people in (500, 5_000, 50_000):
        of = Rate(people, people // 20)
        low, high = always_valid(of, of)
        least, most = fixed_horizon(of, of)
        assert low < least < 0 < most < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
