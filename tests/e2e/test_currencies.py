"""The simulated market billed in three currencies is proposed for as the same market in dollars."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.build import build
from pipelines.config import Settings, load_settings
from pipelines.contracts import Contract, load_contracts
from pipelines.jobs.run import JobRun, run_job
from pipelines.money import Money
from pipelines.proposals.decide import approve
from pipelines.proposals.events import Actor
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms, file_policy
from pipelines.proposals.verify import verify
from pipelines.sandbox.world import ADMIN
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.e2e.conftest import Platform
from tests.unit.warehouse_files import copy_warehouse

pytestmark = pytest.mark.xdist_group("daily")

# Whole multiples, so that every amount comes back to the micro and the media mix reads the same.
BILLED_IN = {"meta_ads": ("JPY", 150), "tiktok_ads": ("KRW", 1300)}
# What the jobs and the proposals read.
MODELS = (
    "+mmm_input_weekly +dim_campaign +ads_account_days +ads_campaign_daily fx_rates_daily "
    "+fct_ad_spend_by_ad_daily ad_features_daily dim_adgroup"
)
LEDGER = ("canary_proposals", "canary_events", "canary_head", "canary_budgets_snapshot")


@dataclass(frozen=True)
class Side:
    """One market with what was proposed for it."""

    settings: Settings
    mmm: JobRun
    ledger: Ledger

    def proposals(self) -> dict[tuple[str | None, ...], StoredProposal]:
        """By kind and target."""
        return {(p.kind, *p.target.identity): p for p in self.ledger.read().proposals}


@pytest.fixture(scope="module")
def dollars(on_duckdb: Platform, tmp_path_factory: pytest.TempPathFactory) -> Side:
    return proposed(copied(on_duckdb, tmp_path_factory.mktemp("dollars")))


@pytest.fixture(scope="module")
def mixed(on_duckdb: Platform, tmp_path_factory: pytest.TempPathFactory) -> Side:
    settings = copied(on_duckdb, tmp_path_factory.mktemp("mixed"))
    warehouse = open_warehouse(settings)
    # features stay as they were known: these accounts were billed so from their first day on
    unknown = Statement("DROP TABLE marts.ad_features_daily")
    warehouse.transaction([*rebilled(), *quoted(), unknown], label="test")
    build(settings, MODELS, full_refresh=True)
    return proposed(settings)


def copied(platform: Platform, folder: Path) -> Settings:
    copy_warehouse(platform.world.folder / "adcanary.duckdb", folder / "adcanary.duckdb")
    for name in ("adcanary.yaml", "policy.yaml"):
        shutil.copy(platform.world.folder / name, folder / name)
    return load_settings(folder / "adcanary.yaml")


def rebilled() -> list[Statement]:
    """Every amount of an account in its new currency."""
    return [
        Statement(
            f"UPDATE {contract.table} SET currency_code = '{currency}', "
            + ", ".join(f"{column} = {column} * {factor}" for column in amounts(contract))
            + f" WHERE platform = '{platform}'"
        )
        for contract in load_contracts().values()
        if {"platform", "currency_code"} <= set(contract.column_names) and contract.dataset == "raw"
        for platform, (currency, factor) in BILLED_IN.items()
    ]


def amounts(contract: Contract) -> list[str]:
    return [c for c in contract.column_names if c.endswith("_micros") or "_value" in c]


def quoted() -> list[Statement]:
    """The bank quotes the new currencies whenever it quotes the dollar, and from the first day."""
    names = load_contracts()["raw.fx_rates"].column_names

    def copy(replaced: dict[str, str], rows: str) -> Statement:
        columns = ", ".join(replaced.get(name, name) for name in names)
        return Statement(
            f"INSERT INTO raw.fx_rates ({', '.join(names)}) SELECT {columns} FROM raw.fx_rates "
            f"WHERE quote_currency = 'USD' AND {rows}"
        )

    first = "date = (SELECT MIN(date) FROM raw.fx_rates)"
    return [
        copy({"date": "DATE '2024-12-31'"}, first),
        *(
            copy({"quote_currency": f"'{currency}'", "rate": f"rate * {factor}"}, "TRUE")
            for currency, factor in BILLED_IN.values()
        ),
    ]


def proposed(settings: Settings) -> Side:
    """Run the jobs and propose, on an empty ledger."""
    warehouse: Warehouse = open_warehouse(settings)
    emptied = [Statement(f"DELETE FROM canary.{table} WHERE TRUE") for table in LEDGER]
    # by the world's fixed clock, the run of before the change is as new as the one that follows
    again = ("pacing", "rules", "creatives")
    emptied += [Statement(f"DELETE FROM contracts.job_runs WHERE job = '{job}'") for job in again]
    warehouse.transaction(emptied, label="test")
    mmm = run_job(warehouse, settings, "mmm", settings.yesterday())
    for job in again:
        run_job(warehouse, settings, job, settings.yesterday())
    ledger = open_ledger(warehouse, settings)
    terms = Terms.of(settings, file_policy(settings))
    set_policy(ledger, terms.policy, terms.moment, Actor(ADMIN, "person"), comment=None)
    propose(ledger, terms, created_by="service:adcanary")
    return Side(settings, mmm, ledger)


def test_the_media_mix_reads_the_same_market(mixed: Side, dollars: Side) -> None:
    assert mixed.mmm == dollars.mmm
    assert mixed.mmm.reused


def test_the_same_campaigns_are_proposed_for_with_the_same_verdicts(
    mixed: Side, dollars: Side
) -> None:
    ours, theirs = mixed.proposals(), dollars.proposals()
    assert len(theirs) > 5
    assert {k: (p.state, p.verdict) for k, p in ours.items()} == {
        k: (p.state, p.verdict) for k, p in theirs.items()
    }
    assert {p.currency for p in ours.values()} == {"USD", "JPY", "KRW"}
    assert {p.currency for p in ours.values() if p.kind == "adset_budget"} == {"JPY"}


def test_every_change_is_the_same_to_a_cent_and_payable(mixed: Side, dollars: Side) -> None:
    theirs = dollars.proposals()
    for key, proposal in mixed.proposals().items():
        cent = Money(10_000 * (proposal.kind in {"adset_budget", "budget_shift"}) + 1, "USD")
        assert abs(proposal.delta_in("USD") - theirs[key].delta) <= cent * 2
        assert proposal.delta == proposal.delta.payable()


def test_a_week_brings_the_same_orders_and_revenue_in_the_reporting_currency(
    mixed: Side, dollars: Side
) -> None:
    theirs = dollars.proposals()
    for key, proposal in mixed.proposals().items():
        ours, other = proposal.effect(), theirs[key].effect()
        assert ours.value_currency == "USD"
        assert ours.orders
        assert other.orders
        assert ours.orders.p50 == pytest.approx(other.orders.p50, rel=0.02)
        assert ours.revenue_micros
        assert other.revenue_micros
        assert ours.revenue_micros.p50 == pytest.approx(other.revenue_micros.p50, rel=0.02)


def test_the_rates_are_named_where_a_figure_rests_on_them(mixed: Side, dollars: Side) -> None:
    for (kind, *_), proposal in mixed.proposals().items():
        named = {rate.source for rate in proposal.rates()}
        assert named == ({"JPY", "KRW"} if kind == "budget_shift" else {proposal.currency})
        held = {c.name: c.verdict for c in proposal.certificate()}
        assert held["one_currency"] == "PASS"
    for proposal in dollars.proposals().values():
        assert "rates" not in json.loads(proposal.row["evidence"])


def test_one_person_approves_a_cut_and_then_an_increase_that_it_funds(mixed: Side) -> None:
    shifts = [p for p in mixed.ledger.read().proposals if p.kind == "budget_shift"]
    by_size = sorted(shifts, key=lambda p: p.delta_in("USD").micros)
    cut = by_size[0]
    increase = next(p for p in by_size if p.delta.micros > 0 and p.currency != cut.currency)
    for proposal in (cut, increase):
        decided = approve(
            mixed.ledger,
            Terms.of(mixed.settings, mixed.ledger.policy()),
            proposal.proposal_id,
            Actor("ben", "person"),
        )
        assert decided.state == State.SHADOW_RECORDED, proposal.target
    assert "2 recorded changes match their proposals" in verify(mixed.ledger)
