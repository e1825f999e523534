"""The flows on a real Prefect server: every deployment is there and scheduled; one account down,
the rest published."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from flows import decide as decide_flow
from flows import ingest as ingest_flow
from flows.automations import automations
from flows.decide import JobsFailed
from flows.ingest import AccountsFailed, ingest
from flows.limits import BUILD
from flows.server import running
from pipelines.config import load_settings
from pipelines.doctor.case import Case
from pipelines.doctor.registry import examine
from pipelines.errors import StatementError
from pipelines.finding import Status
from pipelines.jobs.plots import Drawing
from pipelines.jobs.run import JobRun
from pipelines.secret_settings import Secrets
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire import prefect_server

# on one worker: what one test deploys, the next ones look at
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

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
TRIGGERED = {name for name, deployment in DEPLOYMENTS.items() if "triggers" in deployment}
SCHEDULED = {name for name, deployment in DEPLOYMENTS.items() if deployment["schedules"]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[str]:
    with running(prefect_server.environment(home)) as url:
        yield url


@pytest.fixture
def prefect(home: Path, api: str) -> Iterator[None]:
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: home / "results", PREFECT_API_URL: api}):
        yield
        # what waits to be sent, before the server ends
        APILogWorker.instance().drain()
        EventsWorker.drain_all()


def _deploy(home: Path, api: str, *arguments: str, code: int = 0) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "flows.deploy", *arguments],
        cwd=ROOT,
        env=prefect_server.environment(home, api),
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == code, said[-4000:]
    return said


def _listed(api: str, kind: str, which: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    reply = httpx.post(f"{api}/{kind}/filter", json=which or {}).raise_for_status()
    rows: list[dict[str, Any]] = reply.json()
    return rows


def _of(deployment_id: str) -> dict[str, Any]:
    return {"deployments": {"id": {"any_": [deployment_id]}}, "limit": 1}


@pytest.mark.parametrize(
    ("file", "refusal"),
    [
        (None, "can't be read as a prefect.yaml"),
        ("deployments: [", "can't be read as a prefect.yaml"),
        (
            "deployments: [{name: x, work_pool: {name: adcanary, job_variables: {image: y}}}]",
            "Start the worker first",
        ),
    ],
)
def test_what_can_not_be_deployed_is_refused_in_words_and_nothing_is_made(
    home: Path, api: str, tmp_path: Path, file: str | None, refusal: str
) -> None:
    path = tmp_path / "prefect.yaml"
    if file is not None:
        path.write_text(file)
    said = _deploy(home, api, "--prefect-file", str(path), code=2)
    assert refusal in said
    assert "Kept: nothing was deployed." in said
    assert _listed(api, "work_pools") == []


def test_a_server_that_is_away_is_exit_code_3(home: Path) -> None:
    said = _deploy(home, "http://127.0.0.1:9/api", code=3)
    assert "Prefect's server at http://127.0.0.1:9/api can't be reached" in said
    assert "Traceback" not in said


def test_a_server_that_refuses_is_told_with_its_status(home: Path, api: str) -> None:
    said = _deploy(home, api.removesuffix("/api") + "/elsewhere", code=3)
    assert "answers 404" in said
    assert "PREFECT_API_KEY" in said


def test_every_deployment_of_prefect_yaml_is_deployed_and_its_next_run_scheduled(
    home: Path, api: str
) -> None:
    said = _deploy(home, api)
    assert "Alerts go nowhere" in said

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
    waiting = {deployed[name]["id"] for name in SCHEDULED}
    deadline = time.monotonic() + 60
    while waiting and time.monotonic() < deadline:
        waiting = {id_ for id_ in waiting if not _listed(api, "flow_runs", _of(id_))}
        time.sleep(0.5)
    assert not waiting


def test_deploying_again_doubles_nothing_and_deletes_what_the_file_no_longer_names_when_asked(
    home: Path, api: str
) -> None:
    content = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    content["deployments"] = [d for d in content["deployments"] if d["name"] == "verify"]
    shorter = home / "prefect.yaml"
    shorter.write_text(yaml.safe_dump(content))

    said = _deploy(home, api, "--prefect-file", str(shorter))
    assert "retention isn't in the file, and still runs: delete it with --prune." in said
    assert {row["name"] for row in _listed(api, "deployments")} == {*DEPLOYMENTS}
    names = [row["name"] for row in _listed(api, "automations")]
    assert len(names) == len(set(names)) == len(automations(None)) + len(TRIGGERED)
    limits = [row["name"] for row in _listed(api, "v2/concurrency_limits")]
    assert limits.count(BUILD) == 1

    said = _deploy(home, api, "--prefect-file", str(shorter), "--prune")
    assert "retention, which the file doesn't name, was deleted." in said
    assert {row["name"] for row in _listed(api, "deployments")} == {"verify"}


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


@pytest.mark.usefixtures("prefect")
def test_a_job_that_fails_fails_alone_and_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "adcanary.yaml"
    config.write_text("sources: {}\n")
    ran = []

    def run_job(_: Any, __: Any, name: str, as_of: date) -> JobRun:
        ran.append(name)
        if name == "pacing":
            raise StatementError("its mart is not there.")
        return JobRun(name, "r", as_of, "PASS", "as usual", {}, reused=False)

    monkeypatch.setattr(decide_flow, "run_job", run_job)
    monkeypatch.setattr(decide_flow, "plot_run", lambda _, run, __: Drawing(run, (), None))
    with pytest.raises(JobsFailed, match=r"^pacing: .*its mart is not there") as caught:
        decide_flow.decide(config, jobs=["fidelity", "pacing"])
    assert ran == ["pacing", "fidelity"]
    assert "fidelity" not in str(caught.value)


def test_the_doctor_warns_of_a_server_that_forgets_who_holds_a_limit(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", api)
    (tmp_path / "adcanary.yaml").write_text("sources: {}\n")
    case = Case(load_settings(tmp_path / "adcanary.yaml"), Secrets(), offline=True)
    findings = {f.name: f for f in examine(case, ["version_server", "limits_server"])}
    assert {name: f.status for name, f in findings.items()} == {
        "version_server": Status.OK,
        "limits_server": Status.WARN,
    }
    assert "lease_storage.filesystem" in str(findings["limits_server"].fix)


def test_a_killed_run_without_a_deployment_leaves_no_server(tmp_path: Path) -> None:
    config = tmp_path / "adcanary.yaml"
    config.write_text("sources: {}\n")
    run = subprocess.Popen(
        [sys.executable, "-m", "flows.daily", "--config", str(config)],
        cwd=ROOT,
        env=prefect_server.environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server = _soon(lambda: _of_home(tmp_path) - {run.pid})
        assert server
    finally:
        run.kill()
        run.wait()
    assert _soon(lambda: not _of_home(tmp_path))


def _of_home(home: Path) -> set[int]:
    """The processes that keep Prefect's state in a folder."""
    there = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"PREFECT_HOME={home}\0".encode() in (folder / "environ").read_bytes():
                there.add(int(folder.name))
        except OSError:
            continue
    return there


def _soon(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if there := look():
            return there
        time.sleep(0.1)
    return None
