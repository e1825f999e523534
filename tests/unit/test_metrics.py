"""`adcanary metrics`: what Prometheus is told is what the warehouse holds."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.errors import UsageError
from pipelines.monitors import metrics
from pipelines.monitors.metrics import exposition
from pipelines.monitors.serve import serve_metrics
from pipelines.warehouse import open_warehouse
from tests.unit.ledger_rows import AS_OF, NOW
from tests.unit.monitored import ACCOUNT, CAMPAIGNS, built, healthy, published, settings
from tests.unit.monitoring_files import promtool

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def values(text: str) -> Values:
    """Every sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(held: Values, name: str, **labels: str) -> float:
    return held[f"adcanary_{name}", frozenset(labels.items())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("metrics")
    _, warehouse, _ = healthy(made)
    late = AS_OF - timedelta(days=1)
    published(warehouse, "google_ads", "raw.ads_clicks", ACCOUNT, late, row_count=20)
    built(warehouse, "FAIL", NOW + timedelta(hours=1), bytes_billed=2000, slot_seconds=1.5)
    return made


@pytest.fixture(scope="module")
def told(folder: Path) -> str:
    return exposition(settings(folder))


def test_rows_builds_jobs_and_proposals_are_those_of_the_warehouse(told: str) -> None:
    held = values(told)
    assert value(held, "warehouse_up") == 1
    assert value(held, "metrics_timestamp_seconds") == NOW.timestamp()
    table = {"source": "google_ads", "table": CAMPAIGNS}
    assert value(held, "landed_rows_total", **table) == 100
    assert value(held, "restated_rows_total", **table) == 7
    assert value(held, "set_aside_rows_total", **table) == 3
    assert value(held, "builds_total", verdict="FAIL") == 1
    assert value(held, "build_seconds") == 50
    assert value(held, "billed_bytes_total", job="build") == 2000
    assert value(held, "slot_seconds_total", job="build") == 1.5
    assert value(held, "job_verdict", job="uplift", verdict="PASS") == 1
    assert value(held, "job_verdict", job="uplift", verdict="NO_DATA") == 0
    assert value(held, "job_runs_total", job="uplift") == 2
    assert value(held, "kill_switch") == 0
    assert value(held, "monitor_findings", monitor="build", status="fail") == 1
    assert value(held, "monitor_findings", monitor="volume", status="ok") == 1
    waiting = {k: v for k, v in held.items() if k[0] == "adcanary_open_proposals"}
    assert sum(waiting.values()) == 3
    assert value(held, "oldest_open_proposal_seconds", state="PENDING_REVIEW") == 0


def test_freshness_is_since_the_end_of_the_day_of_the_table_that_is_furthest_behind(
    told: str,
) -> None:
    held = values(told)
    hours_past_midnight = NOW.hour
    assert value(held, "freshness_seconds", source="fx_rates", account="ecb") == (
        hours_past_midnight * 3600
    )
    assert value(held, "freshness_seconds", source="google_ads", account=ACCOUNT) == (
        (24 + hours_past_midnight) * 3600
    )
    assert value(held, "accounts", source="google_ads") == 1


def test_there_are_no_more_series_of_accounts_than_the_bound(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    warehouse = open_warehouse(settings(tmp_path), create=False)
    for n in range(4):
        published(warehouse, "fx_rates", "raw.fx_rates", f"bank{n}", AS_OF - timedelta(days=n))
    monkeypatch.setattr(metrics, "MOST_ACCOUNTS", 2)
    held = values(exposition(settings(tmp_path)))
    assert value(held, "accounts", source="fx_rates") == 5
    ages = {k: v for k, v in held.items() if k[0] == "adcanary_freshness_seconds"}
    of_rates = {dict(labels)["account"] for _, labels in ages if ("source", "fx_rates") in labels}
    assert of_rates == {"bank3", "bank2"}


def test_prometheus_own_tool_finds_nothing_to_say(told: str) -> None:
    tool = promtool()
    checked = subprocess.run(
        [tool, "check", "metrics"], input=told, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_before_there_is_a_warehouse_every_metric_is_named(tmp_path: Path, told: str) -> None:
    def names(text: str) -> set[str]:
        return {family.name for family in text_string_to_metric_families(text)}

    assert names(exposition(settings(tmp_path))) == names(told)


def test_the_command_prints_them(folder: Path) -> None:
    own = settings(folder)
    own.path.write_text(yaml.safe_dump({"warehouse": {"path": "w.duckdb"}, "now": NOW}))
    result = CliRunner().invoke(app, ["metrics", "--config", str(own.path)])
    assert result.exit_code == 0, result.output
    assert value(values(result.stdout), "warehouse_up") == 1
    wrong = CliRunner().invoke(app, ["metrics", "--serve", "here", "--config", str(own.path)])
    assert isinstance(wrong.exception, UsageError)


def scraped(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as reply:
        text: str = reply.read().decode()
    return text


@pytest.fixture
def address(folder: Path, tmp_path: Path) -> Iterator[str]:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with serve_metrics(settings(tmp_path), "127.0.0.1", 0, every=3600) as listening:
        yield listening


def test_served_metrics_are_read_once_in_a_while(address: str, tmp_path: Path) -> None:
    first = scraped(address)
    assert value(values(first), "builds_total", verdict="FAIL") == 1
    later = NOW + timedelta(hours=2)
    built(open_warehouse(settings(tmp_path), create=False), "FAIL", later)
    assert values(scraped(address)) == values(first)


def test_a_warehouse_that_can_not_be_read_is_down(tmp_path: Path) -> None:
    (tmp_path / "w.duckdb").write_text("this is no database")
    with serve_metrics(settings(tmp_path), "127.0.0.1", 0) as listening:
        held = values(scraped(listening))
    assert {name for name, _ in held} == {"adcanary_warehouse_up"}
    assert value(held, "warehouse_up") == 0


def test_an_address_that_is_taken_is_refused(address: str, tmp_path: Path) -> None:
    port = int(address.rpartition(":")[2])
    with pytest.raises(UsageError, match="can't be listened on"):
        serve_metrics(settings(tmp_path), "127.0.0.1", port).__enter__()
