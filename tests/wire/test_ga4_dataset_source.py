"""The GA4 export read in place, from BigQuery's tables on the emulator."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from pipelines.errors import InputError, SourceRejected, SourceUnavailable
from pipelines.sandbox.market.market import Market
from pipelines.source_settings import Ga4ExportSettings
from pipelines.sources.base import Window
from pipelines.sources.ga4_export.dataset import Ga4DatasetSource
from pipelines.sources.ga4_export.schema import export_schema
from pipelines.sources.ga4_export.source import Ga4ExportSource
from tests.wire.bigquery_emulator import Emulator

PROPERTY, SALT = "3141592", "a-salt"
TODAY, DAY = date(2026, 7, 1), date(2026, 6, 29)
WINDOW = Window(DAY, DAY)
_TYPES = {pa.string(): "STRING", pa.int64(): "INT64", pa.float64(): "FLOAT64"}
Row = dict[str, Any]


def _field(name: str, kind: pa.DataType, *more: bigquery.SchemaField) -> bigquery.SchemaField:
    mode = "NULLABLE"
    if pa.types.is_list(kind):
        kind, mode = kind.value_type, "REPEATED"
    if not pa.types.is_struct(kind):
        return bigquery.SchemaField(name, _TYPES[kind], mode)
    fields = [_field(f.name, f.type) for f in kind]
    return bigquery.SchemaField(name, "RECORD", mode, fields=[*fields, *more])


def _table_schema(without: Sequence[str]) -> list[bigquery.SchemaField]:
    """As GA4 makes it: more columns and more fields than land."""
    term = bigquery.SchemaField("manual_term", "STRING")
    return [
        _field(f.name, f.type, *([term] if f.name == "collected_traffic_source" else []))
        for f in export_schema()
        if f.name not in without
    ] + [bigquery.SchemaField("platform", "STRING")]


class Export:
    """An export dataset in a project of its own."""

    def __init__(self, url: str) -> None:
        self.url, self.project = url, f"test-{uuid.uuid4().hex[:12]}"
        self.name = f"{self.project}.analytics_{PROPERTY}"
        self.client = bigquery.Client(
            self.project, AnonymousCredentials(), client_options={"api_endpoint": url}
        )
        self.client.create_dataset(self.name)

    def write(
        self,
        kind: str,
        rows: list[Row],
        *more: bigquery.SchemaField,
        without: Sequence[str] = (),
    ) -> None:
        """Make the table ``kind`` of ``DAY`` with these rows."""
        name = f"{self.name}.{kind}_{DAY:%Y%m%d}"
        table = bigquery.Table(name, [*_table_schema(without), *more])
        self.client.delete_table(name, not_found_ok=True)
        self.client.create_table(table)
        landed = [{k: v for k, v in row.items() if k not in without} for row in rows]
        assert self.client.insert_rows_json(table, landed) == []

    def source(self) -> Ga4DatasetSource:
        settings = Ga4ExportSettings(
            property_id=PROPERTY,
            dataset=self.name,
            time_zone="America/New_York",
            api_endpoint=self.url,
        )
        return Ga4DatasetSource(settings, SALT, retry_seconds=1.0)

    def pull(self) -> tuple[pa.Table, int]:
        (batch,) = self.source().pull(PROPERTY, WINDOW)
        assert isinstance(batch.rows, pa.Table)
        return batch.rows, batch.dropped_rows


@pytest.fixture
def export(emulator: Emulator) -> Export:
    return Export(emulator.rest_url)


@pytest.fixture(scope="module")
def events(market: Market) -> list[Row]:
    """A few dozen real ones, some refused and some twice."""
    day = market.ga4_events(DAY, TODAY)
    some = day[:60]
    return [*some, *some[:3], *[e for e in day if "user_pseudo_id" not in e][:2]]


@pytest.fixture
def as_files(tmp_path: Path) -> Callable[[list[Row]], tuple[pa.Table, int]]:
    """What the same events give when they come as a file."""

    def pull(rows: list[Row]) -> tuple[pa.Table, int]:
        content = b"\n".join(map(orjson.dumps, rows))
        (tmp_path / f"events_{DAY:%Y%m%d}.json").write_bytes(content)
        settings = Ga4ExportSettings(property_id=PROPERTY, path=tmp_path, time_zone="UTC")
        source = Ga4ExportSource(settings, SALT)
        (batch,) = source.pull(PROPERTY, WINDOW)
        assert isinstance(batch.rows, pa.Table)
        return batch.rows, batch.dropped_rows

    return pull


@pytest.mark.emulator
def test_the_dataset_gives_what_the_files_give(
    export: Export, events: list[Row], as_files: Callable[[list[Row]], tuple[pa.Table, int]]
) -> None:
    term = {"manual_source": "google", "manual_term": "shoes"}
    events = [*events, {**events[0], "event_timestamp": "9", "collected_traffic_source": term}]
    export.write("events", [e | {"platform": "WEB"} for e in events])
    rows, dropped = export.pull()
    filed, filed_dropped = as_files(events)
    assert rows.to_pylist() == filed.to_pylist()
    assert rows.schema == filed.schema
    assert dropped == filed_dropped >= 2
    assert export.source().account(PROPERTY).time_zone == "America/New_York"


@pytest.mark.emulator
def test_the_daily_table_replaces_the_intraday_one(export: Export, events: list[Row]) -> None:
    with pytest.raises(SourceUnavailable, match=f"{PROPERTY} has no export for {DAY}"):
        export.pull()
    # what GA4 fills in later is not there yet
    export.write("events_intraday", events[:5], without=["session_traffic_source_last_click"])
    early, _ = export.pull()
    assert 0 < len(early) <= 5
    assert early["session_traffic_source_last_click"].null_count == len(early)
    export.write("events", events)
    rows, _ = export.pull()
    assert set(early["event_key"].to_pylist()) < set(rows["event_key"].to_pylist())


@pytest.mark.emulator
def test_a_new_column_is_drift_and_a_retyped_one_is_named(
    export: Export, events: list[Row]
) -> None:
    event = next(e for e in events if "user_pseudo_id" in e)
    export.write("events", [event | {"rank": 3}], bigquery.SchemaField("rank", "INT64"))
    rows, _ = export.pull()
    assert rows["rank"].to_pylist() == [3]
    assert "platform" not in rows.column_names
    number = bigquery.SchemaField("stream_id", "INT64")
    export.write("events", [event], number, without=["stream_id"])
    with pytest.raises(InputError, match=f"{DAY:%Y%m%d}: column stream_id is int64, not string"):
        export.pull()


@pytest.mark.emulator
def test_a_dataset_that_is_not_there_is_refused_and_named(export: Export) -> None:
    export.client.delete_dataset(export.name)
    with pytest.raises(SourceRejected, match=f"dataset {export.name} can't be read"):
        export.source().account(PROPERTY)
    with pytest.raises(SourceRejected, match="no property 42"):
        export.source().account("42")


def test_a_bigquery_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings = Ga4ExportSettings(
            property_id=PROPERTY,
            dataset=f"project.analytics_{PROPERTY}",
            time_zone="UTC",
            api_endpoint=f"http://127.0.0.1:{closed.getsockname()[1]}",
        )
        source = Ga4DatasetSource(settings, SALT, retry_seconds=0.1)
        with pytest.raises(SourceUnavailable, match="BigQuery does not answer"):
            list(source.pull(PROPERTY, WINDOW))
