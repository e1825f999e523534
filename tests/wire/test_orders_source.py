"""The orders source against the simulated shop, over HTTP."""

from collections.abc import Iterator
from datetime import date

import httpx
import pyarrow as pa
import pytest

from pipelines.config import OrdersSettings
from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.privacy.hashing import hash_email
from pipelines.sandbox.clock import Clock
from pipelines.sandbox.market import Market
from pipelines.sandbox.orders_server import OrdersServer
from pipelines.sources.base import Window
from pipelines.sources.orders import OrdersSource
from pipelines.warehouse.contracts import load_contract

SHOP, TOKEN, SALT = "canary-shop", "a-token", "a-salt"
MAY = Window(date(2026, 5, 1), date(2026, 5, 31))


@pytest.fixture(scope="module")
def server() -> Iterator[OrdersServer]:
    with OrdersServer(Market(), Clock(date(2026, 7, 1)), TOKEN) as running:
        yield running


def _source(server: OrdersServer, token: str = TOKEN, **settings: str) -> OrdersSource:
    given = {"shop_id": SHOP, "url": server.url, "time_zone": "America/New_York", **settings}
    return OrdersSource(OrdersSettings(**given), token, SALT, pause=lambda _: None)


def test_a_window_of_many_pages_lands_whole_in_the_contracts_types(server: OrdersServer) -> None:
    source = _source(server)
    assert source.account(SHOP).currency_code == "USD"
    (batch,) = source.pull(SHOP, MAY)
    schema = load_contract("raw.orders").arrow_schema
    wanted = pa.schema([f for f in schema if f.name != "_run_id"])
    rows = batch.rows.select(wanted.names).cast(wanted).to_pylist()
    truth = Market().orders(MAY.start, MAY.end, date(2026, 7, 1)).to_pylist()
    assert len(rows) == len(truth) > 250 * 4
    for row, order in zip(rows, truth, strict=True):
        assert row["order_id"] == order["order_id"]
        assert row["order_date"] == order["order_date"]
        assert row["revenue_micros"] == order["total_cents"] * 10_000
        assert row["refunded_micros"] == order["refunded_cents"] * 10_000
        assert row["email_hash"] == hash_email(order["email"], SALT)
    assert {r["status"] for r in rows} == {"PAID", "REFUNDED", "CANCELLED", "TEST"}


def test_no_address_or_customer_id_leaves_the_source(server: OrdersServer) -> None:
    (batch,) = _source(server).pull(SHOP, Window(MAY.start, MAY.start))
    said = str(batch.rows.to_pylist())
    for order in Market().orders(MAY.start, MAY.start, date(2026, 7, 1)).to_pylist():
        assert order["email"].strip() not in said
        assert order["customer_id"] is None or order["customer_id"] not in said


def test_a_wrong_token_shop_or_time_zone_is_refused(server: OrdersServer) -> None:
    with pytest.raises(SourceRejected, match="401") as caught:
        _source(server, token="wrong").account(SHOP)
    assert "ADCANARY_ORDERS_TOKEN" in str(caught.value)
    with pytest.raises(SourceRejected, match="no shop 'other'"):
        _source(server).account("other")
    with pytest.raises(SourceRejected, match="counts its days in America/New_York"):
        _source(server, time_zone="Europe/Berlin").account(SHOP)


def test_passing_trouble_is_waited_out_and_lasting_trouble_is_unavailable(
    server: OrdersServer,
) -> None:
    server.failures.extend([503, 429])
    assert _source(server).account(SHOP).account_id == SHOP
    server.failures.extend([503, 500, 502])
    with pytest.raises(SourceUnavailable, match="3 attempts"):
        list(_source(server).pull(SHOP, MAY))
    server.failures.clear()


def test_a_shop_that_is_not_there_is_unavailable(server: OrdersServer) -> None:
    with pytest.raises(SourceUnavailable, match="no answer"):
        _source(server, url="http://127.0.0.1:9").account(SHOP)


def test_a_mutating_call_is_recorded_and_refused() -> None:
    with OrdersServer(Market(), Clock(date(2026, 7, 1)), TOKEN) as server:
        _source(server).account(SHOP)
        assert server.mutations == []
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.post(f"{server.url}/orders", json={}, headers=headers)
        assert answer.status_code == 403
        assert server.mutations == ["POST /orders"]
