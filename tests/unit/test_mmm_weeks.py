"""What the mmm job refuses before it fits anything, and in which words."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import MmmSettings
from pipelines.jobs.mmm.weeks import Refusal, Weeks, prepare_weeks

LAST = date(2026, 6, 22)
AS_OF = date(2026, 6, 30)
Change = Callable[[dict[str, Any]], dict[str, Any]]


def rows(weeks: int = 60, change: Change = lambda row: row) -> pa.Table:
    """Two channels, the last week starting on LAST; ``change`` bends single rows."""
    made = []
    for age in range(weeks - 1, -1, -1):
        for i, channel in enumerate(("google_ads", "meta_ads")):
            row = {
                "week_start": LAST - timedelta(weeks=age),
                "channel": channel,
                "currency_code": "USD",
                "spend_micros": (1_000 + 300 * ((age * (i + 3)) % 7)) * 1_000_000,
                "orders": 500 + age,
                "revenue_micros": 40_000_000_000,
                "is_complete": True,
            }
            made.append(change(row))
    return pa.Table.from_pylist(made)


def prepared(table: pa.Table, as_of: date = AS_OF) -> Weeks | Refusal:
    return prepare_weeks(table, MmmSettings(), as_of)


def refused(table: pa.Table, as_of: date = AS_OF) -> Refusal:
    found = prepared(table, as_of)
    assert isinstance(found, Refusal)
    return found


def test_complete_weeks_become_arrays_by_week_and_channel() -> None:
    weeks = prepared(rows())

    assert isinstance(weeks, Weeks)
    assert weeks.channels == ("google_ads", "meta_ads")
    assert weeks.spend_micros.shape == (60, 2)
    assert weeks.end == date(2026, 6, 28)
    last_four = [(1_000 + 300 * ((age * 3) % 7)) * 1_000_000 for age in range(4)]
    assert weeks.current_micros[0] == sum(last_four) / 4
    assert weeks.order_value_micros == round(13 * 40_000_000_000 / sum(500 + a for a in range(13)))


def test_an_empty_mart_is_no_data() -> None:
    found = refused(rows().slice(0, 0))

    assert found.verdict == "NO_DATA"
    assert "no week that ended on or before 2026-06-30" in found.reason


def test_too_few_weeks_are_no_data() -> None:
    found = refused(rows(weeks=51))

    assert found.verdict == "NO_DATA"
    assert found.weeks == 51
    assert "only 51 consecutive complete weeks" in found.reason
    assert "needs 52" in found.reason


def test_an_incomplete_week_cuts_history_off_and_is_named() -> None:
    broken = LAST - timedelta(weeks=30)
    found = refused(rows(change=lambda r: r | {"is_complete": r["week_start"] != broken}))

    assert found.verdict == "NO_DATA"
    assert found.weeks == 30
    assert f"The week of {broken} isn't complete" in found.reason


def test_an_account_that_began_late_is_named_with_how_to_say_it_was_launched() -> None:
    broken = LAST - timedelta(weeks=17)
    table = rows(change=lambda r: r | {"is_complete": r["week_start"] > broken})
    late = pa.Table.from_pylist(
        [
            {
                "platform": platform,
                "account_id": account,
                "channel": "Paid Social",
                "first_day": day,
            }
            for platform, account, day in (
                ("tiktok_ads", "77", broken + timedelta(days=7)),
                ("meta_ads", "act_9", broken - timedelta(weeks=9)),
            )
        ]
    )
    refusal = prepare_weeks(table, MmmSettings(), AS_OF, late)

    assert isinstance(refusal, Refusal)
    assert "tiktok_ads account 77 (Paid Social) has no data before 2026-03-02" in refusal.reason
    assert "jobs.mmm.launched: {tiktok_ads/77: 2026-03-02}" in refusal.reason
    assert "meta_ads" not in refusal.reason


def test_an_incomplete_last_week_is_left_out() -> None:
    weeks = prepared(rows(change=lambda r: r | {"is_complete": r["week_start"] != LAST}))

    assert isinstance(weeks, Weeks)
    assert len(weeks.starts) == 59


def test_no_orders_and_no_revenue_and_no_spend_are_no_data() -> None:
    no_orders = refused(rows(change=lambda r: r | {"orders": 0}))
    no_revenue = refused(rows(change=lambda r: r | {"revenue_micros": 0}))
    no_spend = refused(rows(change=lambda r: r | {"spend_micros": 0}))

    assert {f.verdict for f in (no_orders, no_revenue, no_spend)} == {"NO_DATA"}
    assert "no orders" in no_orders.reason
    assert "no net revenue" in no_revenue.reason
    assert "No channel has spend" in no_spend.reason


def test_a_channel_that_never_spent_is_not_modelled() -> None:
    def silence(row: dict[str, Any]) -> dict[str, Any]:
        return row | ({"spend_micros": 0} if row["channel"] == "meta_ads" else {})

    weeks = prepared(rows(change=silence))

    assert isinstance(weeks, Weeks)
    assert weeks.channels == ("google_ads",)


def mixed(row: dict[str, Any]) -> dict[str, Any]:
    return row | ({"currency_code": "EUR"} if row["channel"] == "meta_ads" else {})


def constant(row: dict[str, Any]) -> dict[str, Any]:
    return row | ({"spend_micros": 7_000_000} if row["channel"] == "meta_ads" else {})


@pytest.mark.parametrize(
    ("table", "as_of", "words"),
    [
        (rows(change=mixed), AS_OF, "several currencies (EUR, USD)"),
        (rows(), date(2026, 7, 13), "15 days before 2026-07-13"),
        (rows(change=constant), AS_OF, "weekly spend of meta_ads hardly varies"),
    ],
)
def test_doubtful_input_is_inconclusive(table: pa.Table, as_of: date, words: str) -> None:
    found = refused(table, as_of)

    assert found.verdict == "INCONCLUSIVE"
    assert words.lower() in found.reason.lower()
