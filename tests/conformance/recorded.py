"""The GoogleSQL that the Python rooms send, recorded while commands run on DuckDB.

What a warehouse is handed is GoogleSQL on either engine; a transaction is recorded as the script
that BigQuery is sent.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from pipelines.cli import report
from pipelines.cli.main import app
from pipelines.config import Settings, load_settings
from pipelines.contracts import Contract, load_contract, load_contracts
from pipelines.jobs.registry import JOBS
from pipelines.jobs.run import run_job, with_plot_problem
from pipelines.proposals.checkpoint import Memory, basis
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.review.shelf import Shelf
from pipelines.warehouse import Statement
from pipelines.warehouse.base import Question, insert_row
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.googlesql import asked, script
from tests.conformance.catalogue import Catalogue
from tests.conformance.project import duckdb_columns, to_duckdb
from tests.conformance.statements import ROOT, Sent
from tests.unit import people

PIPELINES = ROOT / "pipelines"
MAPPING = ROOT / "infra" / "mappings" / "meta_kag.yaml"
EXPORT = (
    "Date,ad_id,xyz_campaign_id,fb_campaign_id,age,gender,interest,Impressions,Clicks,Spent,"
    "Total_Conversion,Approved_Conversion\n"
    "17-08-2023,1,916,103916,30-34,M,15,7350,1,1.43,2,1\n"
)
_MORE_ADS = "".join(
    f"17-08-2023,{ad},917,103917,30-34,M,15,7350,1,{cost},2,1\n"
    for ad, cost in ((2, "2.00"), (3, "3.00"), (4, "20000000.00"))
)
CONFIG = """
warehouse: {path: w.duckdb}
now: 2026-07-01T09:00:00Z
policy: policy.yaml
"""
POLICY = """
guardrails: {cac_ceiling_micros: 200000000}
people: {admins: [ada], approvers: {all: [ann]}}
"""
# the rooms that reach BigQuery otherwise, or never
_ELSEWHERE = ("warehouse", "sandbox", "sources")
_TYPES = {bool: "BOOL", int: "INT64", float: "FLOAT64", datetime: "TIMESTAMP", date: "DATE"}


@contextmanager
def recording() -> Iterator[list[Sent]]:
    """What every DuckDB warehouse of this process is handed, in order."""
    sent: list[Sent] = []
    query, transaction, stage, stage_file = (
        DuckDBWarehouse.query,
        DuckDBWarehouse.transaction,
        DuckDBWarehouse.stage,
        DuckDBWarehouse.stage_file,
    )

    def recorded_query(
        self: DuckDBWarehouse, sql: str, params: Mapping[str, Any] | None = None
    ) -> pa.Table:
        if _asks_for_itself():
            return query(self, sql, params)
        types = {name: _TYPES.get(type(value), "STRING") for name, value in (params or {}).items()}
        sent.append(Sent(sql, _caller(), params=types))
        return query(self, sql, params)

    def recorded_transaction(
        self: DuckDBWarehouse,
        statements: Sequence[Statement],
        *,
        label: str,
        first: Question | None = None,
    ) -> Mapping[str, int]:
        # the analyzer knows no variables: what is asked is heard apart, and what has its answer
        # takes a number for it
        if first is not None:
            sent.append(Sent(asked(first), _caller()))
        answer = dict.fromkeys(first.columns if first else (), 0)
        known = [replace(one, params=one.values(answer)) for one in statements]
        sent.append(Sent(script(known), _caller()))
        return transaction(self, statements, label=label, first=first)

    def recorded_stage(
        self: DuckDBWarehouse, contract: Contract, name: str, rows: pa.Table | Path
    ) -> str:
        return staged(contract, stage(self, contract, name, rows))

    def recorded_stage_file(
        self: DuckDBWarehouse, contract: Contract, name: str, path: Path
    ) -> str:
        return staged(contract, stage_file(self, contract, name, path))

    def staged(contract: Contract, made: str) -> str:
        columns = {column.name: column.type for column in contract.columns}
        sent.append(Sent("", "a stage", makes=(tuple(made.split(".")), columns)))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBWarehouse, "query", recorded_query)
        patch.setattr(DuckDBWarehouse, "transaction", recorded_transaction)
        patch.setattr(DuckDBWarehouse, "stage", recorded_stage)
        patch.setattr(DuckDBWarehouse, "stage_file", recorded_stage_file)
        yield sent


def run_commands(folder: Path, marts: Catalogue) -> list[Sent]:
    """Run the commands of a data engineer and an approver; what they sent.

    Args:
        marts: what the models give; the jobs and proposals read it, empty.
    """
    path = folder / "w.duckdb"
    warehouse = people.fill(path)
    warehouse.create_tables(load_contracts().values())
    _make_marts(path, marts)
    _add_evidence(warehouse)
    # a row that no event recorded: the ledger would be broken, and nothing proposed
    warehouse.transaction([Statement("DELETE FROM canary.canary_changes WHERE TRUE")], label="test")
    (folder / "adcanary.yaml").write_text(CONFIG)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "export.csv").write_text(EXPORT)
    export = ("--platform", "meta_ads", "--path", str(folder / "export.csv"))
    there = _tables(path, marts)
    with recording() as sent, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADCANARY_CONFIG", str(folder / "adcanary.yaml"))
        patch.setenv("ADCANARY_HASH_SALT", people.SALT)
        patch.setenv("ADCANARY_USER", "carol")
        patch.chdir(folder)
        days = ("--start", "2023-08-17", "--end", "2023-08-17")
        files = ("ingest", "files", *export, "--mapping", str(MAPPING), *days)
        _run(*files, "--backfill", "--why", "x")
        (folder / "export.csv").write_text(EXPORT.replace("1.43", "1.44"))
        _run(*files)
        # some ads of some campaigns, one of which is set aside: its spend was not in micros
        (folder / "ads.csv").write_text(EXPORT + _MORE_ADS)
        some = MAPPING.read_text().replace("campaign_totals: sum_of_ads", "complete: false")
        (folder / "ads.yaml").write_text(some)
        ads = ("--platform", "meta_ads", "--path", str(folder / "ads.csv"))
        _run("ingest", "files", *ads, "--mapping", str(folder / "ads.yaml"))
        _run("ingest", "files", *ads, "--mapping", str(folder / "ads.yaml"))
        _run("policy", "set", "--as", "ada")
        _run("policy", "show")
        _run("propose")
        for proposal in _proposals(warehouse):
            _run("proposals", "show", proposal)
            _run("proposals", "approve", proposal, "--as", "ann")
            _run("proposals", "request-changes", proposal, "--as", "ann", "--comment", "x")
        _run("stop", "--why", "x", "--as", "ann")
        _run("resume", "--why", "x", "--as", "ada")
        for command in (("proposals", "list"), ("scorecard",), ("audit", "verify")):
            _run(*command)
        _run("audit", "anchor", "--accept", "--as", "ada")
        for job in JOBS:
            _run("job", job)
        for command in ("tune", "discover"):
            _run("rules", command)
        settings = load_settings()
        run = run_job(warehouse, settings, "pacing", settings.yesterday())
        with_plot_problem(warehouse, run, "no font")
        _show(warehouse, settings)
        _run("privacy", "export", "--person", people.ADA_USER, "--reason", "x")
        _run("privacy", "erase", "--person", people.ADA_EMAIL, "--yes")
        _run("privacy", "expire", "--days", "20")
        _run("privacy", "requests")
        _run("query", "SELECT order_id FROM raw.orders")
        for command in ("doctor", "monitor", "metrics"):
            _run(command)
    return [*there, *sent]


def _show(warehouse: DuckDBWarehouse, settings: Settings) -> None:
    """What people look at, the report and the review page; and what its decisions rest on."""
    report.print_loaded(warehouse)
    report.print_verdicts(warehouse)
    Shelf(settings).refresh()
    ledger = open_ledger(warehouse, settings, Memory())
    for _ in range(2):  # the second goes on from the first
        basis(ledger)


def call_sites() -> set[str]:
    """The functions of pipelines/ that hand SQL to a warehouse, named as by :func:`_caller`."""
    found: set[str] = set()
    for path in PIPELINES.rglob("*.py"):
        if path.relative_to(PIPELINES).parts[0] in _ELSEWHERE:
            continue
        for function, names in _functions(ast.parse(path.read_text()), ()):
            calls = [n.func for n in ast.walk(function) if isinstance(n, ast.Call)]
            if any(_is_sent(call) for call in calls):
                found.add(f"{path.relative_to(ROOT)}:{names}")
    return found


def _functions(tree: ast.AST, within: tuple[str, ...]) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, (*within, node.name))
        elif isinstance(node, ast.FunctionDef):
            yield node, ".".join((*within, node.name))


def _is_sent(call: ast.expr) -> bool:
    return (
        isinstance(call, ast.Attribute)
        and call.attr in ("query", "transaction")
        and ast.unparse(call.value).endswith("warehouse")
    )


def _asks_for_itself() -> bool:
    """Whether DuckDB's warehouse asks what BigQuery's learns from its API."""
    return Path(sys._getframe(2).f_code.co_filename).is_relative_to(PIPELINES / "warehouse")


def _caller() -> str:
    """The function outside of the warehouse that asked: file and qualified name."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        path = Path(frame.f_code.co_filename)
        room = path.relative_to(PIPELINES).parts[0] if path.is_relative_to(PIPELINES) else None
        if room not in (None, "warehouse"):
            name = frame.f_code.co_qualname.split(".<locals>")[0]
            return f"{path.relative_to(ROOT)}:{name}"
        frame = frame.f_back
    return "tests"


def _run(*arguments: str) -> None:
    """Run a command; it may refuse for want of data, what it sent before is recorded."""
    CliRunner().invoke(app, list(arguments))


def _tables(path: Path, known: Catalogue) -> list[Sent]:
    """The tables of a file that a catalogue hasn't."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = duckdb_columns(connection)
    return [
        Sent("", "a table", makes=(table, columns))
        for table, columns in found.items()
        if table not in known.tables
    ]


def _make_marts(path: Path, marts: Catalogue) -> None:
    with duckdb.connect(str(path)) as connection:
        for (dataset, *rest), columns in marts.tables.items():
            if dataset == "marts":
                listed = ", ".join(f'"{name}" {to_duckdb(t)}' for name, t in columns.items())
                connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
                connection.execute(f'CREATE OR REPLACE TABLE marts."{rest[0]}" ({listed})')


def _add_evidence(warehouse: DuckDBWarehouse) -> None:
    """Results of the jobs from which a shift and a pause are proposed."""
    known: dict[str, Any] = {
        "run_id": "r1",
        "as_of": date(2026, 6, 30),
        "model_version": "1",
        "input_snapshot": "s",
        "currency_code": "USD",
    }
    done: dict[str, Any] = {
        "verdict": "PASS",
        "reason": "ok",
        "settings": "{}",
        "diagnostics": "{}",
    }
    at = datetime(2026, 7, 1, 8, tzinfo=UTC)
    rows: list[tuple[str, dict[str, Any]]] = [
        ("contracts.job_runs", {**known, **done, "job": job, "finished_at": at})
        for job in ("mmm", "pacing", "bandits", "rules", "uplift", "clustering", "creatives")
    ]
    published = dict.fromkeys(("pulled_at", "staged_at", "published_at"), at)
    counts = dict.fromkeys(("row_count", "restated_rows", "dropped_rows"), 1)
    days = {"window_start": date(2026, 1, 1), "window_end": date(2026, 6, 30)}
    load = {"source": "google_ads", "table_name": "raw.ads_campaign_performance", **days}
    load |= {"account_id": "g", "checksum": "x", "schema_hash": "x", **counts, **published}
    rows.append(("raw.load_ledger", {**known, **load}))
    for channel, weekly, orders in (("google_ads", 7_350, 5.0), ("meta_ads", 6_650, -2.0)):
        allocation = {
            "channel": channel,
            "current_weekly_micros": 7_000_000_000,
            "proposed_weekly_micros": weekly * 1_000_000,
            "binding": "UPPER",
            "order_value_micros": 80_000_000,
            **dict.fromkeys(("lower_micros", "upper_micros"), 1),
            **{f"delta_orders_p{p}": orders * p / 50 for p in (10, 50, 90)},
        }
        rows.append(("contracts.mmm_allocations", {**known, **allocation}))
    for table, row in rows:
        contract = load_contract(table)
        fitting = {name: value for name, value in row.items() if name in contract.column_names}
        warehouse.transaction([insert_row(contract, fitting)], label="test")
    campaigns = " UNION ALL ".join(
        f"SELECT '{platform}', '{account}', '{campaign}', '{campaign}', 'ENABLED', {budget}, 'USD'"
        for platform, account, campaign, budget in (
            ("google_ads", "g", "g1", 1_000_000_000),
            ("meta_ads", "a", "m1", 800_000_000),
        )
    )
    columns = "platform, account_id, campaign_id, campaign_name, campaign_status, "
    statements = [
        f"INSERT INTO marts.dim_campaign ({columns}daily_budget_micros, currency_code) {campaigns}",
        "INSERT INTO marts.ads_account_days (platform, account_id, date) "
        "SELECT platform, account_id, DATE '2026-06-30' FROM marts.dim_campaign",
        "INSERT INTO marts.identity_components (node, component_id) "
        f"VALUES ('user_id|{people.ADA['user']}', 'ada')",
        "INSERT INTO marts.media_plans (account_id, plan_id, line_id, platform, "
        "planned_campaign_name, start_date, end_date, planned_spend_micros, currency_code) "
        "SELECT 'team', 'p', '1', 'google_ads', 'g1', DATE '2026-01-01', DATE '2026-12-31', 1, "
        "'USD'",
    ]
    warehouse.transaction([Statement(sql) for sql in statements], label="test")


def _proposals(warehouse: DuckDBWarehouse) -> list[str]:
    found = warehouse.query("SELECT DISTINCT proposal_id FROM canary.canary_proposals ORDER BY 1")
    return list(found["proposal_id"].to_pylist())
