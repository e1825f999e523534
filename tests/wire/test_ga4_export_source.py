"""The GA4 export source against files that the simulated site exports."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from pipelines.config import Ga4ExportSettings
from pipelines.errors import InputError, SourceRejected, SourceUnavailable
from pipelines.privacy.hashing import hash_user_id
from pipelines.sandbox.ga4_export import write_export
from pipelines.sandbox.market import Market
from pipelines.sources.base import Batch, Window
from pipelines.sources.ga4_export import Ga4ExportSource
from pipelines.warehouse.contracts import load_contract

PROPERTY, SALT = "3141592", "a-salt"
START, END, TODAY = date(2026, 4, 1), date(2026, 6, 20), date(2026, 6, 21)
DAY = date(2026, 4, 2)
Write = Callable[[list[dict[str, Any]]], Path]


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(start=START, end=END)


@pytest.fixture(scope="module")
def folder(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ga4")
    write_export(market, path, TODAY)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_(events: list[dict[str, Any]]) -> Path:
        (tmp_path / "events_20260402.json").write_bytes(b"\n".join(map(orjson.dumps, events)))
        return tmp_path

    return write_


def _source(path: Path) -> Ga4ExportSource:
    settings = Ga4ExportSettings(property_id=PROPERTY, path=path, time_zone="America/New_York")
    return Ga4ExportSource(settings, SALT, lambda: datetime.now(UTC))


def _pull(path: Path, window: Window) -> Batch:
    (batch,) = _source(path).pull(PROPERTY, window)
    schema = load_contract("raw.ga4_events").arrow_schema
    wanted = pa.schema([f for f in schema if f.name != "_run_id"])
    assert batch.rows.column_names == wanted.names
    batch.rows.cast(wanted)
    return batch


def _event(**more: Any) -> dict[str, Any]:
    return {
        "event_date": "20260402",
        "event_timestamp": "1775140000000000",
        "event_name": "page_view",
        "user_pseudo_id": "1.2",
        "batch_page_id": "1",
        "batch_ordering_id": "1",
        "batch_event_index": "1",
        **more,
    }


def test_events_land_once_hashed_and_without_those_who_refused(
    market: Market, folder: Path
) -> None:
    window = Window(START, date(2026, 4, 30))
    batch = _pull(folder, window)
    events = [e for day in market.days[:30] for e in market.ga4_events(day, TODAY)]
    refused = [e for e in events if "user_pseudo_id" not in e]
    assert batch.dropped_rows == len(refused) > 0
    distinct = {orjson.dumps(e) for e in events if "user_pseudo_id" in e}
    assert len(distinct) < len(events) - len(refused)  # the export repeats some
    assert len(batch.rows) == len(distinct)
    assert len(set(batch.rows["event_key"].to_pylist())) == len(distinct)
    users = {e["user_id"] for e in events if "user_id" in e}
    assert set(batch.rows["user_id"].to_pylist()) - {None} == {hash_user_id(u, SALT) for u in users}
    bought = {
        e["transaction_id"]
        for e in batch.rows["ecommerce"].to_pylist()
        if e and e["transaction_id"]
    }
    assert bought <= set(market.orders(window.start, window.end, TODAY)["order_id"].to_pylist())


def test_values_come_through_as_they_were_exported(write: Write) -> None:
    params = [
        {"key": "ga_session_id", "value": {"int_value": "1775140000"}},
        {"key": "page_location", "value": {"string_value": "https://x.example/?q=a&e=b.c%40d.org"}},
        {"key": "value", "value": {"double_value": 1.5}},
        {"key": "empty", "value": None},
    ]
    source = {"manual_source": "google", "gclid": "Cj0"}
    path = write(
        [_event(event_params=params, collected_traffic_source=source), _event(event_name="x")]
    )
    rows = _pull(path, Window(DAY, DAY)).rows.to_pylist()
    first, second = rows if rows[0]["event_name"] == "page_view" else rows[::-1]
    values = {p["key"]: p["value"] for p in first["event_params"]}
    assert values["ga_session_id"]["int_value"] == 1_775_140_000
    assert values["value"]["double_value"] == 1.5
    assert values["empty"] is None
    assert values["page_location"]["string_value"] == "https://x.example/?q=a&e=(e-mail)"
    assert first["collected_traffic_source"]["gclid"] == "Cj0"
    assert first["event_timestamp"] == 1_775_140_000_000_000
    assert second["event_params"] is None
    assert second["collected_traffic_source"] is None


def test_of_two_events_with_one_key_the_first_in_the_file_stays(write: Write) -> None:
    path = write([_event(stream_id="a"), _event(batch_event_index="2"), _event(stream_id="b")])
    rows = _pull(path, Window(DAY, DAY)).rows
    assert rows["batch_event_index"].to_pylist() == [1, 2]
    assert rows["stream_id"].to_pylist() == ["a", None]


def test_numbers_that_are_not_strings_and_gzip_are_read_too(tmp_path: Path) -> None:
    event = _event(event_timestamp=5, batch_page_id=1, batch_ordering_id=2, batch_event_index=3)
    with gzip.open(tmp_path / "events_20260402.json.gz", "wb") as file:
        file.write(orjson.dumps(event))
    assert _pull(tmp_path, Window(DAY, DAY)).rows["batch_event_index"].to_pylist() == [3]


def test_consent_is_dropped_by_either_sign_and_an_empty_day_is_a_day(write: Write) -> None:
    said_no = _event(privacy_info={"analytics_storage": "No"})
    batch = _pull(write([said_no, _event(user_pseudo_id=None)]), Window(DAY, DAY))
    assert (len(batch.rows), batch.dropped_rows) == (0, 2)
    assert len(_pull(write([]), Window(DAY, DAY)).rows) == 0


def test_a_day_without_a_file_is_unavailable_and_named(folder: Path) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        list(_source(folder).pull(PROPERTY, Window(END, TODAY)))
    assert "2026-06-21" in caught.value.message
    assert str(folder / "events_20260621.json") in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (orjson.dumps(_event()) + b"\n" + orjson.dumps(_event())[:40], "cut off"),
        (b"Date,Clicks\n1,2\n", "newline-delimited JSON"),
        (orjson.dumps(_event(event_date="20260403")), "holds events of 20260403"),
        (orjson.dumps(_event(event_name=None)), "events without event_name"),
    ],
)
def test_a_file_that_is_not_the_export_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "events_20260402.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(_source(tmp_path).pull(PROPERTY, Window(DAY, DAY)))
    assert message in str(caught.value)
    assert "events_20260402.json" in caught.value.message


def test_another_property_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRejected, match="no property 42"):
        _source(tmp_path).account("42")
    with pytest.raises(SourceUnavailable, match="has no folder"):
        _source(tmp_path / "nowhere").account(PROPERTY)
