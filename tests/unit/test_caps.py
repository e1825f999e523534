"""An amount is capped by what it is worth: in any currency it lands, not in micros it is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from babel.numbers import list_currencies

from pipelines.contracts import Contract, load_contract, load_contracts
from pipelines.errors import AuditError
from pipelines.landing.audit import audit
from pipelines.landing.dollars import units_a_dollar
from pipelines.landing.spool import spooled
from pipelines.sources.base import Batch, Window

Row = dict[str, Any]
DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# what a dollar buys, roughly, in currencies from the dearest to the cheapest
USUAL = {
    **{"KWD": 0.3, "EUR": 0.9, "USD": 1, "BRL": 5.5, "MXN": 19, "JPY": 145, "HUF": 350},
    **{"CLP": 950, "KRW": 1_400, "COP": 4_200, "IDR": 16_300, "VND": 26_000},
}
# every amount that a suite caps, with the column that names its currency
CAPPED = [
    ("raw.ads_account_performance", "cost_micros", "currency_code"),
    ("raw.ads_campaign_performance", "cost_micros", "currency_code"),
    ("raw.ads_adgroup_performance", "cost_micros", "currency_code"),
    ("raw.ads_ad_performance", "cost_micros", "currency_code"),
    ("raw.ads_adgroup_settings", "daily_budget_micros", "currency_code"),
    ("raw.ads_campaign_budgets", "daily_budget_micros", "currency_code"),
    ("raw.orders", "revenue_micros", "currency_code"),
    ("raw.orders", "presentment_revenue_micros", "presentment_currency_code"),
    ("raw.order_refunds", "amount_micros", "currency_code"),
    ("raw.order_refunds", "presentment_amount_micros", "presentment_currency_code"),
    ("raw.ga4_daily_report", "purchase_revenue_micros", "currency_code"),
    ("raw.server_events", "value_micros", "currency_code"),
    ("raw.experiments", "spend_test_micros", "currency_code"),
    ("raw.experiments", "spend_baseline_micros", "currency_code"),
    ("raw.experiments", "spend_delta_micros", "currency_code"),
    ("raw.media_plans", "planned_spend_micros", "currency_code"),
]
DEALS = ("raw.crm_opportunities", "amount_micros", "currency_code")
WORDS = {
    **{"currency_code": "USD", "time_zone": "UTC", "status": "ENABLED", "crm": "hubspot"},
    **{"presentment_currency_code": "USD"},
}
OWN_WORDS = {
    "raw.orders": {"status": "PAID"},
    "raw.experiments": {
        **{"status": "DONE", "kind": "holdout", "outcome": "orders", "measured_by": "own"},
    },
}


def staged(table: str, *rows: Row) -> tuple[Batch, Contract]:
    """A batch of rows: what they must have, and what is said of each."""
    contract = load_contract(table)
    kinds: dict[str, Any] = {"STRING": "x", "DATE": DAY, "TIMESTAMP": NOON, "BOOL": False}
    words = WORDS | OWN_WORDS.get(table, {})
    usual = {
        column.name: words.get(column.name, kinds.get(column.type, 0))
        for column in contract.columns
        if not column.nullable and column.name != "_run_id"
    }
    key = contract.primary_key[-1]
    made = [
        usual | {key: DAY + timedelta(days=i) if usual[key] == DAY else f"x{i}"} | row
        for i, row in enumerate(rows)
    ]
    kept = [f for f in contract.arrow_schema if any(f.name in row for row in made)]
    platform = "x" if "platform" in contract.column_names else None
    window = Window(DAY, DAY + timedelta(days=len(rows)))
    table_of = pa.Table.from_pylist(made, pa.schema(kept))
    return Batch("x", table, "x", platform, window, table_of, NOON), contract


def held(table: str, *rows: Row) -> str:
    """What the audit says of some rows; nothing where they land."""
    with spooled(*staged(table, *rows)) as spool:
        try:
            audit(spool, lambda: "the stage")
        except AuditError as error:
            return error.message
    return ""


def worth(dollars: float, currency: str) -> int:
    return round(dollars * USUAL[currency]) * 1_000_000


@pytest.mark.parametrize(("table", "amount", "of"), CAPPED)
def test_five_million_dollars_of_any_currency_land(table: str, amount: str, of: str) -> None:
    assert held(table, *({amount: worth(5_000_000, c), of: c} for c in USUAL)) == ""


@pytest.mark.parametrize(("table", "amount", "of"), CAPPED)
def test_an_amount_a_million_times_too_large_is_found_in_any_currency(
    table: str, amount: str, of: str
) -> None:
    said = held(table, *({amount: worth(250, c) * 1_000_000, of: c} for c in USUAL))
    assert f"({len(USUAL)} rows, such as {amount} in USD=" in said
    assert "not in micros" in said


def test_what_is_found_is_told_with_its_row_and_what_it_was_taken_to_be_worth() -> None:
    wrong = {"revenue_micros": worth(250, "IDR") * 1_000_000, "currency_code": "IDR"}
    said = held("raw.orders", {}, wrong)
    assert "(1 rows, such as revenue_micros in USD=40750000.0, shop_id=x, order_id=x1)" in said


def test_a_currency_that_nobody_lists_and_none_at_all_have_the_cap_of_a_dollar() -> None:
    nine, eleven = ({"value_micros": millions * 10**12} for millions in (9, 11))
    unlisted, none = {"currency_code": "XTS"}, {"currency_code": None}
    assert held("raw.server_events", nine | unlisted, nine | none) == ""
    assert "(2 rows" in held("raw.server_events", eleven | unlisted, eleven | none)


def test_negative_amounts_are_held_to_the_same_cap_where_they_are_allowed() -> None:
    won = {"currency_code": "KRW"}
    report, amount = "raw.ga4_daily_report", "purchase_revenue_micros"
    assert held(report, won | {amount: -worth(5_000_000, "KRW")}) == ""
    assert "in USD" in held(report, won | {amount: -worth(250, "KRW") * 1_000_000})
    assert "is not negative" in held("raw.orders", won | {"revenue_micros": -1})


def test_a_deal_of_a_billion_dollars_lands_and_one_that_was_not_in_micros_does_not() -> None:
    table, amount, of = DEALS
    assert held(table, *({amount: worth(10**9, c), of: c} for c in ("USD", "EUR", "JPY"))) == ""
    assert "in USD" in held(table, {amount: worth(5 * 10**12, "USD"), of: "USD"})


def test_the_value_of_conversions_in_any_currency_lands() -> None:
    rows = [{"conversion_value": 5e6 * u, "currency_code": c} for c, u in USUAL.items()]
    assert held("raw.ads_campaign_performance", *rows) == ""
    assert held("raw.ads_conversion_action_stats", *rows) == ""


def amounts() -> Iterator[tuple[str, str]]:
    for contract in load_contracts().values():
        if contract.dataset == "raw":
            yield from (
                (contract.table, c.name) for c in contract.columns if c.name.endswith("_micros")
            )


def test_every_raw_amount_in_micros_is_capped_but_refunds_that_are_held_to_their_order() -> None:
    held_otherwise = {"refunded_micros", "presentment_refunded_micros"}
    capped = {(table, amount) for table, amount, _ in (*CAPPED, DEALS)}
    assert {(t, a) for t, a in amounts() if a not in held_otherwise} == capped


def test_a_dollar_is_worth_units_of_currencies_that_exist() -> None:
    named = units_a_dollar()
    assert set(named) <= list_currencies()
    assert set(USUAL) - {"KWD", "EUR", "USD"} <= set(named)
    assert all(named[c] / 10 < USUAL[c] <= named[c] for c in USUAL if c in named)
