"""No raw address, number or id of a person is in any file, table, stage, log or error of a run."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cli.ingest import Request, ingest_sources
from pipelines.contracts import Contract, load_contracts
from pipelines.errors import AdcanaryError, AuditError
from pipelines.landing.publish import land
from pipelines.privacy.hashing import hash_email, hash_user_id
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PROPERTY_ID, SHOP_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.hubspot.server import HubspotServer
from pipelines.sandbox.platforms.salesforce.server import SalesforceServer
from pipelines.sandbox.platforms.server_events.export import VENDOR_ID, ServerEventsExport
from pipelines.sandbox.platforms.shopify.server import ShopifyServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import (
    Ga4ExportSettings,
    HubspotSettings,
    SalesforceSettings,
    ServerEventsSettings,
    ShopifySettings,
)
from pipelines.sources.base import Source, Window
from pipelines.sources.ga4_export.source import Ga4ExportSource
from pipelines.sources.hubspot.source import HubspotSource
from pipelines.sources.salesforce.source import SalesforceSource
from pipelines.sources.server_events.source import ServerEventsSource
from pipelines.sources.shopify.source import ShopifySource
from pipelines.warehouse.duckdb import DuckDBWarehouse

SALT, TODAY = "a-salt", date(2026, 6, 28)
DAYS = Window(date(2026, 6, 27), date(2026, 6, 27))
NOW = datetime(2026, 6, 28, 15, tzinfo=UTC)


@dataclass
class Watched(DuckDBWarehouse):
    """A warehouse that keeps the content of every Parquet file that is staged."""

    path: Path
    spooled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.path)

    def stage_file(self, contract: Contract, name: str, path: Path) -> str:
        self.spooled.append(str(pq.read_table(path).to_pylist()))
        return super().stage_file(contract, name, path)

    def tables(self) -> str:
        """Every row of every table and stage as text, read without the code that is tested."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            names = connection.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
            ).fetchall()
            return "\n".join(
                str(row[0])
                for (name,) in names
                for row in connection.sql(f"SELECT t::TEXT FROM {name} AS t").fetchall()
            )


class People:
    """The platforms that know persons, and what they know of those of ``DAYS``."""

    def __init__(self, folder: Path, exit_stack: ExitStack) -> None:
        self.exports = folder / "exports"
        self.market, clock = Market(start=date(2026, 4, 10), end=date(2026, 6, 28)), Clock(TODAY)
        self.shop = exit_stack.enter_context(ShopifyServer(self.market, clock))
        self.hubspot = exit_stack.enter_context(HubspotServer(self.market, clock))
        self.salesforce = exit_stack.enter_context(SalesforceServer(self.market, clock))
        self.events = ServerEventsExport(self.market, clock, self.exports / "events", 4)
        self.events.write()
        for day in DAYS.days():
            events = self.market.ga4_events(day, TODAY)
            path = self.exports / f"events_{day:%Y%m%d}.json"
            path.write_bytes(b"\n".join(map(orjson.dumps, events)))

    def sources(self) -> list[Source]:
        hubspot = HubspotSettings(
            portal_id=self.hubspot.portal_id,
            time_zone=self.hubspot.time_zone,
            url=self.hubspot.url,
        )
        salesforce = SalesforceSettings(
            org_id=self.salesforce.org_id,
            time_zone=self.salesforce.time_zone,
            url=self.salesforce.url,
        )
        shop = ShopifySettings(shop_id=SHOP_ID, time_zone=SHOP_TIME_ZONE, url=self.shop.url)
        events = ServerEventsSettings(
            site_id=SHOP_ID,
            path=str(self.exports / "events"),
            time_zone=SHOP_TIME_ZONE,
            vendor_id=VENDOR_ID,
        )
        ga4 = Ga4ExportSettings(
            property_id=PROPERTY_ID, path=self.exports, time_zone=SHOP_TIME_ZONE
        )
        secret = (self.salesforce.client_id, self.salesforce.client_secret)
        return [
            ShopifySource(shop, self.shop.access_token, SALT, sleep=lambda _: None),
            HubspotSource(hubspot, self.hubspot.token, SALT, sleep=lambda _: None),
            SalesforceSource(salesforce, *secret, SALT, sleep=lambda _: None),
            ServerEventsSource(events, SALT),
            Ga4ExportSource(ga4, SALT),
        ]

    def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.market.orders(DAYS.start, DAYS.end, TODAY).to_pylist()
        return found

    def raw_values(self) -> set[str]:
        """Addresses, numbers, ids and IP addresses, as given and as they might be tidied."""
        found: set[str | None] = {"Firstname", "Lastname", "reader@example.org"}
        for order in self.orders():
            found |= {order["email"], order["phone"], order["customer_id"]}
        for crm in (self.hubspot, self.salesforce):
            for lead in crm._book.leads:
                if DAYS.start <= lead.created_at.date() <= DAYS.end:
                    found |= {lead.email, lead.phone}
        for event in self.events._known():
            found |= {event[name] for name in ("user_id", "email", "phone", "user_agent", "ip")}
        given = {value.strip() for value in found if value and not value.endswith(".0")}
        numbers = {v for v in given if v.startswith("+")}
        tidied = {f"+{re.sub(r'[^0-9]', '', v)}" for v in numbers}
        return given | tidied | {v.lower() for v in given if "@" in v}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run may write: its warehouse, and the temporary files of its process."""
    path = tmp_path / "world"
    (path / "tmp").mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(path / "tmp"))
    return path


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with ExitStack() as stack:
        yield People(tmp_path, stack)


def run(warehouse: Watched, people: People) -> list[AdcanaryError]:
    openers = [lambda source=source: source for source in people.sources()]
    return ingest_sources(warehouse, openers, Request(NOW, start=DAYS.start, end=DAYS.end))


def test_no_raw_value_of_a_person_is_in_any_file_table_stage_log_or_error(
    people: People,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    warehouse = Watched(folder / "w.duckdb")
    warehouse.create_tables(c for c in load_contracts().values() if c.dataset == "raw")
    assert run(warehouse, people) == []
    # a batch that fails its audit is kept, and its error shows rows
    orders, _ = people.sources()[0].pull(SHOP_ID, DAYS)
    assert isinstance(orders.rows, pa.Table)
    with pytest.raises(AuditError) as refused:
        land(warehouse, replace(orders, rows=pa.concat_tables([orders.rows, orders.rows])))
    assert len(warehouse.stages()) == 1
    # and what can't be read is told
    people.hubspot.faults.switch_on("field_missing")
    people.salesforce.faults.switch_on("field_missing")
    people.events.faults.switch_on("wrong_type")
    people.events.write()
    failures = run(warehouse, people)
    assert len(failures) == 2
    said = capfd.readouterr()
    told = [str(refused.value), *map(str, failures), said.out, said.err, caplog.text]
    tables = warehouse.tables()
    files = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert set(files) <= {"w.duckdb", "w.duckdb.wal"}

    values = people.raw_values()
    exported = b"".join(p.read_bytes() for p in people.exports.rglob("*.*json"))
    assert len(values) > 200
    assert any(value.encode() in exported for value in values)  # they are written like this
    for order in people.orders():
        for hashed in (hash_email(order["email"], SALT), hash_user_id(order["customer_id"], SALT)):
            assert hashed is None or hashed in tables
    everything = "\n".join([*told, tables, *warehouse.spooled])
    assert [value for value in values if value in everything] == []
    stored = b"".join(files.values())
    assert [value for value in values if value.encode() in stored] == []
