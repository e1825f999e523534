"""`adcanary doctor` finds each planted fault by its name, against the platforms' own protocols."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.config import load_settings
from pipelines.contracts import load_contracts
from pipelines.doctor.registry import CHECKS
from pipelines.landing.parking import park
from pipelines.sandbox.platforms.google_ads.oauth import ADS_SCOPE, READER
from pipelines.sandbox.world import World
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.backup import back_up
from tests.wire.doctor_world import change, examine, migrate, served, statuses, undone

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def world(_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Every platform, and a warehouse with rates; what a test changes of either is undone."""
    for name, value in _world.secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with undone(_world, tmp_path / "kept.duckdb"):
        yield _world


def test_a_healthy_installation_fails_nothing_and_is_asked_everything(world: World) -> None:
    report = examine(world, code=0)
    assert statuses(report, "fail") == set()
    asked = {name.split(":")[0] for name in report}
    assert {check.name for check in CHECKS} <= asked
    for name in ("credentials:meta_ads", "scopes:google_ads/1234567890", "scopes:meta_ads"):
        assert report[name]["status"] == "ok"
    assert report["scopes:tiktok_ads"]["status"] == "skip"
    # a backup was never made, and only the rates were ever published
    never = {name for name in report if name.startswith("freshness:")} - {"freshness:fx_rates/ecb"}
    assert statuses(report, "warn") == {"backup", *never}


def test_a_wrong_credential_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCANARY_META_ACCESS_TOKEN", "a-token-that-was-revoked")
    monkeypatch.setenv("ADCANARY_GOOGLE_ADS_REFRESH_TOKEN", "a-refresh-token-of-before")
    monkeypatch.setenv("ADCANARY_SALESFORCE_CLIENT_SECRET", "a-client-secret-of-before")
    monkeypatch.setenv("ADCANARY_TIKTOK_ACCESS_TOKEN", "a-token-of-somebody-else")
    monkeypatch.delenv("ADCANARY_HUBSPOT_TOKEN")
    wrong = ("google_ads", "meta_ads", "tiktok_ads", "hubspot", "salesforce")
    report = examine(world, "credentials", "reach", "account", "scopes")
    assert statuses(report, "fail") == {f"credentials:{name}" for name in wrong}
    assert "ADCANARY_HUBSPOT_TOKEN" in report["credentials:hubspot"]["fix"]
    assert report["reach:meta_ads"]["status"] == "ok"
    assert "revoked" not in json.dumps(report["credentials:meta_ads"]["message"])


def test_a_credential_that_may_change_ads_is_refused_and_nothing_else_is_asked_with_it(
    world: World,
) -> None:
    meta, google = world.platforms["meta_ads"].server, world.platforms["google_ads"].server
    meta.scopes = ("ads_read", "ads_management")
    google.users[READER] = "STANDARD"
    world.platforms["linkedin_ads"].server.scopes = ("r_ads", "r_ads_reporting", "rw_ads")
    report = examine(world, "scopes", "account")
    assert statuses(report, "fail") == {
        *("scopes:meta_ads", "scopes:google_ads/1234567890", "scopes:linkedin_ads/507000001"),
    }
    assert "ads_management" in report["scopes:meta_ads"]["message"]
    assert "STANDARD" in report["scopes:google_ads/1234567890"]["message"]
    assert statuses(report, "skip") >= {"account:meta_ads", "account:google_ads"}
    assert not [name for name in report if name.startswith("account:meta_ads/")]


def test_a_credential_of_which_too_little_is_told_is_no_ok(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.platforms["google_ads"].server.oauth.scopes = (ADS_SCOPE,)
    world.platforms["linkedin_ads"].server.role = "ACCOUNT_MANAGER"
    monkeypatch.delenv("ADCANARY_LINKEDIN_CLIENT_SECRET")
    world.platforms["hubspot"].server.scopes = ("crm.objects.contacts.read",)
    world.platforms["shopify"].server.scopes = (
        *("read_orders", "read_all_orders", "read_customers", "write_orders"),
    )
    report = examine(world, "scopes")
    assert "userinfo.email" in report["scopes:google_ads"]["message"]
    assert statuses(report, "warn") == {
        "scopes:google_ads",
        "scopes:linkedin_ads/507000001",
        "scopes:linkedin_ads/507000002",
        "scopes:shopify",
    }
    assert "crm.objects.deals.read" in report["scopes:hubspot"]["message"]


def test_an_account_that_the_credential_does_not_see_is_found(world: World) -> None:
    world.platforms["tiktok_ads"].faults.switch_on("permission_denied")
    change(world, lambda s: s["sources"]["google_ads"]["accounts"].append("5550001111"))
    report = examine(world, "account", "credentials")
    assert statuses(report, "fail") == {
        "account:google_ads/5550001111",
        "account:tiktok_ads/7001002003",
    }


def test_a_platform_that_does_not_answer_is_found_soon_and_is_exit_code_3(world: World) -> None:
    change(world, lambda s: s["sources"]["hubspot"].update(url="http://127.0.0.1:9"))
    world.platforms["meta_ads"].server.fail_next(2, times=5)
    began = time.monotonic()
    report = examine(world, "reach", "credentials", "account", code=3)
    assert statuses(report, "fail") == {"reach:hubspot", "reach:meta_ads"}
    assert "127.0.0.1:9" in report["reach:hubspot"]["message"]
    assert report["credentials:hubspot"]["status"] == "skip"
    assert time.monotonic() - began < 20


def test_a_version_past_its_sunset_is_found(world: World) -> None:
    change(world, lambda s: s.update(now="2027-05-20T09:00:00+00:00"))
    report = examine(world, "api_version")
    assert statuses(report, "fail") == set()
    assert statuses(report, "warn") == {"api_version:linkedin_ads", "api_version:shopify"}
    change(world, lambda s: s.update(now="2028-01-20T09:00:00+00:00"))
    report = examine(world, "api_version")
    assert statuses(report, "fail") == {
        *("api_version:google_ads", "api_version:linkedin_ads", "api_version:shopify"),
    }
    change(world, lambda s: s["sources"]["shopify"].update(api_version="2099-01"))
    assert examine(world, "api_version")["api_version:shopify"]["status"] == "warn"


def test_late_data_are_found(world: World) -> None:
    name = "freshness:fx_rates/ecb"
    assert examine(world, "freshness")[name]["status"] == "ok"
    change(world, lambda s: s.update(now="2026-07-20T09:00:00+00:00"))
    row = examine(world, "freshness")[name]
    assert row["status"] == "fail"
    assert "19 days before yesterday (raw.fx_rates)" in row["message"]


def test_a_drifted_contract_column_is_found_and_migrated_as_far_as_it_is_additive(
    world: World,
) -> None:
    file = world.folder / "adcanary.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("ALTER TABLE raw.orders DROP COLUMN _extra")
        connection.execute("ALTER TABLE raw.fx_rates ALTER COLUMN rate_text TYPE BLOB")
    report = examine(world, "contract")
    assert statuses(report, "warn") == {"contract:raw.orders"}
    assert statuses(report, "fail") == {"contract:raw.fx_rates"}
    assert report["contract:raw.fx_rates"]["message"] == (
        "rate_text is BLOB; its contract says STRING."
    )
    dry = migrate(world, "--dry-run", code=1)
    assert ("raw.orders", "_extra", False) in dry
    assert migrate(world, code=1) >= {("raw.orders", "_extra", True)}
    assert migrate(world, code=1) == {("raw.fx_rates", "rate_text", False)}
    assert set(examine(world, "contract")) == {"contract:raw.fx_rates"}
    rates = open_warehouse(load_settings(world.config), create=False)
    assert rates.query("SELECT COUNT(*) AS n FROM raw.fx_rates")["n"].to_pylist()[0] > 0


def test_a_migrated_warehouse_has_every_description(world: World) -> None:
    done = migrate(world, code=0)
    assert done == {(table, None, True) for table in load_contracts()}
    assert migrate(world, code=0) == set()
    result = CliRunner().invoke(app, ["migrate", "--config", str(world.config)])
    assert "Every table is as its contract says." in result.stdout


def test_a_missing_and_another_salt_are_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADCANARY_HASH_SALT", "the salt of another warehouse")
    row = examine(world, "salt")["salt"]
    assert row["status"] == "fail"
    assert "another warehouse" not in row["message"]
    monkeypatch.delenv("ADCANARY_HASH_SALT")
    row = examine(world, "salt")["salt"]
    assert (row["status"], "not set" in row["message"]) == ("fail", True)


def test_an_old_backup_is_found(world: World) -> None:
    folder = world.folder / "backups"
    folder.mkdir()
    copy = folder / "adcanary-20260630T000000Z.duckdb"
    back_up(world.folder / "adcanary.duckdb", copy, 1.0, lambda _: "it is sound")
    assert examine(world, "backup")["backup"]["status"] == "ok"
    for days, status in ((9, "warn"), (40, "fail")):
        then = time.time() - days * 86_400
        os.utime(copy, (then, then))
        row = examine(world, "backup")["backup"]
        assert row["status"] == status
        assert f"{days} days old" in row["message"]


def test_a_disk_without_room_for_a_copy_is_found(world: World) -> None:
    file = world.folder / "adcanary.duckdb"
    assert examine(world, "disk")["disk"]["status"] == "ok"
    size = file.stat().st_size
    os.truncate(file, shutil.disk_usage(file).free + (1 << 30))  # sparse: it takes no room
    try:
        assert examine(world, "disk")["disk"]["status"] == "fail"
    finally:
        os.truncate(file, size)


def test_a_wrong_time_zone_is_found(world: World) -> None:
    def edit(settings: dict[str, Any]) -> None:
        settings["sources"]["shopify"]["time_zone"] = "Europe/Berlin"
        settings["sources"]["ga4_export"]["time_zone"] = "Asia/Tokyo"

    change(world, edit)
    report = examine(world, "time_zone")
    assert statuses(report, "fail") == {
        "time_zone:shopify/canary-shop",
        "time_zone:ga4_export/3141592",
    }
    assert "America/New_York" in report["time_zone:ga4_export/3141592"]["fix"]


@pytest.mark.parametrize(("seconds", "status"), [(-90, "warn"), (600, "fail"), (7200, "fail")])
def test_a_skewed_clock_is_found(world: World, seconds: int, status: str) -> None:
    server = world.platforms["growthbook"].server
    server.ahead = timedelta(seconds=seconds)
    time.sleep(0.3)  # the server looks at its clock ten times a second
    row = examine(world, "clock")["clock"]
    assert row["status"] == status
    assert "growthbook" in row["message"]
    assert f"clock is {'-' if seconds > 0 else '+'}" in row["message"]


def test_a_quota_that_is_nearly_used_up_is_found_and_not_waited_for(world: World) -> None:
    world.platforms["meta_ads"].server.usage_percent = 97
    world.platforms["hubspot"].server.daily_remaining = 50_000
    settings = load_settings(world.config)
    until = settings.clock().replace(year=2099)
    park(open_warehouse(settings), "tiktok_ads", "7001002003", until, "it asked to wait")
    began = time.monotonic()
    report = examine(world, "quota")
    assert time.monotonic() - began < 20
    assert statuses(report, "fail") == {"quota:meta_ads/calls"}
    assert statuses(report, "warn") == {"quota:hubspot/daily_calls", "quota:tiktok_ads"}


def test_an_answer_that_can_not_be_read_is_a_finding_and_hides_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = world.platforms["hubspot"].server
    monkeypatch.setattr(server, "_about", lambda _: {"portalId": 8800123})
    report = examine(world, "account", "reach")
    (failing,) = statuses(report, "fail")
    assert failing == "account:hubspot/8800123"
    assert "KeyError" in report[failing]["message"]
    assert report["account:salesforce/00D5g0001CanaryEQA"]["status"] == "ok"


def test_other_versions_of_dbt_and_prefect_are_found(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, version in (("dbt_core", "1.9.0"), ("prefect", "3.0.0")):
        folder = tmp_path / f"{package}-{version}.dist-info"
        folder.mkdir()
        name = package.replace("_", "-")
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}")
    monkeypatch.syspath_prepend(str(tmp_path))
    report = examine(world, "version")
    assert statuses(report, "fail") == {"version:dbt-core", "version:prefect"}
    assert statuses(report, "ok") == {"version:dbt-duckdb", "version:dbt-bigquery"}
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    row = examine(world, "version_server", code=3)["version_server"]
    assert (row["status"], "127.0.0.1" in row["message"]) == ("fail", True)


def test_a_damaged_warehouse_is_a_finding_of_each_check_that_reads_it(world: World) -> None:
    (world.folder / "adcanary.duckdb").write_bytes(b"no DuckDB file" * 1000)
    report = examine(world, "contract", "permission", "salt", "freshness", "schema_drift", code=1)
    failing = {"contract", "permission:query", "salt", "freshness", "schema_drift"}
    # what needs no warehouse is told all the same
    assert examine(world, "account")["account:fx_rates/ecb"]["status"] == "ok"
    assert statuses(report, "fail") == failing


def test_a_file_that_another_process_holds_is_waited_for_once(world: World) -> None:
    file = world.folder / "adcanary.duckdb"
    hold = (
        f"import duckdb; held = duckdb.connect({str(file)!r}); print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        began = time.monotonic()
        report = examine(world, "contract", "permission", "salt", "schema_drift", code=3)
        took = time.monotonic() - began
        holder.communicate("\n")
    assert statuses(report, "fail") == {"contract", "permission:query", "salt", "schema_drift"}
    assert str(holder.pid) in report["contract"]["message"]
    assert 4 < took < 12


def test_offline_asks_no_platform(world: World) -> None:
    result = CliRunner().invoke(
        app, ["doctor", "--offline", "--format", "json", "--config", str(world.config)]
    )
    report = {row["name"]: row for row in json.loads(result.stdout)}
    assert {check.name for check in CHECKS if check.asks} <= statuses(report, "skip")
    assert report["salt"]["status"] == report["freshness:fx_rates/ecb"]["status"] == "ok"


def test_an_unknown_check_is_wrong_usage_and_the_table_says_what_to_do(world: World) -> None:
    config = ["--config", str(world.config)]
    result = CliRunner().invoke(app, ["doctor", "contracts", *config])
    assert "There is no check contracts" in str(result.exception)
    shown = CliRunner().invoke(app, ["doctor", "backup", "salt", *config]).stdout
    assert "warn backup: Run `adcanary backup`" in shown
    assert "0 fail, 1 warn, 0 skip, 1 ok" in shown
