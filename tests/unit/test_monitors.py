"""What `adcanary monitor` finds in a warehouse after a day's work, and what it leaves alone."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.config import Settings
from pipelines.finding import Finding, Status
from pipelines.monitors import registry
from pipelines.monitors.held import Held, Kept
from pipelines.monitors.registry import MONITORS, Monitor, examine
from pipelines.monitors.run import monitor
from pipelines.monitors.volume import DAYS_BEFORE, Usual
from pipelines.proposals.govern import stop
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.unit.ledger_rows import AS_OF, NOW, insert_all
from tests.unit.ledgers import ADA, terms
from tests.unit.monitored import (
    ACCOUNT,
    CAMPAIGNS,
    DAYS,
    built,
    campaigns,
    healthy,
    published,
    settings,
)
from tests.unit.warehouse_files import leave_one_file

ROOT = Path(__file__).parents[2]
VOLUME = f"volume:google_ads/{CAMPAIGNS}"
Installation = tuple[Settings, Warehouse, Ledger]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("healthy")
    healthy(folder)
    leave_one_file(folder / "w.duckdb")
    return folder


@pytest.fixture
def installation(kept: Path, tmp_path: Path) -> Installation:
    """A healthy one, to spoil."""
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    own = settings(tmp_path)
    warehouse = open_warehouse(own, create=False)
    return own, warehouse, open_ledger(warehouse, own)


def look(own: Settings, *names: str) -> dict[str, Finding]:
    """The findings of some monitors, by name."""
    found = {finding.name: finding for finding in examine(Held(own), names)}
    for finding in found.values():
        wants_fix = finding.status in (Status.WARN, Status.FAIL)
        assert (finding.fix is not None) == wants_fix
        assert not wants_fix or "Runbook: docs/runbooks/" in str(finding.fix)
    return found


def run(warehouse: Warehouse, *statements: str) -> None:
    warehouse.transaction([Statement(sql) for sql in statements], label="test")


def test_a_healthy_day_warns_of_nothing(installation: Installation) -> None:
    own, *_ = installation
    statuses = {finding.name: finding.status for finding in monitor(own)}
    assert {*statuses.values()} <= {Status.OK, Status.SKIP}
    assert {name.partition(":")[0] for name in statuses} == {m.name for m in MONITORS}
    assert statuses[f"freshness:google_ads/{ACCOUNT}"] is Status.OK
    assert statuses["volume"] is Status.OK
    assert statuses["jobs:mmm"] is Status.OK
    assert statuses["ledger"] is Status.OK


def test_before_there_is_a_warehouse_everything_is_skipped(tmp_path: Path) -> None:
    assert {finding.status for finding in monitor(settings(tmp_path))} == {Status.SKIP}


def test_every_monitor_has_a_runbook_and_a_line_in_the_docs() -> None:
    documented = (ROOT / "docs" / "observability.md").read_text()
    for one in MONITORS:
        assert (ROOT / "docs" / "runbooks" / f"{one.runbook}.md").is_file(), one.runbook
        assert f"| `{one.name}` |" in documented


def test_a_monitor_that_fails_itself_is_a_finding_and_the_others_go_on(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes(_: Held) -> list[Finding]:
        raise ZeroDivisionError("x")

    spoiled = (Monitor("jobs", crashes, "job-not-run"), MONITORS[-1])
    monkeypatch.setattr(registry, "MONITORS", spoiled)
    first, *others = monitor(installation[0])
    assert (first.name, first.status) == ("jobs", Status.FAIL)
    assert first.message == "The monitor itself failed: ZeroDivisionError: x"
    assert others


_HOLDS = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"


def test_a_file_that_another_process_holds_is_waited_for_once(installation: Installation) -> None:
    own, *_ = installation
    patience = own.warehouse.model_copy(update={"lock_timeout_seconds": 1.0})
    path = str(own.warehouse.path)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holding:
        assert holding.stdout is not None
        holding.stdout.readline()
        began = time.monotonic()
        found = monitor(own.model_copy(update={"warehouse": patience}))
        waited = time.monotonic() - began
        holding.communicate(b"\n")
    assert {finding.unavailable for finding in found if finding.status is Status.FAIL} == {True}
    assert {f.status for f in found if f.name != "cost"} == {Status.FAIL}
    assert "warehouse-unavailable.md" in str(found[0].fix)
    assert waited < 5


def test_late_data_is_told_by_account(installation: Installation) -> None:
    own, warehouse, _ = installation
    late = AS_OF - timedelta(days=5)
    run(warehouse, f"UPDATE raw.load_ledger SET window_end = DATE '{late}' WHERE source != 'x'")
    found = look(own, "freshness")
    assert found[f"freshness:google_ads/{ACCOUNT}"].status is Status.FAIL
    assert found["freshness:fx_rates/ecb"].status is Status.OK  # it has no weekends
    run(warehouse, "DELETE FROM raw.load_ledger WHERE source = 'fx_rates'")
    assert look(own, "freshness")["freshness:fx_rates"].status is Status.WARN


@pytest.mark.parametrize(
    ("rows", "status"), [(6, Status.WARN), (1, Status.FAIL), (30, Status.WARN)]
)
def test_an_unusual_number_of_rows_is_told_with_what_is_usual(
    installation: Installation, rows: int, status: Status
) -> None:
    own, warehouse, _ = installation
    run(warehouse, f"DELETE FROM {CAMPAIGNS} WHERE date = DATE '{AS_OF}'")
    campaigns(warehouse, {AS_OF: rows})
    finding = look(own, "volume")[VOLUME]
    assert finding.status is status
    assert f"has {rows} rows of 2026-06-30, a Tuesday, usually 12" in finding.message


def test_one_account_without_rows_among_several_only_warns(installation: Installation) -> None:
    own, warehouse, _ = installation
    published(warehouse, "google_ads", CAMPAIGNS, "2")
    campaigns(warehouse, dict.fromkeys(DAYS[1:], 12), "2")
    finding = look(own, "volume")[VOLUME]
    assert finding.status is Status.WARN
    assert finding.message.startswith("Account 2 has 0 rows")
    assert ACCOUNT not in finding.message


def test_what_was_counted_holds_until_more_is_published(installation: Installation) -> None:
    own, warehouse, _ = installation
    kept: dict[str, Kept] = {}

    def statuses() -> set[Status]:
        return {finding.status for finding in examine(Held(own, kept), ["volume"])}

    assert statuses() == {Status.OK}
    run(warehouse, f"DELETE FROM {CAMPAIGNS} WHERE date = DATE '{AS_OF}'")
    assert statuses() == {Status.OK}
    published(warehouse, "google_ads", CAMPAIGNS, ACCOUNT, run_id="again", published_at=NOW)
    assert statuses() == {Status.FAIL, Status.OK}


def test_a_new_account_has_nothing_to_be_compared_with(installation: Installation) -> None:
    own, warehouse, _ = installation
    first = AS_OF - timedelta(days=DAYS_BEFORE - 1)
    run(warehouse, f"UPDATE raw.load_ledger SET window_start = DATE '{first}' WHERE source != 'x'")
    assert look(own, "volume")["volume"].status is Status.SKIP


def test_a_weekday_is_held_to_its_like_and_chance_is_left_alone() -> None:
    chance = random.Random(7)
    weekdays = {day: 80 if day.weekday() < 5 else 20 for day in DAYS}
    noisy = {day: round(n * chance.lognormvariate(0, 0.1)) for day, n in weekdays.items()}
    saturday = next(day for day in DAYS if day.weekday() == 5)
    usual = Usual.of(noisy, saturday)
    assert usual is not None
    assert not usual.is_odd(20)
    assert not usual.is_odd(24)
    assert usual.is_odd(80)
    assert usual.is_odd(8)
    assert Usual.of({day: 2 for day in DAYS}, AS_OF) is None


def test_a_day_that_went_wrong_before_makes_no_other_one_usual() -> None:
    steady = dict.fromkeys(DAYS, 100) | {DAYS[7]: 3, DAYS[9]: 1}
    usual = Usual.of(steady, AS_OF)
    assert usual is not None
    assert usual.rows == 100
    assert usual.is_odd(50)


def test_a_failed_build_fails_and_one_that_waits_warns(installation: Installation) -> None:
    own, warehouse, _ = installation
    assert look(own, "build")["build"].status is Status.OK
    later = NOW + timedelta(hours=30)
    published(warehouse, "google_ads", CAMPAIGNS, ACCOUNT, run_id="later", published_at=later)
    finding = look(own, "build")["build"]
    assert finding.status is Status.WARN
    assert "Rows were published until 2026-07-02 15:00 UTC" in finding.message
    built(warehouse, "RUNNING", later)
    assert "never ended" in look(own, "build")["build"].message
    built(warehouse, "FAIL", later + timedelta(hours=1))
    assert look(own, "build")["build"].status is Status.FAIL


def test_a_job_that_did_not_run_or_has_no_data_any_more_is_told(installation: Installation) -> None:
    own, warehouse, _ = installation
    for job, days in (("uplift", 2), ("bandits", 5)):
        run(
            warehouse,
            f"UPDATE contracts.job_runs SET as_of = DATE_SUB(as_of, INTERVAL {days} DAY) "
            f"WHERE job = '{job}'",
        )
    run(
        warehouse,
        "DELETE FROM contracts.job_runs WHERE job = 'clustering'",
        "UPDATE contracts.job_runs SET verdict = 'NO_DATA', reason = 'Nothing came.' "
        f"WHERE job = 'attribution' AND as_of = DATE '{AS_OF}'",
    )
    found = look(own, "jobs")
    assert found["jobs:uplift"].status is Status.WARN
    assert found["jobs:bandits"].status is Status.FAIL
    assert found["jobs:clustering"].status is Status.WARN
    attribution = found["jobs:attribution"]
    assert attribution.status is Status.WARN
    assert attribution.message.endswith("As of 2026-06-29 it was PASS. Nothing came.")
    assert found["jobs:pacing"].status is Status.OK


def test_a_job_that_never_had_data_is_no_news(installation: Installation) -> None:
    own, warehouse, _ = installation
    run(warehouse, "UPDATE contracts.job_runs SET verdict = 'NO_DATA' WHERE job = 'uplift'")
    assert look(own, "jobs")["jobs:uplift"].status is Status.OK


def test_what_moved_and_what_was_predicted_wrongly_are_the_fidelity_jobs_verdicts(
    installation: Installation,
) -> None:
    own, warehouse, _ = installation
    evaluation = {
        "predictions": 28,
        "max_mape": 0.5,
        "max_bias": 0.05,
        "max_ks": 0.35,
        "verdict": "FAIL",
        "reason": "They were off by 80%.",
    }
    run(warehouse, "DELETE FROM contracts.fidelity_evaluations WHERE TRUE")
    insert_all(
        warehouse,
        "contracts.fidelity_evaluations",
        [{**evaluation, "job": job, "quantity": "q", "basis": "live"} for job in ("mmm", "pacing")],
    )
    event = {"message": "It moved.", "value": 0.8}
    insert_all(
        warehouse,
        "contracts.safety_events",
        [
            {**event, "event": name, "subject": subject, "severity": severity}
            for name, subject, severity in (
                ("gate_closed", "mmm: q (live)", "CRITICAL"),
                ("gate_closed", "pacing: q (live)", "WARNING"),
                ("input_drift", "site: sessions", "WARNING"),
                ("input_vanished", "meta_ads: micros a click", "CRITICAL"),
            )
        ],
    )
    found = look(own, "drift", "predictions")
    assert {name: finding.status for name, finding in found.items()} == {
        "drift:site: sessions": Status.WARN,
        "drift:meta_ads: micros a click": Status.FAIL,
        "predictions:mmm/live": Status.FAIL,
        "predictions:pacing/live": Status.WARN,
    }


def test_a_head_or_an_anchor_that_does_not_agree_fails(installation: Installation) -> None:
    own, warehouse, _ = installation
    assert look(own, "ledger")["ledger"].status is Status.OK
    run(warehouse, "DELETE FROM canary.canary_events WHERE sequence = 2")
    assert "canary_head says" in look(own, "ledger")["ledger"].message
    run(
        warehouse,
        "DELETE FROM canary.canary_events WHERE sequence > 1",
        "UPDATE canary.canary_head SET sequence = 1, event_id = "
        "(SELECT event_id FROM canary.canary_events) WHERE TRUE",
    )
    cut = look(own, "ledger")["ledger"]
    assert cut.status is Status.FAIL
    assert "its anchor" in cut.message
    (anchor,) = (own.path.parent / ".adcanary").glob("*.jsonl")
    anchor.unlink()
    assert "no anchor" in look(own, "ledger")["ledger"].message


def test_the_kill_switch_and_what_expires_undecided_warn(installation: Installation) -> None:
    own, _, ledger = installation
    first = min(proposal.expires_at for proposal in ledger.read().proposals)
    for hours, status in ((30, Status.OK), (12, Status.WARN)):
        before = own.model_copy(update={"now": first - timedelta(hours=hours)})
        finding = look(before, "proposals")["proposals"]
        assert finding.status is status
    assert "of 3 proposals that wait for a person expire within a day" in finding.message
    stop(ledger, terms(minutes=5).moment, ADA, comment="a test")
    switch = look(own, "kill_switch")["kill_switch"]
    assert switch.status is Status.WARN
    assert ADA.name not in switch.message


def test_the_command_says_it_as_json_with_the_runbook_and_exits_by_the_worst(
    installation: Installation,
) -> None:
    own, warehouse, _ = installation
    config = {"warehouse": {"path": "w.duckdb"}, "now": NOW.isoformat()}
    own.path.write_text(yaml.safe_dump(config))
    asked = ["monitor", "--format", "json", "--config", str(own.path)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    built(warehouse, "FAIL", NOW + timedelta(hours=1))
    result = CliRunner().invoke(app, [*asked, "build"])
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)
    assert (row["name"], row["status"]) == ("build", "fail")
    assert row["runbook"] == "docs/runbooks/build-failed.md"
    unknown = CliRunner().invoke(app, [*asked, "weather"])
    assert "There is no monitor weather" in str(unknown.exception)
