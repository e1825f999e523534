"""A large ledger for the review page: made-up proposals that expire and are proposed again week
after week, each linked and hashed as adcanary does, so that ``adcanary audit verify`` holds.

``python -m tests.bench.review_world FOLDER``: a configuration, its warehouse, and no anchor.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.config import Settings, load_settings
from pipelines.contracts import load_contract
from pipelines.money import Money
from pipelines.proposals.events import GENESIS, SERVICE, Actor, event_row, make_event, policy_event
from pipelines.proposals.kinds.budget_shift import Evidence
from pipelines.proposals.ledger import CHAIN, baseline_row
from pipelines.proposals.proposal import (
    Baseline,
    Change,
    Constraint,
    Effect,
    Interval,
    MoneyInterval,
    Proposal,
    Target,
    hash_row,
)
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms, file_policy
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.e2e.review_world import curves, job_runs, marts

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
CHANNELS = ("google_ads", "meta_ads", "tiktok_ads", "linkedin_ads")
GUARDRAILS = (
    *("kill_switch", "evidence_fresh", "pacing_fresh", "predictions_hold", "account_fresh"),
    *("baseline_known", "max_change", "max_daily_change", "cac_ceiling", "channel_floor"),
    *("exploration_reserve", "budget_neutral"),
)
_CHUNK = 20_000


@dataclass
class Chain:
    """The events so far, and the rows that wait to be written."""

    warehouse: Warehouse
    folder: Path
    sequence: int = 0
    head: str = GENESIS
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, event: Any) -> None:
        row = event_row(event, self.sequence + 1, self.head, None)
        self.sequence, self.head = self.sequence + 1, str(row["event_id"])
        self.put("canary_events", row)

    def put(self, table: str, row: dict[str, Any]) -> None:
        waiting = self.rows.setdefault(table, [])
        waiting.append(row)
        if len(waiting) >= _CHUNK:
            self.write(table)

    def write(self, table: str) -> None:
        contract = load_contract(f"canary.{table}")
        rows = pa.Table.from_pylist(self.rows.pop(table), schema=contract.arrow_schema)
        path = self.folder / "rows.parquet"
        pq.write_table(rows, path)
        stage = self.warehouse.stage(contract, "bench", path)
        columns = ", ".join(f"`{name}`" for name in contract.column_names)
        insert = f"INSERT INTO {contract.table} ({columns}) SELECT {columns} FROM {stage}"
        self.warehouse.transaction([Statement(insert)], label="bench")
        self.warehouse.drop_stages([stage])

    def close(self) -> None:
        for table in list(self.rows):
            self.write(table)
        insert = "INSERT INTO canary.canary_head (chain, sequence, event_id) VALUES (@c, @s, @e)"
        head = {"c": CHAIN, "s": self.sequence, "e": self.head}
        self.warehouse.transaction([Statement(insert, head)], label="bench")


def build(folder: Path, proposals: int, events: int) -> Settings:
    """The world in an empty folder; about so many events."""
    (folder / "adcanary.yaml").write_text(
        f"now: {NOW:%Y-%m-%dT%H:%M:%SZ}\nwarehouse: {{path: w.duckdb}}\npolicy: policy.yaml\n"
    )
    (folder / "policy.yaml").write_text(
        "{version: 1, max_open_proposals: 10000, "
        "people: {admins: [ann], approvers: {marketing: [bob, cy]}}}\n"
    )
    settings = load_settings(folder / "adcanary.yaml")
    warehouse = open_warehouse(settings)
    with tempfile.TemporaryDirectory() as scratch:
        chain = Chain(warehouse, Path(scratch))
        _fill(chain, settings, proposals, ceil((events / proposals + 1) / 3))
        chain.close()
    job_runs(warehouse)
    curves(warehouse, CHANNELS)
    marts(settings.warehouse.path, [_target(n) for n in range(proposals)])
    return settings


def _fill(chain: Chain, settings: Settings, proposals: int, weeks: int) -> None:
    start, last = NOW - timedelta(days=7 * weeks - 5), weeks - 1
    terms = Terms.of(settings, file_policy(settings))
    people = [Actor(name, "person") for name in ("ann", "bob", "cy")]
    decided = random.Random(1)
    before: dict[int, StoredProposal] = {}
    for week in range(weeks):
        monday = start + timedelta(days=7 * week)
        at = replace(terms, now=monday).moment
        if week == 0:
            chain.add(policy_event(terms.policy, people[0], at))
        for number, stored in before.items():
            chain.add(make_event(stored, Action.EXPIRE, SERVICE, at))
            before[number] = stored
        for number, proposal in _week(proposals, week, monday):
            stored = StoredProposal.fresh(proposal)
            baseline = baseline_row(proposal)
            chain.put("canary_proposals", proposal.row())
            chain.put("canary_budgets_snapshot", dict(baseline))
            hashed = hash_row(baseline)
            chain.add(make_event(stored, Action.DRAFT, SERVICE, at, baseline_hash=hashed))
            submitted = replace(stored, state=State.DRAFT)
            chain.add(make_event(submitted, Action.SUBMIT, SERVICE, at))
            before[number] = replace(stored, state=State.PENDING_REVIEW)
        if week == last:
            for stored in list(before.values())[::5]:
                action = decided.choice([Action.REJECT, Action.WITHDRAW, Action.REQUEST_CHANGES])
                who = decided.choice(people)
                chain.add(make_event(stored, action, who, at, comment="not this quarter"))


def _target(number: int) -> tuple[str, str, str, str]:
    """Platform, account, campaign and name of a proposal's campaign."""
    channel = CHANNELS[number % len(CHANNELS)]
    return channel, f"act-{number % 40}", f"c{number:05}", f"Campaign {number:05} – Autumn"


def _week(proposals: int, week: int, monday: datetime) -> Iterator[tuple[int, Proposal]]:
    chance = random.Random(week)
    for number in range(proposals):
        platform, account, campaign, name = _target(number)
        budget = Money(chance.randrange(50, 3_000) * 1_000_000, "USD")
        percent = chance.choice([-5, -4, -2.5, 2.5, 4, 5])
        delta = Money(round(budget.micros * percent / 100), "USD").payable()
        orders = Interval(*sorted(delta.micros / 1e7 * chance.uniform(0.5, 2) for _ in range(3)))
        change = Change(
            "daily_budget_micros", str(budget.micros), str(budget.micros + delta.micros)
        )
        # one finding a campaign, so that each week's is a revision of the same proposal
        proposal = Proposal(
            kind="budget_shift",
            target=Target(platform, account, campaign, name),
            change=replace(change, from_value=str(budget.micros)),
            rollback=change.inverse(),
            delta=delta,
            delta_percent=round(delta / budget * 100, 4),
            baseline=Baseline(budget, "ENABLED"),
            urgency="ROUTINE",
            effect=Effect(
                delta * 7,
                orders,
                MoneyInterval.of(orders.scaled(80e6), "USD"),
                None,
                "the campaign's part of its channel's curve",
            ),
            finding={"campaign": campaign},
            evidence=Evidence(
                week_to=monday.date(),
                mmm_run_id="mmm-r1",
                channel=platform,
                channel_weekly_micros=(7_000_000_000, 7_350_000_000),
                channel_binding="UPPER",
            ),
            rates=(),
            constraints=tuple(
                Constraint(
                    *(guardrail, "PASS", 2.5, 5.0, "percent of the budget", False),
                    f"{guardrail.replace('_', ' ').capitalize()}: 2.5 of at most 5.0.",
                )
                for guardrail in GUARDRAILS
            ),
            created_by=SERVICE.name,
            as_of=(monday - timedelta(days=1)).date(),
            expires_at=monday + timedelta(days=7),
            revision=1,
        )
        object.__setattr__(proposal, "proposal_id", f"p-{number:012x}")
        object.__setattr__(proposal, "revision", week + 1)
        object.__setattr__(proposal, "content_hash", hash_row(proposal._content()))
        yield number, proposal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--proposals", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    build(args.folder, args.proposals, args.events)


if __name__ == "__main__":
    main()
