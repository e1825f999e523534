"""Who is one person, through dbt: chains, hubs, shared devices, late ties, erasure, blocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import build
from pipelines.config import Settings
from pipelines.privacy.erasure import erase_ids
from pipelines.warehouse import Warehouse, open_warehouse
from tests.wire.raw_rows import insert

pytestmark = pytest.mark.xdist_group("build")

DAY = date(2025, 3, 9)
SELECT = "+identity_conflicts +fct_orders"


def h(name: str) -> str:
    """A salted hash, for a test."""
    return sha256(name.encode()).hexdigest()


def _event(minute: int, device: str, **columns: Any) -> dict[str, Any]:
    at = datetime(2025, 3, 9, 8, tzinfo=UTC) + timedelta(minutes=minute)
    return {
        "property_id": "p1",
        "event_date": DAY,
        "event_timestamp": int(at.timestamp()) * 1_000_000,
        "event_name": "page_view",
        "user_pseudo_id": device,
        "stream_id": "s1",
        "event_key": f"{device}-{minute}",
        **columns,
    }


def _order(hour: int, order_id: str, **columns: Any) -> dict[str, Any]:
    at = datetime(2025, 3, 9, 12, tzinfo=UTC) + timedelta(hours=hour)
    return {
        "shop_id": "shop",
        "order_id": order_id,
        "order_date": DAY,
        "ordered_at": at,
        "is_new_customer": False,
        "revenue_micros": 1,
        "refunded_micros": 0,
        "currency_code": "USD",
        "time_zone": "UTC",
        "status": "PAID",
        "updated_at": at,
        **columns,
    }


def _announce(warehouse: Warehouse, *tables: str) -> None:
    """The ledger's word that the day was published."""
    now = datetime.now(UTC)
    insert(
        warehouse,
        "raw.load_ledger",
        [
            {
                "run_id": f"{table} {now}",
                "source": "test",
                "table_name": table,
                "account_id": "a",
                "window_start": DAY,
                "window_end": DAY,
                **dict.fromkeys(("row_count", "restated_rows", "dropped_rows"), 0),
                **dict.fromkeys(("checksum", "schema_hash"), "x"),
                **dict.fromkeys(("pulled_at", "staged_at", "published_at"), now),
            }
            for table in tables
        ],
    )


class People:
    """The warehouse's answers, by identifiers as the tests write them."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        rows = warehouse.query("SELECT * FROM marts.identity_map").to_pylist()
        self._map = {(r["node_type"], r["node_id"]): r for r in rows}

    def person(self, node_type: str, name: str) -> str:
        node_id = {
            "device": md5(name.encode()).hexdigest(),
            "order": f"shop|{name}",
        }.get(node_type, name if node_type == "gclid" else h(name))
        return str(self._map[node_type, node_id]["person_id"])

    def method(self, device: str) -> tuple[str, float]:
        row = self._map["device", md5(device.encode()).hexdigest()]
        return row["method"], row["confidence"]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(r.values()) for r in self._warehouse.query(sql).to_pylist()]


def _fill(warehouse: Warehouse) -> None:
    insert(
        warehouse,
        "raw.ga4_events",
        [
            # a chain of four steps: a1 - A - EA - order o2 - click - a2
            _event(0, "a1", user_id=h("A")),
            _event(1, "a2", gclid="CLICK-SEVEN"),
            # two people on one tablet, C last
            _event(2, "tablet", user_id=h("B")),
            _event(3, "tablet", user_id=h("C")),
            _event(4, "tablet", user_id=h("C")),
            # nobody known yet
            _event(5, "late"),
            # a guest whose purchase names the order
            _event(6, "walk-in", ecommerce={"transaction_id": "o7"}),
            _event(7, "f1", user_id=h("F")),
            # whoever tries the shop out
            _event(8, "tester", ecommerce={"transaction_id": "o9"}),
            # a placeholder where a click id belongs
            *(_event(10 + n, f"bot{n}", gclid="PLACEHOLDER-CLICK") for n in range(4)),
        ],
    )
    insert(
        warehouse,
        "raw.orders",
        [
            _order(0, "o1", customer_id=h("A"), email_hash=h("EA")),
            _order(1, "o2", email_hash=h("EA"), gclid="CLICK-SEVEN"),
            # one number, two accounts: a household
            _order(2, "o3", customer_id=h("D"), email_hash=h("ED"), phone_hash=h("P")),
            _order(3, "o4", customer_id=h("E"), email_hash=h("EE"), phone_hash=h("P")),
            # one mailbox, two accounts: one person
            _order(4, "o5", customer_id=h("F"), email_hash=h("EF")),
            _order(5, "o6", customer_id=h("H"), email_hash=h("EF")),
            _order(6, "o7", email_hash=h("EG")),
            _order(7, "o8"),
            _order(8, "o9", customer_id=h("T"), status="TEST"),
        ],
    )
    _announce(warehouse, "raw.ga4_events", "raw.orders")


def test_people_are_told_apart_and_stay_the_same_as_more_is_learnt(tmp_path: Path) -> None:
    settings = Settings.model_validate({"warehouse": {"path": tmp_path / "w.duckdb"}})
    warehouse = open_warehouse(settings)
    _fill(warehouse)
    build(settings, select=SELECT)
    first = People(warehouse)
    a = first.person("user_id", "A")
    assert {
        first.person("device", "a1"),
        first.person("device", "a2"),
        first.person("email_hash", "EA"),
        first.person("order", "o2"),
        first.person("gclid", "CLICK-SEVEN"),
    } == {a}, "a chain is one person"
    assert first.person("user_id", "B") != first.person("user_id", "C")
    assert first.person("device", "tablet") == first.person("user_id", "C")
    assert first.method("tablet") == ("last_seen_on", pytest.approx(2 / 3))
    assert first.person("user_id", "D") != first.person("user_id", "E")
    assert first.person("user_id", "F") == first.person("user_id", "H")
    assert first.person("device", "walk-in") == first.person("email_hash", "EG")
    assert len({first.person("device", f"bot{n}") for n in range(4)}) == 4
    assert first.person("device", "late") not in {a, first.person("order", "o8")}
    assert first.query("SELECT person_id FROM marts.fct_orders WHERE order_id = 'o9'") == [(None,)]
    assert sorted(first.query("SELECT node_type, reason FROM marts.identity_skipped")) == [
        ("device", "shared_device"),
        ("gclid", "too_many_devices"),
        ("phone_hash", "too_many_names"),
    ]
    assert sorted(
        first.query("SELECT node_type, person_id, is_chosen FROM marts.identity_conflicts")
    ) == sorted(
        [
            ("device", first.person("user_id", "B"), False),
            ("device", first.person("user_id", "C"), True),
            ("phone_hash", first.person("user_id", "D"), False),
            ("phone_hash", first.person("user_id", "E"), False),
        ]
    )

    # The device signs in a day's end later: it was seen before A's orders, A was seen before it.
    insert(warehouse, "raw.ga4_events", [_event(600, "late", user_id=h("A"))])
    _announce(warehouse, "raw.ga4_events")
    build(settings, select=SELECT)
    later = People(warehouse)
    assert later.person("device", "late") == later.person("user_id", "A") == a
    assert later.query(
        "SELECT from_component_id, into_component_id FROM marts.identity_merges"
    ) == [(first.person("device", "late"), a)]

    # EF is blocked: F and H part, and F, who was seen first, stays who they were. A withdraws
    # consent: nothing of A's is left, and everybody else stays who they were.
    (done,) = erase_ids(warehouse, [h("A")], requested_by="test", now=datetime.now(UTC))
    assert done.scanned
    blocking = settings.identity.model_validate({"blocked": {"email_hash": [h("EF")]}})
    build(settings.model_copy(update={"identity": blocking}), select=SELECT)
    without = People(warehouse)
    assert {n: without.person("user_id", n) for n in "BCDEF"} == {
        n: first.person("user_id", n) for n in "BCDEF"
    }
    assert without.person("user_id", "H") != without.person("user_id", "F")
    assert ("blocked",) in without.query("SELECT reason FROM marts.identity_skipped")
    known = {node_id for (node_id,) in without.query("SELECT node_id FROM marts.identity_map")}
    assert not known & {h("A"), h("EA"), "CLICK-SEVEN", md5(b"a1").hexdigest()}
