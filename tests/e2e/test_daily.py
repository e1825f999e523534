"""The daily flow, whole and for real: sandbox platforms, a Prefect server, dbt, jobs, proposals."""

import json
import shutil
import time
from pathlib import Path

import pytest

from pipelines.errors import IntegrityError
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.verify import verify
from pipelines.sandbox.market import books
from pipelines.sandbox.market.creatives import FATIGUED
from pipelines.sandbox.world import ADMIN
from pipelines.warehouse import Statement
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.e2e.conftest import TODAY, Platform
from tests.unit.warehouse_files import copy_warehouse

pytestmark = pytest.mark.xdist_group("daily")


def proposals(platform: Platform) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(
        platform.adcanary("proposals", "list", "--format", "json")
    )
    return rows


def test_spend_equals_the_books_to_the_micro_by_account_and_day(on_duckdb: Platform) -> None:
    marts = on_duckdb.query(
        "SELECT platform, account_id, date, CAST(SUM(cost_micros) AS INT64) AS cost_micros "
        "FROM marts.fct_ad_spend_daily GROUP BY 1, 2, 3"
    )
    told = {(r["platform"], r["account_id"], r["date"]): r["cost_micros"] for r in marts}
    booked = {
        (r["platform"], r["account_id"], r["date"].isoformat()): r["cost_micros"]
        for r in books.campaign_spend(on_duckdb.world.market, TODAY).to_pylist()
        if r["cost_micros"]
    }
    assert told == booked


def test_every_proposal_of_the_flow_passes_its_guardrails_but_a_raise(
    on_duckdb: Platform,
) -> None:
    """The ad that is paused is the one that the market wears out. Meta's next order costs more
    than the ceiling, so that no ad set of it may be raised."""
    rows = proposals(on_duckdb)
    assert {(r["kind"], r["verdict"], r["state"]) for r in rows} == {
        ("pause", "PASS", "PENDING_REVIEW"),
        ("budget_shift", "PASS", "PENDING_REVIEW"),
        ("adset_budget", "PASS", "PENDING_REVIEW"),
        ("adset_budget", "FAIL", "DRAFT"),
        ("creative_rotate", "PASS", "PENDING_REVIEW"),
    }
    assert [r["target_part"] for r in rows if r["kind"] == "creative_rotate"] == [f"ad:{FATIGUED}"]
    paused = [r for r in rows if r["kind"] == "pause"]
    assert [r["target_name"] for r in paused] == ["US Prospecting"]
    ad_sets = [r for r in rows if r["kind"] == "adset_budget"]
    assert {r["platform"] for r in ad_sets} == {"meta_ads"}
    assert all((int(r["delta_micros"]) > 0) == (r["verdict"] == "FAIL") for r in ad_sets)


def test_monitors_find_what_the_market_planted_and_nothing_fails(on_duckdb: Platform) -> None:
    """An account stopped delivering a week ago; all else is a day like others."""
    found = {f["name"]: f for f in json.loads(on_duckdb.adcanary("monitor", "--format", "json"))}
    stopped = found["volume:google_ads/raw.ads_ad_performance"]
    assert (stopped["status"], stopped["runbook"]) == ("warn", "docs/runbooks/unusual-volume.md")
    assert "2345678901" in stopped["message"]
    assert {f["status"] for name, f in found.items() if name.startswith("freshness:")} == {"ok"}
    assert {f["status"] for name, f in found.items() if name.startswith("jobs:")} == {"ok"}
    assert found["drift"]["status"] == found["build"]["status"] == "ok"
    told = on_duckdb.adcanary("metrics")
    assert 'adcanary_freshness_seconds{account="canary-shop",source="shopify"} 18000.0' in told


def test_the_shift_goes_from_the_saturated_channel_to_the_one_worth_more(
    on_duckdb: Platform,
) -> None:
    """Truth: a further order costs 23 on TikTok, 59 on Google and 149 on Meta."""
    shifts = [r for r in proposals(on_duckdb) if r["kind"] == "budget_shift"]
    direction = {r["platform"]: int(r["delta_micros"]) > 0 for r in shifts}
    assert direction["tiktok_ads"]
    assert not direction["meta_ads"]


def test_no_mutating_call_reaches_a_platform(on_duckdb: Platform) -> None:
    assert on_duckdb.world.mutations == []


def test_the_second_run_publishes_and_proposes_nothing_while_commands_take_their_turn(
    on_duckdb: Platform,
) -> None:
    ledger = "SELECT COUNT(*) AS n FROM raw.load_ledger"
    before, known = on_duckdb.query(ledger), proposals(on_duckdb)
    flow = on_duckdb.start("flows.daily", "--config", str(on_duckdb.world.config))
    answers, slowest = [], 0.0
    while flow.poll() is None:
        for arguments in (["query", ledger, "--format", "json"], ["proposals", "list"]):
            began = time.monotonic()
            command = on_duckdb.start("pipelines.cli", *arguments)
            _, said = command.communicate()
            slowest = max(slowest, time.monotonic() - began)
            answers.append((command.returncode, said))
            time.sleep(1)  # the flow has this machine's cores, too
    out, err = flow.communicate()
    assert flow.returncode == 0, out + err
    # each answered, or said who holds the file
    assert all(
        code == 0 or (code == 3 and "is in use by process" in said) for code, said in answers
    )
    assert slowest < 30
    assert on_duckdb.query(ledger) == before
    assert proposals(on_duckdb) == known


def test_changing_a_byte_of_an_event_makes_audit_verify_fail_and_name_the_row(
    on_duckdb: Platform, tmp_path: Path
) -> None:
    assert "form one chain" in on_duckdb.adcanary("audit", "verify")
    copy = tmp_path / "copy.duckdb"
    copy_warehouse(on_duckdb.world.folder / "adcanary.duckdb", copy)
    warehouse = DuckDBWarehouse(copy)
    change = "UPDATE canary.canary_events SET actor = 'service:adcanarz' WHERE sequence = 2"
    warehouse.transaction([Statement(change)], label="test")
    with pytest.raises(IntegrityError, match="row with sequence 2"):
        verify(Ledger(warehouse, anchor=None))


def test_an_approval_lands_in_the_shadow_feed_and_a_second_one_is_refused(
    on_duckdb: Platform, tmp_path: Path
) -> None:
    config = tmp_path / "adcanary.yaml"
    copy_warehouse(on_duckdb.world.folder / "adcanary.duckdb", tmp_path / "adcanary.duckdb")
    for file in ("adcanary.yaml", "policy.yaml"):
        shutil.copy(on_duckdb.world.folder / file, tmp_path / file)
    # the configuration of another place has no anchor: a person has to accept the ledger first
    held = on_duckdb.start("pipelines.cli", "audit", "verify", "--config", str(config))
    _, said = held.communicate()
    assert (held.returncode, "audit anchor --accept" in said) == (1, True)
    accept = ("audit", "anchor", "--accept", "--as", ADMIN, "--config", str(config))
    assert "a new anchor" in on_duckdb.adcanary(*accept)
    cuts = [r for r in proposals(on_duckdb) if int(r["delta_micros"]) < 0 and r["kind"] != "pause"]
    first = cuts[0]["proposal_id"]
    arguments = ("proposals", "approve", first, "--as", "ben", "--config", str(config))
    assert "SHADOW_RECORDED" in on_duckdb.adcanary(*arguments)
    again = on_duckdb.start("pipelines.cli", *arguments)
    _, said = again.communicate()
    assert again.returncode == 1
    assert "it is SHADOW_RECORDED" in said


def test_the_plots_are_drawn(on_duckdb: Platform) -> None:
    plots = {p.name.rsplit("_", 1)[0] for p in on_duckdb.world.folder.rglob("*.png")}
    mmm = {"response_curves", "contributions", "predictions", "allocation"}
    clustered = on_duckdb.query(
        "SELECT run_id FROM contracts.job_runs WHERE job = 'clustering' AND verdict = 'PASS'"
    )
    assert plots == mmm | {"pacing"} | ({"interests"} if clustered else set())


def test_the_worn_ad_is_truly_worn_and_nothing_that_does_nothing_is_recommended(
    on_duckdb: Platform,
) -> None:
    score = json.loads(on_duckdb.adcanary("evaluate", "creatives", "--format", "json"))
    assert 0 < score["fatigued"] == score["truly_worn"]
    assert score["freshness_held"] > score["judged"] / 2
    assert score["others"] == []


def test_every_planted_mistake_of_audiences_is_said_and_no_other_of_its_kind(
    on_duckdb: Platform,
) -> None:
    scores = json.loads(on_duckdb.adcanary("evaluate", "audiences", "--format", "json"))
    planted = [score for score in scores if score["planted"]]
    assert {s["mistake"] for s in planted} >= {"exclusion_missing", "overlap"}
    assert all(s["planted"] == s["said"] == s["both"] for s in planted)
