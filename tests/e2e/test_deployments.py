"""The deployments of prefect.yaml on a real server, with a real worker: a run from its schedule, a
process that is killed, a source that is down, and who is told."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.server import running
from tests.e2e.conftest import Platform
from tests.wire.prefect_server import environment

pytestmark = pytest.mark.xdist_group("daily")

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 240.0


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An address that keeps the messages it is sent."""
    messages: list[dict[str, str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", messages
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Prefect:
    """A server with a worker, and what it was deployed."""

    api: str
    platform: Platform
    home: Path
    messages: list[dict[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        world = self.platform.world
        return (
            environment(self.home, self.api) | {"NO_PROXY": "localhost,127.0.0.1"} | world.secrets
        )

    def deploy(self) -> None:
        """All of prefect.yaml, on the platform's configuration, with every schedule asleep."""
        content = yaml.safe_load((ROOT / "prefect.yaml").read_text())
        for deployment in content["deployments"]:
            deployment["parameters"]["config"] = str(self.platform.world.config)
            for schedule in deployment["schedules"]:
                schedule["active"] = False
        file = self.home / "prefect.yaml"
        file.write_text(yaml.safe_dump(content))
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "flows.deploy", "--prefect-file", str(file)),
                *("--alerts", "custom-webhook/alerts"),
            ],
            cwd=ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def schedule_daily(self, config: Path) -> datetime:
        """Let the daily run be due in seconds, and then in a day; from when on."""
        (daily,) = self._ask("deployments", {"deployments": {"name": {"any_": ["daily"]}}})
        address = f"{self.api}/deployments/{daily['id']}"
        now = datetime.now(UTC)
        due = now + timedelta(seconds=25)
        schedule = {"interval": 86400, "anchor_date": due.isoformat(), "timezone": "UTC"}
        for old in daily["schedules"]:
            self._call("DELETE", f"{address}/schedules/{old['id']}", None)
        parameters = daily["parameters"] | {"config": str(config)}
        self._call("PATCH", address, {"parameters": parameters})
        self._call("POST", f"{address}/schedules", [{"active": True, "schedule": schedule}])
        assert waited(
            lambda: [r for r in self.runs(deployment="daily") if r["state_name"] == "Scheduled"]
        )
        self._planned_long_ago()
        return now

    def _planned_long_ago(self) -> None:
        """As runs are: those of a schedule are planned hours before. The triggers of Prefect 3.9.1
        hold all events of one that was planned within five minutes of its start back for a
        quarter of an hour: they wait for the event of its being planned, which is never sent."""
        with closing(sqlite3.connect(self.home / "prefect.db", timeout=30)) as database, database:
            database.execute(
                "UPDATE flow_run_state SET timestamp = '2026-01-01 00:00:00.000000' "
                "WHERE type = 'SCHEDULED'"
            )

    def runs(self, **of_deployment: str) -> list[dict[str, Any]]:
        """The runs of a deployment, the newest first."""
        names = {"deployments": {"name": {"any_": list(of_deployment.values())}}}
        return self._ask("flow_runs", names if of_deployment else {}, "START_TIME_DESC")

    def steps(self, run: dict[str, Any]) -> dict[str, str]:
        """The flows that a run of the daily one ran, with their states."""
        parent = {"flow_runs": {"parent_flow_run_id": {"any_": [run["id"]]}}}
        flows = {flow["id"]: flow["name"] for flow in self._ask("flows", {})}
        return {flows[r["flow_id"]]: r["state_name"] for r in self._ask("flow_runs", parent)}

    def _ask(
        self, kind: str, body: dict[str, Any], sort: str | None = None
    ) -> list[dict[str, Any]]:
        body = body | ({"sort": sort} if sort else {})
        rows: list[dict[str, Any]] = self._call("POST", f"{self.api}/{kind}/filter", body).json()
        return rows

    def _call(self, method: str, url: str, body: Any) -> httpx.Response:
        """Ask the server, which says 503 while its SQLite file is written to."""
        for _ in range(20):
            reply = httpx.request(method, url, json=body)
            if reply.status_code != 503:
                break
            time.sleep(0.5)
        return reply.raise_for_status()

    def last(self, deployment: str, state: str, after: datetime) -> dict[str, Any]:
        """The run that was due after an instant, once it is in a state."""

        def look() -> dict[str, Any] | None:
            for run in self.runs(deployment=deployment):
                due = datetime.fromisoformat(run["expected_start_time"])
                if due >= after and run["state_name"] == state:
                    return run
            return None

        run = waited(look)
        assert run, [(r["name"], r["state_name"], r["state"]["message"]) for r in self.runs()]
        return run

    def start(self, deployment: str, *options: str) -> datetime:
        """Start a deployment by hand; from when on."""
        now = datetime.now(UTC)
        subprocess.run(
            [sys.executable, "-m", "prefect", "deployment", "run", deployment, *options],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        return now

    def told(self, subject: str) -> dict[str, str] | None:
        return waited(lambda: next((m for m in self.messages if subject in m["subject"]), None))


def waited(look: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    """What there is, once there is something; None after some minutes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if there := look():
            return there
        time.sleep(0.5)
    return None


@pytest.fixture(scope="module")
def prefect(on_duckdb: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    home = tmp_path_factory.mktemp("prefect")
    kept = {
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        )
    }
    with running(environment(home) | kept) as api, webhook() as (address, messages):
        server = Prefect(api, on_duckdb, home, messages)
        with temporary_settings({PREFECT_API_URL: api}):
            message = {"subject": "{{subject}}", "body": "{{body}}"}
            CustomWebhookNotificationBlock(name="alerts", url=address, json_data=message).save(
                "alerts"
            )
        server.deploy()
        with (home / "worker.log").open("wb") as log:
            worker = subprocess.Popen(
                [
                    *(sys.executable, "-m", "prefect", "worker", "start"),
                    *("--pool", "adcanary", "--type", "process"),
                ],
                cwd=ROOT,
                env=server.environment | {"PREFECT_WORKER_QUERY_SECONDS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield server
        finally:
            os.killpg(worker.pid, signal.SIGKILL)  # told to end, it takes half a minute
            worker.wait()


def flow_process(run: dict[str, Any]) -> int | None:
    """The process that executes a run, as a worker starts it."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"PREFECT__FLOW_RUN_ID={run['id']}".encode() in (folder / "environ").read_bytes():
                return int(folder.name)
        except OSError:
            continue
    return None


def test_a_killed_run_is_told_as_crashed_and_the_next_one_from_its_schedule_completes(
    prefect: Prefect, on_duckdb: Platform
) -> None:
    due = prefect.schedule_daily(on_duckdb.world.config)
    first = prefect.last("daily", "Running", due)
    assert waited(lambda: prefect.steps(first))
    process = flow_process(first)
    assert process
    os.killpg(os.getpgid(process), signal.SIGKILL)

    crashed = prefect.told("a flow crashed")
    assert crashed
    assert crashed["body"].startswith(f"daily, run {first['name']}: ")
    assert "docs/runbooks/flow-crashed.md" in crashed["body"]
    prefect.last("daily", "Crashed", due)

    again = prefect.schedule_daily(on_duckdb.world.config)
    second = prefect.last("daily", "Completed", again)
    assert second["auto_scheduled"]
    assert prefect.steps(second) == dict.fromkeys(
        ("ingest", "transform", "decide", "propose"), "Completed"
    )


def test_a_source_that_is_down_fails_its_flow_and_the_rest_of_the_day_completes_and_tells(
    prefect: Prefect, on_duckdb: Platform
) -> None:
    settings = yaml.safe_load(on_duckdb.world.config.read_text())
    settings["sources"]["shopify"]["url"] = "http://127.0.0.1:9"
    down = on_duckdb.world.folder / "down.yaml"
    down.write_text(yaml.safe_dump(settings))
    run = prefect.last("daily", "Failed", prefect.schedule_daily(down))
    rest = dict.fromkeys(("transform", "decide", "propose"), "Completed")
    assert prefect.steps(run) == {"ingest": "Failed"} | rest
    assert "shopify/" in run["state"]["message"]
    failed = prefect.told("a flow failed")
    assert failed
    assert failed["body"].startswith(f"daily, run {run['name']}: ")


def test_an_ingestion_that_ends_starts_a_build_and_the_daily_run_none(prefect: Prefect) -> None:
    assert not prefect.runs(deployment="transform")
    now = prefect.start("ingest/ingest-growthbook")
    assert prefect.last("transform", "Completed", now)["created_by"]["type"] == "AUTOMATION"


def test_the_deployments_of_the_night_verify_back_up_and_expire(
    prefect: Prefect, on_duckdb: Platform
) -> None:
    options = {
        "verify": [],
        "backup": [],
        "retention": ["--param", "days=3650"],  # other tests read the same events
    }
    starts = {name: prefect.start(f"{name}/{name}", *given) for name, given in options.items()}
    for name, now in starts.items():
        prefect.last(name, "Completed", now)
    assert len(list((on_duckdb.world.folder / "backups").glob("adcanary-*.duckdb"))) == 1


def test_a_gate_that_fails_is_told_with_its_runbook(prefect: Prefect, on_duckdb: Platform) -> None:
    settings = yaml.safe_load(on_duckdb.world.config.read_text())
    settings["now"] = "2026-07-08T09:00:00+00:00"  # a week later, and nothing came
    late = on_duckdb.world.folder / "late.yaml"
    late.write_text(yaml.safe_dump(settings))
    now = prefect.start("gates/gates", "--param", f"config={json.dumps(str(late))}")
    run = prefect.last("gates", "Failed", now)
    assert "freshness:google_ads/1234567890: " in run["state"]["message"]
    told = prefect.told("a gate failed")
    assert told
    assert "docs/runbooks/gate-failed.md" in told["body"]
