"""Shopify: bulk operations over HTTP against the simulated shop's books, and every fault of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pyarrow as pa
import pytest

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.privacy.hashing import hash_email, hash_phone, hash_user_id
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.shopify.server import BREAKING, FAULTS, ShopifyServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import ShopifySettings
from pipelines.sources.base import Batch, TracksChanges, Unreadable, Window
from pipelines.sources.shopify.source import ShopifySource
from tests.wire.contract_shape import assert_fits

SHOP, SALT, TODAY = "canary-shop", "a-salt", date(2026, 7, 1)
MAY = Window(date(2026, 5, 1), date(2026, 5, 31))
DAYS = Window(date(2026, 5, 4), date(2026, 5, 6))
SURVIVED = sorted(set(FAULTS) - BREAKING - {"late_refund", "withdrawn_order"})


@pytest.fixture(scope="module")
def _shop(market: Market) -> Iterator[ShopifyServer]:
    with ShopifyServer(market, Clock(TODAY)) as running:
        yield running


@pytest.fixture
def shop(_shop: ShopifyServer) -> Iterator[ShopifyServer]:
    yield _shop
    _shop.faults.switch_off()
    _shop.mutations.clear()
    _shop.scopes = ("read_orders", "read_all_orders", "read_customers")
    _shop.available_points = 2_000


def source_of(server: ShopifyServer, waits: list[float] | None = None, **given: Any) -> Any:
    settings = {"shop_id": SHOP, "url": server.url, "time_zone": "America/New_York", **given}
    token = settings.pop("token", server.access_token)
    sleep = (waits if waits is not None else []).append
    return ShopifySource(ShopifySettings(**settings), token, SALT, sleep=sleep)


def pull(server: ShopifyServer, window: Window = DAYS) -> tuple[Batch, Batch]:
    orders, refunds = source_of(server).pull(SHOP, window)
    return orders, refunds


def reconcile(server: ShopifyServer, window: Window, batches: tuple[Batch, Batch]) -> None:
    """Hold both batches to the books, to the micro."""
    books = server.books(window.start, window.end)
    orders, refunds = (b.rows.to_pylist() for b in batches)
    money = ("order_date", "revenue_micros", "refunded_micros", "is_new_customer")
    assert {r["order_id"]: tuple(r[m] for m in money) for r in orders} == books.orders
    part = ("order_id", "refund_date", "amount_micros")
    assert {r["refund_id"]: tuple(r[p] for p in part) for r in refunds} == books.refunds
    assert (len(orders), len(refunds)) == (len(books.orders), len(books.refunds))
    assert orders


def test_orders_and_refunds_equal_the_books_and_refunds_of_older_orders_are_among_them(
    shop: ShopifyServer, market: Market
) -> None:
    source = source_of(shop)
    assert source.account(SHOP).currency_code == "USD"
    batches = pull(shop, MAY)
    reconcile(shop, MAY, batches)
    orders, refunds = (b.rows.to_pylist() for b in batches)
    assert len(orders) > 1_000
    assert {r["order_id"] for r in refunds} - {r["order_id"] for r in orders}
    assert {r["status"] for r in orders} == {"PAID", "REFUNDED", "CANCELLED", "TEST"}
    assert shop.mutations == []
    truth = {r["order_id"]: r for r in market.orders(MAY.start, MAY.end, TODAY).to_pylist()}
    for row in orders:
        order = truth[row["order_id"]]
        assert row["email_hash"] == hash_email(order["email"], SALT)
        assert row["phone_hash"] == hash_phone(order["phone"], SALT)
        assert row["customer_id"] == hash_user_id(order["customer_id"], SALT)
        for name in ("gclid", "fbclid", "ttclid"):
            assert row[name] == order[name]
        assert (row["ordered_at"], row["updated_at"]) == (order["created_at"], order["updated_at"])
        assert (row["test"], row["cancelled_at"] is None) == (order["test"], not order["cancelled"])
    assert any(r["phone_hash"] for r in orders)


def test_the_customers_own_currency_is_kept_beside_the_shops(shop: ShopifyServer) -> None:
    orders, _ = pull(shop)
    rows = orders.rows.to_pylist()
    abroad = [r for r in rows if r["presentment_currency_code"] == "CAD"]
    assert 0 < len(abroad) < len(rows)
    for row in rows:
        percent = 137 if row in abroad else 100
        wanted = row["revenue_micros"] * percent / 100
        assert row["presentment_revenue_micros"] == pytest.approx(wanted, abs=10_000)


def test_batches_have_the_columns_and_types_of_their_contracts(shop: ShopifyServer) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    for batch in (*pull(shop), *pull(shop, empty)):
        assert_fits(batch)
    assert pull(shop, empty)[0].rows.num_rows == 0


def test_no_address_phone_or_customer_id_leaves_the_source(
    shop: ShopifyServer, market: Market
) -> None:
    said = str([b.rows.to_pylist() for b in pull(shop)])
    for order in market.orders(DAYS.start, DAYS.end, TODAY).to_pylist():
        for raw in (order["email"].strip(), order["phone"], order["customer_id"]):
            assert raw is None or raw not in said


def test_an_order_that_cannot_be_read_is_named_without_a_word_of_its_content(
    shop: ShopifyServer, caplog: pytest.LogCaptureFixture
) -> None:
    reader = source_of(shop)._reader
    order = {"name": "CS-1", "email": "ada@example.org", "createdAt": "ada@example.org"}
    assert reader.day(order) is None
    assert "order CS-1, which changed, can't be read (ValueError)" in caplog.text
    assert "ada@example.org" not in caplog.text


def order_of(**changes: Any) -> dict[str, Any]:
    """An order as a bulk result has it."""
    money = {"amount": "12.5", "currencyCode": "USD"}
    amount = {"shopMoney": money, "presentmentMoney": money}
    visit = {"landingPage": "https://s.example/?gclid=landed&li_fat_id=l%2F1"}
    return {
        **{"id": "gid://shopify/Order/1", "name": "CS-1", "test": False, "cancelledAt": None},
        **{"createdAt": "2026-05-05T04:00:00Z", "updatedAt": "2026-05-05T04:00:00Z"},
        **{"displayFinancialStatus": "PAID", "email": None, "phone": None, "refunds": []},
        **{"totalPriceSet": amount, "totalRefundedSet": amount},
        "customer": {"id": "gid://shopify/Customer/7", "numberOfOrders": "2"},
        "customerJourneySummary": {"customerOrderIndex": 1, "lastVisit": visit},
        "customAttributes": [{"key": "_gclid", "value": "kept"}],
        **changes,
    }


@pytest.mark.parametrize("side", ["shopMoney", "presentmentMoney"])
def test_a_refund_in_another_currency_is_not_taken_from_what_was_paid(
    shop: ShopifyServer, side: str
) -> None:
    reader = source_of(shop)._reader
    paid = order_of()["totalPriceSet"]
    nothing, some = (
        paid | {side: {"amount": amount, "currencyCode": "CAD"}} for amount in ("0.0", "1.0")
    )
    ((order,), _) = reader.order(order_of(totalRefundedSet=nothing))
    assert not isinstance(order, Unreadable)
    ((order,), _) = reader.order(order_of(totalRefundedSet=some))
    assert isinstance(order, Unreadable)


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"displayFinancialStatus": "PENDING"}, "status", "PENDING"),
        ({"displayFinancialStatus": None}, "status", "PENDING"),
        ({"displayFinancialStatus": "EXPIRED"}, "status", "CANCELLED"),
        ({"displayFinancialStatus": "PARTIALLY_REFUNDED"}, "status", "PAID"),
        ({"test": True, "cancelledAt": "2026-05-04T10:00:00Z"}, "status", "TEST"),
        ({"customerJourneySummary": None}, "is_new_customer", False),
        ({"customerJourneySummary": None, "customer": None}, "is_new_customer", True),
        ({"customer": None}, "customer_id", None),
        ({}, "is_new_customer", True),
        ({}, "gclid", "kept"),
        ({"customAttributes": []}, "gclid", "landed"),
        ({}, "li_fat_id", "l/1"),
        ({"phone": "ask me"}, "phone_hash", None),
        ({"createdAt": "2026-05-05T03:59:59Z"}, "order_date", date(2026, 5, 4)),
    ],
)
def test_what_an_order_says_becomes_a_row(
    shop: ShopifyServer, changes: dict[str, Any], column: str, value: object
) -> None:
    ((row,), _) = source_of(shop)._reader.order(order_of(**changes))
    assert row[column] == value


@pytest.mark.parametrize("fault", SURVIVED)
def test_a_fault_that_passes_leaves_every_row(shop: ShopifyServer, fault: str) -> None:
    shop.faults.switch_on(fault, times=1)
    reconcile(shop, DAYS, pull(shop))
    assert not shop.faults.strikes(fault)  # it struck: none of its times is left


def test_all_faults_that_pass_at_once_leave_every_row(shop: ShopifyServer) -> None:
    for fault in SURVIVED:
        shop.faults.switch_on(fault)
    reconcile(shop, DAYS, pull(shop))


def test_a_result_that_was_counted_wrong_once_is_asked_for_again(shop: ShopifyServer) -> None:
    shop.faults.switch_on("object_count_mismatch", times=1)
    reconcile(shop, DAYS, pull(shop))


def test_a_result_that_is_always_counted_wrong_is_refused_by_name(shop: ShopifyServer) -> None:
    shop.faults.switch_on("object_count_mismatch")
    with pytest.raises(SourceRejected, match=r"canary-shop: 3 bulk operations .*objectCount is"):
        pull(shop)


def test_a_wrong_token_shop_or_time_zone_is_refused(shop: ShopifyServer) -> None:
    with pytest.raises(SourceRejected, match=r"canary-shop: .* answered 401: .*Invalid API key"):
        source_of(shop, token="wrong").account(SHOP)
    shop.faults.switch_on("token_invalid")
    with pytest.raises(SourceRejected, match="401"):
        pull(shop)
    shop.faults.switch_off()
    with pytest.raises(SourceRejected, match="no shop 'other' here"):
        source_of(shop, shop_id="other").account("other")
    with pytest.raises(SourceRejected, match="counts its days in America/New_York"):
        source_of(shop, time_zone="Europe/Berlin").account(SHOP)


def test_a_token_that_sees_only_sixty_days_is_refused(shop: ShopifyServer) -> None:
    shop.scopes = ("read_orders",)
    with pytest.raises(SourceRejected, match="lacks read_all_orders"):
        source_of(shop).account(SHOP)


def test_a_shop_that_is_not_there_is_unavailable(shop: ShopifyServer) -> None:
    with pytest.raises(SourceUnavailable, match="no usable answer from 127"):
        source_of(shop, url="http://127.0.0.1:9").account(SHOP)


def test_the_query_cost_is_read_ahead(shop: ShopifyServer) -> None:
    waits: list[float] = []
    shop.available_points = 50
    source_of(shop, waits).account(SHOP)
    assert waits == [pytest.approx(1.5)]  # 200 points are the reserve, 100 come back a second


def test_an_operation_that_never_ends_is_given_up_after_half_an_hour(market: Market) -> None:
    waits: list[float] = []
    with ShopifyServer(market, Clock(TODAY)) as server:
        server.stuck = True
        source = source_of(server, waits)
        with pytest.raises(SourceUnavailable, match="is still RUNNING after 30 minutes"):
            list(source.pull(SHOP, DAYS))
        with pytest.raises(SourceUnavailable, match="already in progress: gid"):
            list(source.pull(SHOP, DAYS))
    assert 3_600 <= sum(waits) < 3_640


def test_the_token_is_not_shown_to_the_host_of_the_results(shop: ShopifyServer) -> None:
    pull(shop)
    number = len(shop._operations)
    url = f"{shop.url}/bulk/{number}.jsonl?signature={shop._operations[-1].signature}"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"X-Shopify-Access-Token": "t"}).status_code == 400


def test_a_late_refund_is_found_with_its_order_and_with_its_own_day(market: Market) -> None:
    with ShopifyServer(market, Clock(TODAY)) as server:
        source = source_of(server)
        assert isinstance(source, TracksChanges)
        since = TODAY - timedelta(days=30)
        before = source.changed_windows(SHOP, since)
        server.faults.switch_on("late_refund")
        after = source.changed_windows(SHOP, since)
        (late,) = set(after) - set(before)
        assert late.end < since - timedelta(days=20)
        reconcile(server, late, pull(server, late))
        yesterday = Window(TODAY - timedelta(days=1), TODAY - timedelta(days=1))
        batches = pull(server, yesterday)
        reconcile(server, yesterday, batches)
        old = market.orders(late.start, late.end, TODAY)["order_id"].to_pylist()
        assert set(batches[1].rows["order_id"].to_pylist()) & set(old)


def test_changed_days_are_those_of_orders_that_changed_and_the_few_between(
    shop: ShopifyServer, market: Market
) -> None:
    since = date(2026, 6, 1)
    windows = source_of(shop).changed_windows(SHOP, since)
    rows = market.orders(market.start, since - timedelta(days=1), TODAY).to_pylist()
    changed = {r["order_date"] for r in rows if r["updated_at"].date() >= since}
    assert changed
    assert all(any(w.start <= day <= w.end for w in windows) for day in changed)
    assert {w.start for w in windows} | {w.end for w in windows} <= changed
    assert all(w.end < since for w in windows)


def test_a_deleted_order_is_gone_when_its_day_is_pulled_again(market: Market) -> None:
    with ShopifyServer(market, Clock(TODAY)) as server:
        day = TODAY - timedelta(days=10)
        window = Window(day, day)
        before = set(pull(server, window)[0].rows["order_id"].to_pylist())
        server.faults.switch_on("withdrawn_order")
        batches = pull(server, window)
        assert len(before - set(batches[0].rows["order_id"].to_pylist())) == 1
        reconcile(server, window, batches)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Pacific/Auckland", date(2026, 5, 1), 24),
        ("America/Santiago", date(2026, 9, 6), 23),  # its midnight doesn't exist
    ],
)
def test_a_day_is_as_long_as_the_shops_clock_makes_it(
    shop: ShopifyServer, zone: str, day: date, hours: int
) -> None:
    source = source_of(shop, time_zone=zone)
    length = source._midnight(day + timedelta(days=1)) - source._midnight(day)
    assert length == timedelta(hours=hours)


@pytest.mark.parametrize(
    "document",
    [
        'mutation { orderUpdate(input: "x") { userErrors { message } } }',
        'mutation { bulkOperationRunQuery(query: "{}") { userErrors { code } } '
        'orderDelete(orderId: "1") { deletedId } }',
        "mutation { bulkOperationCancel { userErrors { message } } }",
    ],
)
def test_a_mutation_that_does_not_export_is_recorded_and_refused(
    shop: ShopifyServer, document: str
) -> None:
    answer = httpx.post(
        f"{shop.url}/admin/api/2026-07/graphql.json",
        content=json.dumps({"query": document}),
        headers={"X-Shopify-Access-Token": shop.access_token},
    )
    assert answer.status_code == 403
    assert len(shop.mutations) == 1


def test_the_same_day_is_the_same_bytes(shop: ShopifyServer, market: Market) -> None:
    with ShopifyServer(market, Clock(TODAY)) as other:
        for one, two in zip(pull(shop), pull(other), strict=True):
            assert one.rows.equals(two.rows)
            assert isinstance(one.rows, pa.Table)
