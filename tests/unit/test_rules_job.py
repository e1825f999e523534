"""The rules job writes what it would do with every budget, and what is left of each month."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config import Settings
from pipelines.errors import UsageError
from pipelines.job_settings import RulesSettings
from pipelines.jobs.rules.explain import explain
from pipelines.jobs.rules.features import comparable
from pipelines.jobs.rules.job import ALLOCATIONS, BUDGETS, RulesJob, RulesJobSettings
from pipelines.jobs.rules.rulebook import load_rulebooks
from pipelines.jobs.run import input_snapshot
from pipelines.warehouse import Warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.rules_rows import USUAL

AS_OF = date(2026, 6, 17)
BOOKS = load_rulebooks()


def row(level: str, campaign: str = "(all)", adgroup: str = "(all)", **own: Any) -> dict[str, Any]:
    keys = {"platform": "meta_ads", "account_id": "a", "campaign_id": campaign}
    rest = {"adgroup_id": adgroup, "currency_code": "EUR", "date": AS_OF, "level": level}
    account = {"conversions_28d": 200.0, "roas_28d": 2.0, "order_roas_28d": 1.5}
    return {**USUAL, **account, **keys, **rest, "month_cost_micros": 5_000_000_000, **own}


# a campaign whose ad sets hold its budget, and one that holds its own
ROWS = [
    row("account", daily_budget_micros=None),
    row("campaign", "c1", daily_budget_micros=200_000_000),
    row("campaign", "c2", daily_budget_micros=50_000_000),
    row("adgroup", "c1", "good", order_roas_index_28d=1.7),
    row("adgroup", "c1", "bad", order_roas_index_28d=0.6),
    row("adgroup", "c2", "none", daily_budget_micros=None),
]


def outcome(rows: list[dict[str, Any]] = ROWS, **monthly: int) -> Any:
    settings = RulesJobSettings(
        monthly_budgets=monthly and {"meta_ads.a": 1, **monthly}, books=BOOKS
    )
    table = pa.Table.from_pylist(rows) if rows else pa.table({})
    return RulesJob().compute({"features": table}, settings, AS_OF, lambda _: None)


def allocations(rows: list[dict[str, Any]] = ROWS, **monthly: int) -> dict[str, dict[str, Any]]:
    written = outcome(rows, **monthly).rows[ALLOCATIONS]
    return {r["adgroup_id"] if r["adgroup_id"] != "(all)" else r["campaign_id"]: r for r in written}


def test_each_budget_is_held_once_by_the_ad_set_or_by_its_campaign() -> None:
    assert set(allocations()) == {"good", "bad", "c2"}


def test_the_budget_after_each_layer_is_written_with_the_rules_that_counted() -> None:
    good = allocations()["good"]
    assert (good["direction"], good["budget_micros"]) == ("RAISED", 100_000_000)
    assert good["after_safety_micros"] == 100_000_000
    assert good["after_decision_micros"] == 120_000_000
    assert 100_000_000 < good["proposed_micros"] < 120_000_000
    assert good["currency_code"] == "EUR"
    rules = json.loads(good["rules"])
    assert rules[0]["rule"] == "excellent"
    assert good["reason"].startswith("Excellent: 1.7 times the account's order-book return")
    assert allocations()["c2"]["reason"] == "No rule asks for a change."


def test_nothing_moves_where_all_is_frozen() -> None:
    rows = [r | {"conversions_28d": 1.0} for r in ROWS]
    result = outcome(rows)
    assert result.verdict == "INCONCLUSIVE"
    assert "3 are frozen" in result.reason


def test_without_features_there_is_no_data() -> None:
    result = outcome([])
    assert result.verdict == "NO_DATA"
    assert "marts.ad_features_daily" in result.reason


def test_the_months_state_is_planned_less_spent_and_bounds_all_budgets() -> None:
    """18 June: 13 days are left of it."""
    settings = RulesJobSettings(monthly_budgets={"meta_ads.a": 6_300_000_000}, books=BOOKS)
    table = pa.Table.from_pylist(ROWS)
    result = RulesJob().compute({"features": table}, settings, AS_OF, lambda _: None)
    (state,) = result.rows[BUDGETS]
    assert (state["month"], state["effective_from"]) == (date(2026, 6, 1), date(2026, 6, 18))
    assert (state["days_left"], state["planned_by"]) == (13, "setting")
    assert (state["spent_micros"], state["left_micros"]) == (5_000_000_000, 1_300_000_000)
    assert state["committed_micros"] == 13 * 250_000_000
    assert "1,950.00 EUR more than what is left" in state["note"]
    proposed = sum(r["proposed_micros"] for r in result.rows[ALLOCATIONS])
    assert proposed == pytest.approx(100_000_000, abs=30_000)


@pytest.mark.parametrize(
    ("as_of", "planned", "note"),
    [
        (date(2026, 6, 29), 5_100_000_000, "Last day of 2026-06: budgets of all ads together are"),
        (date(2026, 6, 17), 4_000_000_000, "Nothing is left of 2026-06: 1,000.00 EUR more"),
        (date(2026, 6, 30), 9_000_000_000, "9,000.00 EUR are left for 31 days of 2026-07."),
    ],
)
def test_the_note_says_what_the_state_means(as_of: date, planned: int, note: str) -> None:
    settings = RulesJobSettings(monthly_budgets={"meta_ads.a": planned}, books=BOOKS)
    table = pa.Table.from_pylist([r | {"date": as_of} for r in ROWS])
    result = RulesJob().compute({"features": table}, settings, as_of, lambda _: None)
    assert result.rows[BUDGETS][0]["note"].startswith(note)


def test_other_rules_make_another_run(tmp_path: Path) -> None:
    (tmp_path / "meta_ads.yaml").write_text("parameters: {excellent_step: {value: 1.3}}\n")
    job = RulesJob()
    shipped = job.settings(Settings())
    jobs = Settings().jobs.model_copy(update={"rules": RulesSettings(folder=tmp_path)})
    own = job.settings(Settings().model_copy(update={"jobs": jobs}))
    assert shipped.model_dump_json() != own.model_dump_json()
    assert own.books["meta_ads"].values["excellent_step"] == 1.3


def warehouse_of(path: Path, rows: list[dict[str, Any]]) -> Warehouse:
    features = pa.Table.from_pylist(rows)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.ad_features_daily AS SELECT * FROM features")
    del features
    return DuckDBWarehouse(path)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """One whose features are ROWS."""
    return warehouse_of(tmp_path / "w.duckdb", ROWS)


def test_every_rule_of_an_ad_set_is_explained_with_its_budget_after_each_layer(
    warehouse: Warehouse,
) -> None:
    answer = explain(warehouse, RulesJob().settings(Settings()), "good", AS_OF)
    assert [name for name, _ in answer.budgets] == [
        *("now", "after safety", "after decision", "after post"),
    ]
    rows = {r["rule"]: r for r in answer.rows}
    assert set(rows) == set(BOOKS["default"].rules)
    assert rows["excellent"]["outcome"] == "counts"
    assert rows["high"]["outcome"] == "holds"  # an earlier one of its group counts
    assert rows["poor"]["outcome"] == "no"
    assert rows["freeze_after_budget_change"]["outcome"] == "unknown"
    with pytest.raises(UsageError, match="id none") as refused:
        explain(warehouse, RulesJob().settings(Settings()), "none", AS_OF)
    assert "bad, good, c2" in (refused.value.fix or "")


# bounds of shipped rules, and 0: where a last bit would decide
AT_BOUNDS = st.fixed_dictionaries(
    {
        "order_roas_index_28d": st.sampled_from([0.4, 0.55, 0.75, 0.9, 1.1, 1.2, 1.3, 1.6]),
        "conversions_change_7d": st.sampled_from([-0.7, 0.0]),
        "roas_change_7d": st.sampled_from([-0.3, 0.0, 0.3, 0.5]),
        "roas_slope_14d": st.sampled_from([-1 / 14, 0.0]),
        "ctr_change_7d": st.sampled_from([-0.2, 0.0]),
        "cpm_change_7d": st.sampled_from([0.0, 0.2]),
        "share_of_account_cost": st.sampled_from([0.1, 0.35, 0.6]),
        "budget_used_7d": st.sampled_from([0.6, 0.95]),
        "roas_volatility_14d": st.sampled_from([0.5, 2.5]),
        "tomorrow_weekday_index": st.sampled_from([0.7, 1.0, 1.3]),
        "maturity_7d": st.sampled_from([0.5, 0.8]),
    }
)


def otherwise_added_up(row: dict[str, Any], sign: int) -> dict[str, Any]:
    """A row whose floats are off in their last bits, as another order of addition leaves them."""
    return {
        k: v * (1 + sign * 1e-12) + sign * 1e-15 if isinstance(v, float) else v
        for k, v in row.items()
    }


@given(st.tuples(AT_BOUNDS, AT_BOUNDS), st.lists(st.sampled_from([-1, 1]), min_size=6, max_size=6))
def test_floats_that_differ_in_their_last_bits_are_one_input_and_allocate_the_same(
    features: tuple[dict[str, float], dict[str, float]], signs: list[int]
) -> None:
    rows = [dict(r) for r in ROWS]
    for name, own in zip((3, 4), features, strict=True):
        rows[name] |= own
    other = [otherwise_added_up(r, sign) for r, sign in zip(rows, signs, strict=True)]
    ours, theirs = (comparable(pa.Table.from_pylist(r)) for r in (rows, other))
    assert input_snapshot({"features": ours}) == input_snapshot({"features": theirs})
    assert allocations(ours.to_pylist()) == allocations(theirs.to_pylist())


def test_what_is_read_is_the_same_where_floats_differ_in_their_last_bits(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    rows = [otherwise_added_up(r, 1) | {"known_at": "later"} for r in ROWS]
    other = warehouse_of(tmp_path / "other.duckdb", rows)
    ours, theirs = (RulesJob().read(w, AS_OF) for w in (warehouse, other))
    assert input_snapshot(ours) == input_snapshot(theirs)
