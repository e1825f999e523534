"""Who saw which variation, and what they did afterwards, from raw events to marts on DuckDB."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import build
from pipelines.config import Settings, WarehouseSettings
from pipelines.warehouse import Warehouse, open_warehouse
from tests.wire.journey_rows import at, event, publish
from tests.wire.raw_rows import insert

pytestmark = pytest.mark.xdist_group("build")

DAY = at("2025-03-03 12:00:00")
GUIDE = Path(__file__).parents[2] / "docs" / "growthbook.md"


def _view(
    device: str | None, when: datetime, variation: str | int, name: str = "banner"
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


def _definition(
    id_: str, key: str | None, *weights: tuple[str, float | None], status: str = "RUNNING"
) -> dict[str, Any]:
    variations = [{"variation_id": v, "name": v.upper(), "weight": w} for v, w in weights]
    return {
        **{"account_id": "shop", "experiment_id": id_, "kind": "site_test", "status": status},
        **{"measured_by": "own", "time_zone": "UTC", "tracking_key": key, "phases": []},
        "variations": variations,
    }


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
        # refused consent
        _view(None, DAY, "1"),
        # one person on two devices, the second of them known only after its view
        _view("phone", DAY, "0", "known") | {"user_id": "u1"},
        _view("laptop", DAY + _minutes(1), "1", "known"),
        event("laptop", DAY + _minutes(2), "page_view", user_id="u1"),
        event("laptop", DAY + _minutes(3), "purchase", ecommerce={"transaction_id": "t2"}),
    ]
    publish(warehouse, {"raw.ga4_events": events}, date(2025, 3, 1), date(2025, 3, 31))
    insert(
        warehouse,
        "raw.experiments",
        [
            _definition("1", "banner", ("0", 0.5), ("1", 0.5)),
            _definition("2", "footer", ("0", None), ("a", None)),
            # one key, two definitions
            _definition("3", "twice", ("0", 0.5), ("1", 0.5)),
            _definition("4", "twice", ("0", 0.5), ("1", 0.4)),
            _definition("5", "draft", ("0", 0.5), status="PLANNED"),
            _definition("6", "away", ("0", 0.5), status="VOID"),
            _definition("7", None, status="DONE") | {"kind": "holdout"},
        ],
    )
    build(
        settings,
        select="+experiment_outcomes growthbook_experiment_viewed +experiment_variations",
    )
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
        ("known", None, 2, False, 0, 0, *where, exposed),
    ]


def test_outcomes_come_after_the_exposure(built: Warehouse) -> None:
    sql = (
        "SELECT event_name, first_at, events FROM marts.experiment_outcomes "
        "WHERE experiment_id <> 'known'"
    )
    rows = built.query(sql).to_pylist()
    assert [(r["event_name"], r["events"]) for r in rows] == [("sign_up", 2)]
    assert rows[0]["first_at"] == DAY + _minutes(3)


def test_a_variations_weight_is_told_where_its_definition_says_one(built: Warehouse) -> None:
    sql = "SELECT * FROM marts.experiment_variations ORDER BY experiment_id, variation_id"
    assert [tuple(row.values()) for row in built.query(sql).to_pylist()] == [
        ("banner", "0", "0", 0.5, 1),
        ("banner", "1", "1", 0.5, 1),
        ("footer", "0", "0", None, 1),
        ("footer", "a", "A", None, 1),
        ("twice", "0", "0", 0.5, 2),
        ("twice", "1", "1", None, 2),
    ]


def _pasted(warehouse: Warehouse, number: int) -> list[dict[str, Any]]:
    """What GrowthBook gets for a query of the guide, its variables filled in as it fills them."""
    query = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)[number]
    said = {"startDate": "2025-03-03 00:00:00", "endDate": "2025-03-03 23:59:59"}
    for name, value in {**said, "experimentId": "%"}.items():
        query = query.replace(f"{{{{ {name} }}}}", value)
    assert "{{" not in query
    return warehouse.query(query).to_pylist()


def test_growthbook_reads_every_view_of_a_device_by_its_own_names(built: Warehouse) -> None:
    rows = _pasted(built, 0)
    names = ("anonymous_id", "timestamp", "experiment_id", "variation_id", "device", "country")
    assert tuple(rows[0]) == names
    shown = sorted(tuple(row.values())[1:4] for row in rows)
    assert shown == sorted(
        [
            (DAY, "banner", "1"),
            (DAY + _minutes(2), "banner", "1"),
            (DAY, "banner", "0"),
            (DAY, "banner", "0"),
            (DAY + _minutes(5), "banner", "1"),
            (DAY + _minutes(1), "footer", "a"),
            (DAY, "known", "0"),
            (DAY + _minutes(1), "known", "1"),
        ]
    )
    assert {(row["device"], row["country"]) for row in rows} == {("mobile", "Germany")}


def test_growthbook_is_told_pseudonyms_and_no_id_of_ga4(built: Warehouse) -> None:
    rows = _pasted(built, 0) + _pasted(built, 1) + _pasted(built, 3)
    ids = {row.get("anonymous_id") or row.get("user_id") for row in rows}
    assert not ids & {"old", "new", "both", "mute", "phone", "laptop", "u1"}
    assert all(len(each) >= 32 for each in ids)


def test_two_devices_of_a_person_are_one_user_for_growthbook(built: Warehouse) -> None:
    of_person = [row for row in _pasted(built, 1) if row["experiment_id"] == "known"]
    assert {row["variation_id"] for row in of_person} == {"0", "1"}
    (user,) = {row["user_id"] for row in of_person}
    devices = {row["anonymous_id"] for row in _pasted(built, 2) if row["user_id"] == user}
    assert len(devices) == 2
    of_device = [row for row in _pasted(built, 0) if row["experiment_id"] == "known"]
    assert devices == {row["anonymous_id"] for row in of_device}
    purchases = [row for row in _pasted(built, 3) if row["event_name"] == "purchase"]
    assert [(row["user_id"], row["timestamp"]) for row in purchases] == [(user, DAY + _minutes(3))]
