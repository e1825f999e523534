"""Who saw which variation, and what they did afterwards, from raw events to marts on DuckDB."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import build
from pipelines.config import Settings, WarehouseSettings
from pipelines.warehouse import Warehouse, open_warehouse
from tests.wire.journey_rows import at, event, publish

pytestmark = pytest.mark.xdist_group("build")

DAY = at("2025-03-03 12:00:00")


def _view(
    device: str, when: datetime, variation: str | int, name: str = "banner"
) -> dict[str, Any]:
    kind = "int_value" if isinstance(variation, int) else "string_value"
    seen = event(
        device,
        when,
        "experiment_viewed",
        event_params=[
            {"key": "experiment_id", "value": {"string_value": name}},
            {"key": "variation_id", "value": {kind: variation}},
        ],
        geo={"country": "Germany"},
    )
    return seen | {"device": {"category": "mobile"}}


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder: Path = tmp_path_factory.mktemp("experiments")
    settings = Settings(warehouse=WarehouseSettings(path=folder / "w.duckdb"))
    warehouse = open_warehouse(settings)
    yesterday = DAY - timedelta(days=1)
    events = [
        # returned, had bought, saw the variation twice, and signed up twice afterwards
        event("old", yesterday, "page_view"),
        event("old", yesterday + _minutes(1), "purchase", ecommerce={"transaction_id": "t1"}),
        event("old", DAY - _minutes(1), "sign_up"),
        _view("old", DAY, "1"),
        _view("old", DAY + _minutes(2), "1"),
        event("old", DAY + _minutes(3), "sign_up"),
        event("old", DAY + _minutes(9), "sign_up"),
        # new, with a variation that is a number; another experiment, too
        _view("new", DAY, 0),
        _view("new", DAY + _minutes(1), "a", "footer"),
        # saw both
        _view("both", DAY, "0"),
        _view("both", DAY + _minutes(5), "1"),
        # names no variation
        event("mute", DAY, "experiment_viewed"),
    ]
    publish(warehouse, {"raw.ga4_events": events}, date(2025, 3, 1), date(2025, 3, 31))
    build(settings, select="+experiment_outcomes")
    return warehouse


def _exposures(warehouse: Warehouse, order: str) -> list[tuple[Any, ...]]:
    sql = f"""SELECT e.experiment_id, e.variation_id, e.variations, e.is_returning,
e.earlier_sessions, e.earlier_orders, e.device_category, e.country, e.exposed_at
FROM marts.experiment_exposures AS e ORDER BY {order}"""
    return [tuple(row.values()) for row in warehouse.query(sql).to_pylist()]


def test_a_person_is_exposed_once_with_what_was_known_before(built: Warehouse) -> None:
    rows = _exposures(built, "e.earlier_orders DESC, e.experiment_id, e.variations")
    exposed = DAY.astimezone(UTC)
    where = ("mobile", "Germany")
    assert rows == [
        ("banner", "1", 1, True, 1, 1, *where, exposed),
        ("banner", "0", 1, False, 0, 0, *where, exposed),
        ("banner", None, 2, False, 0, 0, *where, exposed),
        ("footer", "a", 1, False, 0, 0, *where, exposed + _minutes(1)),
    ]


def test_outcomes_come_after_the_exposure(built: Warehouse) -> None:
    sql = "SELECT event_name, first_at, events FROM marts.experiment_outcomes"
    rows = built.query(sql).to_pylist()
    assert [(r["event_name"], r["events"]) for r in rows] == [("sign_up", 2)]
    assert rows[0]["first_at"] == DAY + _minutes(3)
