"""Recorded changes as import files: exact names and amounts, and one account a file."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from pipelines.cli.main import app
from pipelines.config import load_settings
from pipelines.errors import IntegrityError, UsageError
from pipelines.money import MICROS, Money
from pipelines.proposals import decide
from pipelines.proposals.events import SERVICE
from pipelines.proposals.exports.cells import amount
from pipelines.proposals.exports.formats import FORMATS, FileFormat
from pipelines.proposals.exports.names import FormatName
from pipelines.proposals.exports.selection import (
    BUDGET,
    STATUS,
    Edit,
    LeftOut,
    Recorded,
    Selection,
    select,
)
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.market import Campaign
from pipelines.proposals.propose import propose
from pipelines.proposals.terms import Terms
from pipelines.warehouse import open_warehouse
from tests.unit.ledgers import ANN, BOB, execute, fresh, ids, in_force, policy

pytestmark = pytest.mark.slow

GOOGLE, META = FORMATS[FormatName.GOOGLE_ADS_EDITOR], FORMATS[FormatName.META_ADS_MANAGER]
CONFIG = """
now: 2026-07-01T10:00:00Z
warehouse: {path: w.duckdb}
"""


def campaign(
    name: str | None = "Search", identifier: str = "1", platform: str = "google_ads"
) -> Campaign:
    budget = Money(100_000_000, "USD")
    return Campaign(platform, "9", identifier, name, "ENABLED", budget, "USD", date(2026, 6, 30))


def budget_change(before: int = 100_000_000, value: int = 105_000_000) -> Recorded:
    key = ("google_ads", "9", "1")
    return Recorded("p-1", key, None, BUDGET, str(before), str(value), "by hand", "USD")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def only(selection: Selection) -> LeftOut:
    assert selection.accounts == {}
    (left,) = selection.left_out
    return left


def test_a_google_file_has_editors_columns_and_units_of_the_currency() -> None:
    text = GOOGLE.write(
        [
            Edit(campaign('Shoes, "new"'), ("p-1",), Money(105_500_000, "USD")),
            Edit(campaign("Größe"), ("p-2",), None, "PAUSED"),
        ]
    )
    assert text == (
        "Campaign,Campaign daily budget,Campaign status\r\n"
        '"Shoes, ""new""",105.50,\r\n'
        "Größe,,Paused\r\n"
    )


def test_a_meta_file_names_the_id_so_that_no_spreadsheet_rounds_it() -> None:
    budget = Edit(campaign("Reach", "120210201000000", "meta_ads"), ("p",), Money(7_000_000, "JPY"))
    assert META.write([budget]) == (
        "Campaign ID,Campaign Name,Campaign Daily Budget\r\ncg:120210201000000,Reach,7\r\n"
    )
    status = replace(budget, budget=None, status="ENABLED")
    assert META.write([status]) == (
        "Campaign ID,Campaign Name,Campaign Status\r\ncg:120210201000000,Reach,ACTIVE\r\n"
    )


@given(
    micros=st.integers(1, 10**15),
    currency=st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLP"]),
    name=st.text(min_size=1).filter(lambda n: "\x00" not in n),
    file=st.sampled_from([GOOGLE, META]),
)
def test_a_file_parses_back_to_the_same_amounts_and_names(
    micros: int, currency: str, name: str, file: FileFormat
) -> None:
    edit = Edit(campaign(name), ("p-1",), Money(micros, currency))
    (row,) = rows(file.write([edit]))
    written = row.get("Campaign daily budget") or row["Campaign Daily Budget"]
    assert Decimal(written) * MICROS == micros
    assert name in row.values()


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1_230_000, "USD"), "1.23"),
        (Money(1_000_000, "JPY"), "1"),
        (Money(1_234_567, "USD"), "1.234567"),
        (Money(1_234_000, "KWD"), "1.234"),
        (Money(1_234_567_890_000, "USD"), "1234567.89"),
    ],
)
def test_an_amount_is_exact_and_has_no_grouping(money: Money, text: str) -> None:
    assert amount(money) == text


@pytest.mark.parametrize("name", ["=1+1", "+49 Hotline", "-50%", "@home", "\t=1", "\r=1"])
def test_a_name_that_a_spreadsheet_would_run_is_in_no_file(name: str) -> None:
    left = only(select([budget_change()], [campaign(name)], by_name=True))
    assert "which a spreadsheet would run" in left.why
    assert left.operation == "by hand"


def test_a_name_with_a_formula_in_it_is_only_a_name() -> None:
    selection = select([budget_change()], [campaign("Sale =50% off")], by_name=True)
    assert selection.left_out == ()


@pytest.mark.parametrize(
    ("change", "now", "reason"),
    [
        (budget_change(), None, "no longer there"),
        (budget_change(value=100_000_000, before=1), campaign(), "the platform shows it so"),
        (budget_change(before=99_000_000), campaign(), "is 100000000 now, neither 99000000 nor"),
        (replace(budget_change(), currency="EUR"), campaign(), "is in EUR, and the account in USD"),
        (budget_change(), replace(campaign(), shared_budget="b7"), "shares budget b7 now"),
        (budget_change(), replace(campaign(), daily_budget=None), "is None now"),
        (budget_change(), campaign(None), "its name isn't known"),
        (budget_change(value=0), campaign(), "a budget of nothing"),
        (
            replace(budget_change(), part="ad_group:7", field="ad_shares"),
            campaign(),
            "no column for ad_shares of ad_group:7",
        ),
        (
            replace(budget_change(), field=STATUS, before="PAUSED", value="ENABLED"),
            replace(campaign(), status="REMOVED"),
            "is REMOVED now, neither PAUSED nor ENABLED",
        ),
    ],
)
def test_what_a_file_cannot_hold_is_left_out_with_the_reason(
    change: Recorded, now: Campaign | None, reason: str
) -> None:
    left = only(select([change], [now] if now else [], by_name=True))
    assert reason in left.why


def test_two_campaigns_of_one_name_are_told_apart_by_id_alone() -> None:
    twins = [campaign(), campaign(identifier="2")]
    assert (
        "campaigns 1, 2 of its account" in only(select([budget_change()], twins, by_name=True)).why
    )
    assert select([budget_change()], twins, by_name=False).left_out == ()
    removed = [campaign(), replace(campaign(identifier="2"), status="REMOVED")]
    assert select([budget_change()], removed, by_name=True).left_out == ()


def test_a_budget_and_a_status_of_one_campaign_are_one_line() -> None:
    pause = replace(
        budget_change(), proposal_id="p-2", field=STATUS, before="ENABLED", value="PAUSED"
    )
    selection = select([budget_change(), pause], [campaign()], by_name=True)
    (row,) = rows(GOOGLE.write(selection.accounts["9"]))
    assert (row["Campaign daily budget"], row["Campaign status"]) == ("105.00", "Paused")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A world in which a cut of m1 and a pause of m2 are recorded, in two accounts of Meta."""
    fresh(tmp_path)
    (tmp_path / "adcanary.yaml").write_text(CONFIG)
    ledger = open_ledger_of(tmp_path)
    execute(
        ledger,
        "UPDATE marts.dim_campaign SET account_id = 'b' WHERE campaign_id = 'm2'",
        "UPDATE contracts.pacing_alerts SET account_id = 'b' WHERE TRUE",
        "INSERT INTO marts.ads_account_days SELECT 'meta_ads', 'b', DATE '2026-06-30'",
    )
    held = in_force(ledger, Terms.of(load_settings(tmp_path / "adcanary.yaml"), policy()))
    propose(ledger, held, created_by=SERVICE.name)
    for campaign_id, proposal_id in ids(ledger).items():
        for actor in {"m1": (ANN,), "m2": (ANN, BOB)}.get(campaign_id, ()):
            decide.approve(ledger, held, proposal_id, actor)
    return tmp_path


def open_ledger_of(folder: Path) -> Ledger:
    settings = load_settings(folder / "adcanary.yaml")
    return open_ledger(open_warehouse(settings), settings)


def export(folder: Path, *options: str) -> Result:
    arguments = ["proposals", "export", "--config", str(folder / "adcanary.yaml"), *options]
    return CliRunner().invoke(app, [*arguments, "--format", "meta-ads-manager"])


def test_each_account_has_a_file_of_its_own_and_the_rollback_another(folder: Path) -> None:
    assert isinstance(refused := export(folder).exception, UsageError)
    assert "changes of 2 accounts (a, b)" in refused.message
    done = export(folder, "--out", str(folder / "do.csv"))
    assert done.exit_code == 0
    assert (folder / "do-a.csv").read_bytes() == (
        b"Campaign ID,Campaign Name,Campaign Daily Budget\r\ncg:m1,m1,760.00\r\n"
    )
    assert (folder / "do-b.csv").read_bytes() == (
        b"Campaign ID,Campaign Name,Campaign Status\r\ncg:m2,m2,PAUSED\r\n"
    )
    # a file from before is never written over, nor left for a newer one
    assert isinstance(export(folder, "--out", str(folder / "do.csv")).exception, UsageError)

    # once landing shows both as done, only the rollback is left to write
    execute(
        open_ledger_of(folder),
        "UPDATE marts.dim_campaign SET daily_budget_micros = 760000000 WHERE campaign_id = 'm1'",
        "UPDATE marts.dim_campaign SET campaign_status = 'PAUSED' WHERE campaign_id = 'm2'",
    )
    assert "No recorded change of meta_ads is left to write." in export(folder).stdout
    undone = export(folder, "--rollback", "--account", "a")
    assert undone.stdout == "Campaign ID,Campaign Name,Campaign Daily Budget\ncg:m1,m1,800.00\n"
    assert "cg:m2,m2,ACTIVE" in export(folder, "--rollback", "--account", "b").stdout


def test_only_changes_since_a_day_are_written(folder: Path) -> None:
    assert "cg:m1" in export(folder, "--account", "a", "--since", "2026-07-01").stdout
    assert "No recorded change" in export(folder, "--since", "2026-07-02").stdout


def test_nothing_is_written_from_a_ledger_that_does_not_verify(folder: Path) -> None:
    execute(
        open_ledger_of(folder), "UPDATE canary.canary_changes SET to_value = '1' WHERE field != ''"
    )
    done = export(folder, "--out", str(folder / "do.csv"))
    assert isinstance(done.exception, IntegrityError)
    assert not list(folder.glob("do*.csv"))
