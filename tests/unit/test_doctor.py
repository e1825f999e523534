"""What the doctor knows without asking anybody: its tables of versions and scopes, and how it
fails."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from pipelines.config import Settings, WarehouseSettings
from pipelines.contracts import load_contracts
from pipelines.doctor import api_versions, registry
from pipelines.doctor.case import Case
from pipelines.doctor.data import freshness, schema_drift
from pipelines.doctor.registry import CHECKS, Check, examine
from pipelines.doctor.scopes import lacks, reads_only, scopes_table, spares, writes
from pipelines.errors import ConfigError
from pipelines.finding import Finding, Status, fail, ok
from pipelines.landing.publish import land
from pipelines.plain_text import remember_secrets
from pipelines.secret_settings import Secrets
from pipelines.source_settings import (
    FxRatesSettings,
    SalesforceSettings,
    ShopifySettings,
    SourcesSettings,
)
from pipelines.sources.base import Batch, Grant, Window
from pipelines.sources.registry import SOURCES
from pipelines.sources.shapes.columns import typed
from pipelines.warehouse.duckdb import DuckDBWarehouse

ROOT = Path(__file__).parents[2]
DAY = date(2026, 6, 29)
PULLED = datetime(2026, 6, 30, 6, tzinfo=UTC)
VERSIONED = [name for name in SOURCES if name in api_versions.table()]


def settings(tmp_path: Path, **sources: Any) -> Settings:
    return Settings(
        warehouse=WarehouseSettings(path=tmp_path / "w.duckdb"),
        sources=SourcesSettings(**sources),
        now=datetime(2026, 6, 30, 9, tzinfo=UTC),
    )


@pytest.fixture(scope="module")
def every_source() -> Settings:
    shop = ShopifySettings(shop_id="s", time_zone="UTC")
    organisation = SalesforceSettings(org_id="o", url="https://o", time_zone="UTC")
    return Settings(sources=SourcesSettings(shopify=shop, salesforce=organisation))


@pytest.mark.parametrize("source", VERSIONED)
def test_the_version_that_is_spoken_is_in_the_dated_table(
    every_source: Settings, source: str
) -> None:
    """An upgrade of an SDK fails here until somebody has looked up until when it is served."""
    api = api_versions.table()[source]
    assert api_versions.spoken(every_source, source) in api.until
    assert api.dates.startswith("https://")


def test_every_version_that_the_google_ads_sdk_brings_is_in_the_table() -> None:
    """Ours is one of them, and the SDK's own default is what an upgrade would move to."""
    import google.ads.googleads as sdk
    from google.ads.googleads import client

    brought = {folder.name for folder in Path(sdk.__path__[0]).glob("v[0-9]*")}
    assert client._DEFAULT_VERSION in brought
    assert brought <= set(api_versions.table()["google_ads"].until)


def test_the_ga4_source_speaks_the_version_of_its_package(every_source: Settings) -> None:
    from pipelines.sources.ga4_report import source

    version = api_versions.spoken(every_source, "ga4_report")
    assert f"data_{version}" in source.BetaAnalyticsDataClient.__module__


def test_every_platform_with_a_version_is_in_the_table(every_source: Settings) -> None:
    spoken = {name for name in SOURCES if api_versions.spoken(every_source, name)}
    assert spoken == set(api_versions.table())
    assert api_versions.checked() >= date(2026, 11, 30)


def test_the_sandbox_serves_the_versions_that_are_spoken(every_source: Settings) -> None:
    from pipelines.sandbox.platforms.google_ads import server as google
    from pipelines.sandbox.platforms.linkedin_ads.server import LinkedinServer
    from pipelines.sandbox.platforms.salesforce.server import SalesforceServer

    served = {
        "google_ads": google.VERSION,
        "linkedin_ads": LinkedinServer.version,
        "salesforce": SalesforceServer.version,
    }
    assert {name: api_versions.spoken(every_source, name) for name in served} == served


def test_each_scope_table_has_an_official_page_and_no_scope_that_it_needs_writes() -> None:
    table = yaml.safe_load((ROOT / "pipelines" / "doctor" / "scopes.yaml").read_text())
    for entry in table["platforms"].values():
        assert entry["source"].startswith("https://")
    for name, scopes in scopes_table().items():
        own = Grant(frozenset(scopes.needs))
        assert (writes(name, own), lacks(name, own), spares(name, own)) == (None, [], [])


@pytest.mark.parametrize(
    ("source", "grant", "refused", "sure"),
    [
        ("meta_ads", Grant(frozenset({"ads_read"})), False, True),
        ("meta_ads", Grant(frozenset({"ads_read", "ads_management"})), True, True),
        ("google_ads", Grant(frozenset({"adwords"})), False, False),
        ("google_ads", Grant(frozenset({"adwords"}), "STANDARD", True), True, False),
        ("google_ads", Grant(frozenset({"adwords"}), "READ_ONLY", False), False, True),
        ("linkedin_ads", Grant(None, "VIEWER", False), False, True),
        ("linkedin_ads", Grant(None, "ACCOUNT_MANAGER", None), False, False),
    ],
)
def test_a_grant_is_refused_where_it_may_change_ads_and_sure_where_the_platform_says_so(
    source: str, grant: Grant, refused: bool, sure: bool
) -> None:
    assert bool(writes(source, grant)) is refused
    assert reads_only(source, grant) is sure


def test_a_check_that_fails_itself_is_a_finding_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes(_: Case) -> list[Finding]:
        raise ZeroDivisionError("of a secret-token-123")

    def refuses(_: Case) -> list[Finding]:
        raise ConfigError("it is wrong", fix="Correct it.")

    checks = (
        Check("crashes", crashes),
        Check("refuses", refuses),
        Check("works", lambda _: [ok("works", "It works.")]),
    )
    monkeypatch.setattr(registry, "CHECKS", checks)
    remember_secrets("secret-token-123")
    findings = list(examine(Case(settings(tmp_path), Secrets())))
    assert [(f.name, f.status) for f in findings] == [
        ("crashes", Status.FAIL),
        ("refuses", Status.FAIL),
        ("works", Status.OK),
    ]
    assert findings[0].message == "The check itself failed: ZeroDivisionError: of a [secret]"


def test_a_finding_masks_secrets_and_what_acts_on_a_terminal() -> None:
    remember_secrets("abcdefgh-1234")
    finding = fail("reach:x", "https://x/?token=abcdefgh-1234\x1b[2J", "Use abcdefgh-1234.")
    assert "abcdefgh" not in f"{finding.message} {finding.fix}"
    assert "\x1b" not in finding.message


def test_checks_have_names_of_their_own_and_docs_tell_each() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    documented = (ROOT / "docs" / "doctor.md").read_text()
    assert [name for name in names if f"`{name}`" not in documented] == []


def batch(pulled_at: datetime, **more: list[Any]) -> Batch:
    columns = {
        "account_id": ["ecb"],
        "date": [DAY],
        "base_currency": ["EUR"],
        "quote_currency": ["USD"],
        "rate": [1.1],
        "rate_text": ["1.1"],
    }
    rows = typed("raw.fx_rates", columns)
    for name, values in more.items():
        rows = rows.append_column(name, pa.array(values))
    return Batch("fx_rates", "raw.fx_rates", "ecb", None, Window(DAY, DAY), rows, pulled_at)


@pytest.mark.slow
def test_a_source_that_changed_its_columns_is_found_with_their_names(tmp_path: Path) -> None:
    chosen = settings(tmp_path, fx_rates=FxRatesSettings(url="http://127.0.0.1:9"))
    warehouse = DuckDBWarehouse(chosen.warehouse.path)
    warehouse.create_tables(load_contracts().values())

    def look() -> list[tuple[str, Status]]:
        case = Case(chosen, Secrets())
        return [(f.name, f.status) for f in schema_drift(case)]

    assert look() == [("schema_drift", Status.SKIP)]
    land(warehouse, batch(PULLED))
    assert look() == [("schema_drift", Status.OK)]
    land(warehouse, batch(PULLED.replace(hour=7), rate_kind=["fixing"]))
    (finding,) = schema_drift(Case(chosen, Secrets()))
    assert (finding.name, finding.status) == (
        "schema_drift:fx_rates/ecb/raw.fx_rates",
        Status.WARN,
    )
    assert "other columns than the one before" in finding.message
    assert "rate_kind" in finding.message
    (fresh,) = freshness(Case(chosen, Secrets()))
    assert (fresh.name, fresh.status) == ("freshness:fx_rates/ecb", Status.OK)
