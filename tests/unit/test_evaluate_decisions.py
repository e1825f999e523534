"""`adcanary evaluate bandit` without a log: the job's decisions in a sandbox, by its ads' truth."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.config import load_settings
from pipelines.contracts import load_contract
from pipelines.errors import InputError, UsageError
from pipelines.jobs.run import run_job
from pipelines.sandbox.market.market import Market
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.bandit_rows import ADS, LAGS

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)
STATE = {"seed": 7, "start": "2025-01-01", "end": "2026-06-30", "scale": 1.0}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A sandbox's file with its ads in the marts, and its configuration."""
    (tmp_path / "ga4").mkdir()
    (tmp_path / "ga4" / ".export.json").write_text(json.dumps(STATE))
    path = tmp_path / "adcanary.yaml"
    path.write_text(
        f"warehouse: {{path: {tmp_path / 'w.duckdb'}}}\nnow: 2026-07-01T09:00:00Z\n"
        f"sources:\n  ga4_export: {{path: {tmp_path / 'ga4'}, property_id: '1', time_zone: UTC}}\n"
    )
    market = Market()
    days = (AS_OF - timedelta(days=119), AS_OF, AS_OF + timedelta(days=1))
    rows = [
        {
            "platform": account.platform,
            "account_id": account.account_id,
            "finest_level": "ad",
            "reporting_currency_code": "USD",
            "cost_reporting_micros": row["cost_micros"],
            **row,
        }
        for account in market.accounts
        for row in market.ad_days(account.account_id, *days).to_pylist()
    ]
    names = ("bandit_decisions", "job_runs")
    DuckDBWarehouse(tmp_path / "w.duckdb").create_tables(
        [load_contract(f"contracts.{name}") for name in names]
    )
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("CREATE SCHEMA marts")
        for name, schema, own in (
            ("fct_ad_spend_by_ad_daily", ADS, rows),
            ("ga4_lagged_daily", LAGS, []),
        ):
            wanted = [{column: row[column] for column in schema.names} for row in own]
            connection.register("given", pa.Table.from_pylist(wanted, schema))
            connection.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM given")
    return path


def test_decisions_that_pass_gain_conversions_by_the_true_rates(config: Path) -> None:
    settings = load_settings(config)
    warehouse = DuckDBWarehouse(settings.warehouse.path)
    done = run_job(warehouse, settings, "bandits", AS_OF)
    assert done.verdict == "PASS", done.reason
    command = ["evaluate", "bandit", "--config", str(config)]
    result = CliRunner().invoke(app, [*command, "--format", "json"])
    assert result.exit_code == 0, result.output
    score = json.loads(result.output)
    for kind in ("creative", "ad_group"):
        assert score[kind]["passed"] == done.diagnostics[f"{kind}_groups_passed"] > 5
        assert 0.05 < score[kind]["gain_passed"] < score[kind]["best_gain_passed"]
    assert "share of the best" in CliRunner().invoke(app, command).output


def test_a_sandbox_whose_job_has_not_run_has_nothing_to_score(config: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", "bandit", "--config", str(config)])
    assert isinstance(result.exception, InputError)
    assert "has no decisions to score" in str(result.exception)


def test_a_warehouse_that_is_no_sandboxs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "adcanary.yaml"
    path.write_text(f"warehouse: {{path: {tmp_path / 'w.duckdb'}}}\n")
    DuckDBWarehouse(tmp_path / "w.duckdb").create_tables([load_contract("contracts.job_runs")])
    result = CliRunner().invoke(app, ["evaluate", "bandit", "--config", str(path)])
    assert isinstance(result.exception, UsageError)
    assert "there is no truth to score its decisions against" in str(result.exception)
