"""A re-pull does not bring an erased person back, and costs nobody else a row."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from pipelines.privacy.declared import Id, Kind
from pipelines.privacy.tombstones import Tombstones, digest
from tests.unit import people
from tests.unit.people import ADA, BEN, order, rows_of

ERASED = [
    *(Id(Kind(kind), value) for kind, value in ADA.items()),
    Id(Kind.DEVICE, people.LAPTOP),
    Id(Kind.DEVICE, people.PHONE),
    Id(Kind.CLICK, people.GCLID),
    Id(Kind.CLICK, people.FBCLID),
    Id(Kind.LEAD, "51"),
]
STONES = Tombstones(frozenset(map(digest, ERASED)), datetime(2026, 7, 1, tzinfo=UTC))


def applied(table: str, rows: tuple[dict[str, Any], ...]) -> tuple[list[dict[str, Any]], int]:
    conformed = rows_of(table, rows).drop_columns(["_run_id"])
    left, dropped = STONES.apply(conformed, table)
    assert left.schema == conformed.schema
    return left.to_pylist(), dropped


def test_events_of_an_erased_person_are_dropped_and_counted() -> None:
    left, dropped = applied("raw.ga4_events", people.EVENTS)
    assert dropped == 5
    assert [r["event_key"] for r in left[:4]] == ["t2", "t3", "b1", "c1"]


def test_an_event_whose_address_has_an_erased_click_is_dropped() -> None:
    url = f"https://shop.example/?fbclid={people.FBCLID}#top"
    rows = (
        people.event("new", "40000.1700000001", url=url),
        people.event("other", "40000.1700000001", url="https://shop.example/?fbclid=another-one"),
    )
    left, dropped = applied("raw.ga4_events", rows)
    assert ([r["event_key"] for r in left], dropped) == (["other"], 1)


def test_orders_of_an_erased_person_stay_without_their_ids() -> None:
    left, dropped = applied("raw.orders", people.ORDERS)
    assert (len(left), dropped) == (5, 0)
    for row in left[0], left[1], left[4]:
        assert {row[c] for c in ("customer_id", "email_hash", "phone_hash", "gclid")} == {None}
        assert row["_extra"] is None
    assert (left[2]["customer_id"], left[2]["phone_hash"]) == (BEN["user"], people.HOUSEHOLD)


def test_a_row_that_names_another_person_stays_less_the_id() -> None:
    rows = ({"event_id": "e", "user_id": BEN["user"], "phone_hash": ADA["phone"]},)
    left, dropped = applied("raw.server_events", rows)
    assert dropped == 0
    assert (left[0]["user_id"], left[0]["phone_hash"]) == (BEN["user"], None)
    order_left, _ = applied("raw.orders", (order("1", BEN, email_hash=ADA["email"], gclid="g"),))
    assert (order_left[0]["customer_id"], order_left[0]["email_hash"]) == (BEN["user"], None)
    assert order_left[0]["gclid"] == "g"


def test_an_unknown_field_with_an_erased_id_is_cleared_in_any_table() -> None:
    rows = ({"_extra": f'{{"who": "{ADA["user"]}"}}'}, {"_extra": '{"who": "somebody else"}'})
    left, dropped = applied("raw.fx_rates", rows)
    assert ([r["_extra"] for r in left], dropped) == ([None, '{"who": "somebody else"}'], 0)


def test_a_short_id_counts_only_as_an_id_of_its_kind() -> None:
    left, _ = applied("raw.crm_opportunities", ({"lead_id": "51"}, {"opportunity_id": "51"}))
    assert (left[0]["lead_id"], left[1]["opportunity_id"]) == (None, "51")


@pytest.mark.parametrize("table", ["raw.ga4_events", "raw.fx_rates"])
def test_without_tombstones_or_rows_nothing_is_touched(table: str) -> None:
    rows = pa.table({"_extra": ["x"]})
    assert Tombstones().apply(rows, table)[0] is rows
    assert STONES.apply(rows.slice(0, 0), table)[1] == 0
