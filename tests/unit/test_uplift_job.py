"""The uplift job compares each variation with the control, or says why it can't."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.jobs.base import Outcome
from pipelines.jobs.uplift import UpliftJob
from pipelines.jobs.uplift.job import SCORES, SEGMENTS
from tests.unit.experiments import TOUCH_INPUTS

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)  # a Tuesday: the last whole week ended with the 28th
END = datetime(2026, 6, 29, tzinfo=UTC)
EXPOSURES = pa.schema(
    [
        ("experiment_id", pa.string()),
        ("person_id", pa.string()),
        ("variation_id", pa.string()),
        ("exposed_at", pa.timestamp("us", "UTC")),
        ("device_category", pa.string()),
        ("country", pa.string()),
        ("default_channel_group", pa.string()),
        ("is_returning", pa.bool_()),
        ("earlier_sessions", pa.int64()),
        ("earlier_orders", pa.int64()),
    ]
)
OUTCOMES = pa.schema(
    [
        ("experiment_id", pa.string()),
        ("person_id", pa.string()),
        ("event_name", pa.string()),
        ("first_at", pa.timestamp("us", "UTC")),
    ]
)
WEIGHTS = pa.schema(
    [("experiment_id", pa.string()), ("variation_id", pa.string()), ("weight", pa.float64())]
)
Rows = list[dict[str, Any]]


def experiment(name: str = "banner", people: int = 2_400, **changes: Any) -> tuple[Rows, Rows]:
    """Exposures and outcomes of an experiment that brings sign-ups on mobile devices alone."""
    rng = np.random.default_rng(7)
    exposures: Rows = []
    outcomes: Rows = []
    for i in range(people):
        treated, mobile, sessions = rng.random() < 0.5, rng.random() < 0.5, int(rng.poisson(1))
        at = END - timedelta(days=20 + float(rng.random()) * 30)
        person = f"{name}-{i}"
        row = {
            "experiment_id": name,
            "person_id": person,
            "variation_id": str(int(treated)),
            "exposed_at": at,
            "device_category": "mobile" if mobile else "desktop",
            "country": "Germany",
            "default_channel_group": "Direct",
            "is_returning": sessions > 0,
            "earlier_sessions": sessions,
            "earlier_orders": int(rng.random() < 0.1),
        }
        exposures.append(row | {k: v(i, row) for k, v in changes.items()})
        if rng.random() < 0.25 + 0.2 * treated * mobile:
            when = at + timedelta(hours=1)
            outcomes.append({"event_name": "sign_up", "first_at": when, "person_id": person})
    return exposures, [{**row, "experiment_id": name} for row in outcomes]


def compute(rows: tuple[Rows, Rows], weights: Rows | None = None, **settings: Any) -> Outcome:
    own = {"outcome": "sign_up", "learners": ["t"], **settings}
    chosen = Settings.model_validate({"jobs": {"uplift": own}})
    inputs: Mapping[str, pa.Table] = {
        "exposures": pa.Table.from_pylist(rows[0], schema=EXPOSURES),
        "outcomes": pa.Table.from_pylist(rows[1], schema=OUTCOMES),
        "weights": pa.Table.from_pylist(weights or [], schema=WEIGHTS),
        **{name: schema.empty_table() for name, schema in TOUCH_INPUTS.items()},
    }
    job = UpliftJob()
    return job.compute(inputs, job.settings(chosen), AS_OF, lambda _: None)


@pytest.fixture(scope="module")
def done() -> Outcome:
    return compute(experiment())


def test_an_experiment_is_told_by_segments_that_a_person_understands(done: Outcome) -> None:
    assert done.verdict == "PASS", done.reason
    assert "mobile" in done.reason
    rows = {row["segment"]: row for row in done.rows[SEGMENTS]}
    assert next(iter(rows)) == "everybody"
    everybody = rows["everybody"]
    assert everybody["uplift_low"] < 0.1 < everybody["uplift_high"]
    assert everybody["treated"] + everybody["control"] == 2_400
    for label, row in rows.items():
        if label != "everybody":
            assert row["is_discovery"] == ("mobile" in label)
    ranked = sorted(done.rows[SCORES], key=lambda row: row["rank"])
    assert "mobile" in ranked[0]["segment"]
    assert "desktop" in ranked[-1]["segment"]
    assert sum(row["people"] for row in ranked) == 2_400


def test_the_rows_are_what_the_contracts_say(done: Outcome) -> None:
    run = {"run_id": "r", "as_of": AS_OF, "model_version": "1", "input_snapshot": "s"}
    for table, rows in done.rows.items():
        contract = load_contract(table)
        assert {*rows[0], *run} == set(contract.column_names)
        pa.Table.from_pylist([{**row, **run} for row in rows], schema=contract.arrow_schema)


def test_the_same_input_gives_the_same_rows(done: Outcome) -> None:
    assert compute(experiment()) == done


def test_whoever_saw_several_variations_is_left_out_and_counted() -> None:
    def mixed(i: int, row: dict[str, Any]) -> str | None:
        return None if i % 10 == 0 else row["variation_id"]

    done = compute(experiment(variation_id=mixed))
    assert done.diagnostics["saw_several_variations"] == 240
    assert done.rows[SEGMENTS][0]["treated"] + done.rows[SEGMENTS][0]["control"] == 2_160


def test_whoever_was_exposed_within_the_window_is_not_read_as_a_failure() -> None:
    def recent(i: int, row: dict[str, Any]) -> datetime:
        return END - timedelta(days=3) if i % 2 else row["exposed_at"]

    done = compute(experiment(exposed_at=recent))
    assert done.diagnostics["exposed_too_recently"] == 1_200
    assert done.diagnostics["people"] == 1_200


def test_an_outcome_after_the_window_does_not_count() -> None:
    exposures, outcomes = experiment()
    late = [{**o, "first_at": o["first_at"] + timedelta(days=15)} for o in outcomes]
    done = compute((exposures, late))
    assert done.verdict == "INCONCLUSIVE"
    assert "nobody did sign_up afterwards" in done.reason


def test_nobody_exposed_is_no_data() -> None:
    done = compute(([], []))
    assert done.verdict == "NO_DATA"
    assert "experiment_viewed" in done.reason


def _defined(control: float | None, treated: float | None, name: str = "banner") -> Rows:
    pair = zip(("0", "1"), (control, treated), strict=True)
    return [{"experiment_id": name, "variation_id": v, "weight": w} for v, w in pair]


@pytest.mark.parametrize(
    ("weights", "setting", "refused"),
    [
        (_defined(0.9, 0.1), 0.5, True),
        # of three variations that share alike
        (_defined(1 / 3, 1 / 3), 0.1, False),
        (_defined(None, None), 0.1, False),
        (_defined(0.5, 0.5, "another"), 0.1, True),
        (_defined(0.5, 0.5)[:1], 0.1, False),
    ],
    ids=["defined", "of three", "changed", "of another", "a variation that nobody defined"],
)
def test_the_split_is_held_to_the_experiments_definition_before_the_setting(
    weights: Rows, setting: float, refused: bool
) -> None:
    done = compute(experiment(people=600), weights, treated_share=setting)
    assert ("assignment or its logging is broken" in done.reason) == refused


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no control": ({}, {"control": "off"}, "nobody saw its variation off"),
    "sample ratio": ({}, {"treated_share": 0.4}, "assignment or its logging is broken"),
    "power": ({}, {"detectable": 0.05}, "too few"),
    "imbalance": (
        {"earlier_sessions": lambda i, row: int(row["variation_id"]) * 2 + i % 2},
        {},
        "differ before the treatment",
    ),
    "placebo": (
        {"earlier_orders": lambda i, row: int(row["variation_id"] == "1" and i % 3 > 0)},
        {},
        "there can be none",
    ),
    "one arm": ({"variation_id": lambda i, row: "0"}, {}, "nobody saw another variation"),
    "small arm": (
        {"variation_id": lambda i, row: "1" if i < 50 else "0"},
        {},
        "the smaller arm",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_believed_is_refused_with_the_reason(case: str) -> None:
    changes, settings, reason = REFUSED[case]
    done = compute(experiment(people=1_600, **changes), **settings)
    assert done.verdict == "INCONCLUSIVE"
    assert reason in done.reason
    assert {row["verdict"] for row in done.rows.get(SEGMENTS, [])} <= {"INCONCLUSIVE"}
