"""The flows on a real Prefect server: every deployment is there and scheduled; one account down,
the rest published."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from flows import ingest as ingest_flow
from flows.ingest import AccountsFailed, ingest
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire import prefect_server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "infra" / "mappings" / "meta_kag.yaml"
EXPORT = (
    "Date,ad_id,xyz_campaign_id,fb_campaign_id,age,gender,interest,Impressions,Clicks,Spent,"
    "Total_Conversion,Approved_Conversion\n"
    "17-08-2023,1,916,103916,30-34,M,15,7350,1,1.43,2,1\n"
)
DEPLOYMENTS = {
    d["name"]: d for d in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
}
SCHEDULED = {name for name, deployment in DEPLOYMENTS.items() if deployment["schedules"]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[str]:
    with prefect_server.running(home) as url:
        yield url


@pytest.fixture
def prefect(home: Path, api: str) -> Iterator[None]:
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: home / "results", PREFECT_API_URL: api}):
        yield
        # what waits to be sent, before the server ends
        APILogWorker.instance().drain()
        EventsWorker.drain_all()


def _prefect(home: Path, api: str, *arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=ROOT,
        env=prefect_server.environment(home, api),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]


def _listed(api: str, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (
        httpx.post(f"{api}/{kind}/filter", json={}).raise_for_status().json()
    )
    return rows


def test_every_deployment_of_prefect_yaml_is_deployed_and_its_next_run_scheduled(
    home: Path, api: str
) -> None:
    _prefect(home, api, "work-pool", "create", "adcanary", "--type", "process")
    _prefect(home, api, "deploy", "--all")

    deployed = {row["name"]: row for row in _listed(api, "deployments")}
    assert set(deployed) == set(DEPLOYMENTS)
    assert "retention" in SCHEDULED
    for name, stated in DEPLOYMENTS.items():
        crons = [s["schedule"] | {"active": s["active"]} for s in deployed[name]["schedules"]]
        assert [{k: c[k] for k in ("cron", "timezone", "active")} for c in crons] == (
            stated["schedules"]
        )
        assert deployed[name]["parameters"] == stated["parameters"]
        assert deployed[name]["entrypoint"] == stated["entrypoint"]
    ids = {row["id"]: name for name, row in deployed.items()}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if {ids[run["deployment_id"]] for run in _listed(api, "flow_runs")} >= SCHEDULED:
            return
        time.sleep(0.5)
    pytest.fail(f"nothing was scheduled:\n{(home / 'server.log').read_text()[-2000:]}")


@pytest.mark.usefixtures("prefect")
def test_one_source_that_is_down_fails_by_name_and_the_others_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "export.csv").write_text(EXPORT)
    config = tmp_path / "adcanary.yaml"
    config.write_text(
        "sources:\n"
        "  shopify: {shop_id: s, url: 'http://127.0.0.1:9', time_zone: UTC}\n"
        f"  files: [{{platform: meta_ads, path: export.csv, mapping: {MAPPING}}}]\n"
    )
    monkeypatch.setenv("ADCANARY_SHOPIFY_TOKEN", "t")
    monkeypatch.setenv("ADCANARY_HASH_SALT", "s")
    hasty = ingest_flow.ingest_one.with_options(retries=1, retry_delay_seconds=0)
    monkeypatch.setattr(ingest_flow, "ingest_one", hasty)
    with pytest.raises(AccountsFailed, match=r"^shopify/s: .*127\.0\.0\.1") as caught:
        ingest(config)
    assert "meta_ads" not in str(caught.value)
    rows = DuckDBWarehouse(tmp_path / ".adcanary" / "adcanary.duckdb").query(
        "SELECT cost_micros FROM raw.ads_campaign_performance"
    )
    assert rows.to_pylist() == [{"cost_micros": 1_430_000}]
