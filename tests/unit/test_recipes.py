"""The recipes are enough: a toy is added by the files that CONTRIBUTING names and by no others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.warehouse import Statement
from tests.unit.ledger_rows import two_channels
from tests.unit.overlay import ROOT, Overlay, recipe

pytestmark = pytest.mark.slow

# A kind: a paused campaign may go on.
RESTART = '''
"""Restart: a paused campaign goes on."""

from datetime import date

from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails
from pipelines.proposals.guardrails import Case
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Stamp
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Change, Effect, Proposal, StoredEvidence
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse


class Evidence(StoredEvidence):
    why: str


class Restart(Kind[None, Case]):
    name = "restart"
    field = "status"
    guardrails = (guardrails.kill_switch, guardrails.account_fresh)

    def read(self, warehouse: Warehouse, as_of: date) -> None:
        return None

    def draft(
        self, market: Market, inputs: None, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        paused = [c for c in market.campaigns if c.status == "PAUSED"]
        return Drafted(tuple(self._propose(market, caps, stamp, c) for c in paused), ())

    def _propose(
        self, market: Market, caps: GuardrailSettings, stamp: Stamp, campaign: Campaign
    ) -> Proposal:
        effect = Effect(campaign.budget * 7, None, None, None, "not estimated")
        case = Case(market, caps, campaign, None, campaign.budget, effect, frozenset({"USD"}))
        return self.proposal(
            case,
            stamp,
            Change(self.field, "PAUSED", "ENABLED"),
            delta_percent=100.0,
            finding={},
            evidence=Evidence(why="it was paused on purpose, and the purpose is over"),
        )

    def describe(self, stored: StoredProposal) -> Description:
        return Description("PAUSED to ENABLED", (stored.evidence(Evidence).why,), "pause it")


KIND = Restart()
'''

# A guardrail: nothing moves on the first of a month.
NOT_ON_THE_FIRST = '''

def not_on_the_first(case: Case) -> Constraint:
    """Budgets of a new month are still being set on its first day."""
    first = case.market.as_of.day == 1
    verdict: Verdict = "FAIL" if first else "PASS"
    message = f"The evidence is of {case.market.as_of}."
    return Constraint("not_on_the_first", verdict, None, None, "", first, message)
'''

# A job: counts campaigns, at most as many as it is told to.
JOB = '''
"""Counts the campaigns."""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from pipelines.config import Settings
from pipelines.jobs.base import Outcome, Progress
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse


class CensusSettings(Section):
    channel_floor_percent: float


class CensusJob:
    name = "census"
    model_version = "1"
    tables = ("contracts.census",)
    plots = ()

    def settings(self, settings: Settings) -> CensusSettings:
        floor = settings.guardrails.channel_floor_percent
        return CensusSettings(channel_floor_percent=floor)

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        sql = "SELECT platform, campaign_id FROM marts.dim_campaign ORDER BY platform, campaign_id"
        return {"campaigns": warehouse.query(sql)}

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: CensusSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        count = inputs["campaigns"].num_rows
        return Outcome("PASS", f"{count} campaigns.", rows={"contracts.census": [{"n": count}]})
'''
CENSUS = """
CREATE TABLE contracts.census (
  run_id STRING NOT NULL OPTIONS (description = "Of the run"),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  n INT64 NOT NULL OPTIONS (description = "Campaigns"),
  PRIMARY KEY (run_id) NOT ENFORCED
)
OPTIONS (description = "How many campaigns there are.");
"""
EXPOSURE = """
  - name: census
    label: Census
    type: ml
    description: "Counts the campaigns (pipelines/jobs/census)."
    depends_on: [ref('dim_campaign')]
    owner: { name: adcanary }
    config: { meta: { reader: pipelines/jobs/census } }
"""
CONFIG = """
now: 2026-07-01T09:00:00Z
warehouse: {path: w.duckdb}
policy: policy.yaml
"""
POLICY = """
guardrails: {cac_ceiling_micros: 200000000, channel_floor_percent: FLOOR}
people: {admins: [ada], approvers: {all: [ann]}}
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    """The project's code beside a warehouse to propose from, with a paused campaign."""
    copy = Overlay(tmp_path)
    paused = Statement(
        "INSERT INTO marts.dim_campaign "
        "SELECT platform, account_id, 'm3', 'm3', 'PAUSED', 1000000, currency_code, NULL, NULL "
        "FROM marts.dim_campaign WHERE campaign_id = 'm1'"
    )
    two_channels(tmp_path / "w.duckdb").transaction([paused], label="test")
    configure(copy)
    return copy


def configure(copy: Overlay, floor: int = 5) -> None:
    (copy.folder / "adcanary.yaml").write_text(CONFIG)
    (copy.folder / "policy.yaml").write_text(POLICY.replace("FLOOR", str(floor)))
    copy.run("policy", "set", "--as", "ada")


def named(paths: list[str], **names: str) -> list[str]:
    """A recipe's paths with its placeholders filled in."""
    for placeholder, name in names.items():
        paths = [path.replace(f"<{placeholder}>", name) for path in paths]
    return paths


def proposals(copy: Overlay) -> dict[str, dict[str, str]]:
    rows = json.loads(copy.run("proposals", "list", "--format", "json"))
    return {row["campaign_id"]: row for row in rows}


def test_a_kind_is_one_module(overlay: Overlay) -> None:
    overlay.write("pipelines/proposals/kinds/restart.py", RESTART)
    assert overlay.touched == named(recipe("Add a proposal kind"), kind="restart")
    overlay.run("propose", ADCANARY_USER="carol")
    row = proposals(overlay)["m3"]
    assert (row["kind"], row["verdict"]) == ("restart", "PASS")
    told = overlay.run("proposals", "show", row["proposal_id"])
    assert "PAUSED to ENABLED" in told
    assert "pause it" in told
    approved = overlay.run("proposals", "approve", row["proposal_id"], "--as", "ann")
    assert "SHADOW_RECORDED" in approved
    assert "1 recorded changes match" in overlay.run("audit", "verify")

    # the same ledger in a version that hasn't the kind: it can be neither told nor passed over
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "proposals", "show", row["proposal_id"]],
        cwd=ROOT,
        env={"ADCANARY_CONFIG": str(overlay.folder / "adcanary.yaml"), "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "There is no kind of proposal 'restart'" in done.stderr


def test_a_guardrail_is_a_function_and_a_line(overlay: Overlay) -> None:
    module = "pipelines/proposals/guardrails.py"
    last = (overlay.folder / module).read_text().splitlines()[-1].strip()
    overlay.insert(module, after=last, text=NOT_ON_THE_FIRST)
    overlay.insert(
        "pipelines/proposals/kinds/budget_shift.py",
        after="guardrails.kill_switch,",
        text="        guardrails.not_on_the_first,",
    )
    assert overlay.touched == named(recipe("Add a guardrail"), kind="budget_shift")
    overlay.run("propose", ADCANARY_USER="carol")
    held = {name: json.loads(row["guardrails"]) for name, row in proposals(overlay).items()}
    assert held["g1"]["not_on_the_first"] == "PASS"
    assert "not_on_the_first" not in held["m2"]


def test_a_job_is_a_folder_a_contract_and_a_line(overlay: Overlay) -> None:
    overlay.write("pipelines/jobs/census/__init__.py", '"""Counts the campaigns."""\n')
    overlay.write("pipelines/jobs/census/job.py", JOB)
    overlay.write("sql/contracts/contracts/census.sql", CENSUS)
    overlay.insert(
        "pipelines/jobs/registry.py",
        after='"pacing":',
        text='    "census": "census.job:CensusJob",',
    )
    overlay.insert("dbt/models/exposures.yml", after="exposures:", text=EXPOSURE)
    assert overlay.touched == named(recipe("Add a job"), job="census", table="census")

    first = overlay.run("job", "census", "--as-of", "2026-06-30")
    again = overlay.run("job", "census", "--as-of", "2026-06-30")
    assert ("4 campaigns." in first, "known result" in first) == (True, False)
    assert "known result" in again
    assert "census" in overlay.run("job").split()  # the list of jobs
    # a cap that it depends on makes a run of its own
    configure(overlay, floor=6)
    assert "known result" not in overlay.run("job", "census", "--as-of", "2026-06-30")
    rows = json.loads(overlay.run("query", "SELECT n FROM contracts.census", "--format", "json"))
    assert [row["n"] for row in rows] == [4, 4]
