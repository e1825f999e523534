"""`adcanary doctor` and `migrate` on BigQuery, over its wire protocol."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.config import load_settings
from pipelines.contracts import load_contracts
from pipelines.warehouse import open_warehouse
from tests.wire.bigquery_emulator import Emulator
from tests.wire.bigquery_proxy import BigQueryProxy

pytestmark = pytest.mark.emulator


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[BigQueryProxy]:
    with BigQueryProxy(emulator.rest_url) as running:
        yield running


@pytest.fixture
def config(proxy: BigQueryProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of an empty BigQuery project, and of no source."""
    monkeypatch.setenv("ADCANARY_HASH_SALT", "the salt of this test")
    path = tmp_path / "adcanary.yaml"
    project = f"test-{uuid.uuid4().hex[:12]}"
    warehouse = {"kind": "bigquery", "project": project, "api_endpoint": proxy.url}
    path.write_text(yaml.safe_dump({"warehouse": warehouse}))
    return path


def run(config: Path, *command: str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, [*command, "--format", "json", "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def test_a_permission_that_is_missing_on_a_dataset_is_found(
    config: Path, proxy: BigQueryProxy
) -> None:
    open_warehouse(load_settings(config))
    code, rows = run(config, "doctor", "permission")
    statuses = {row["name"]: row["status"] for row in rows}
    datasets = {contract.dataset for contract in load_contracts().values()}
    assert code == 0
    # the stages' dataset is empty: there is no table to ask about
    assert statuses == {
        **{f"permission:{dataset}": "ok" for dataset in datasets},
        "permission:landing_stage": "skip",
        "permission:query": "ok",
    }
    proxy.denied = {"canary": {"bigquery.tables.updateData"}}
    code, rows = run(config, "doctor", "permission")
    (failing,) = [row for row in rows if row["status"] == "fail"]
    assert (code, failing["name"]) == (1, "permission:canary")
    assert "bigquery.tables.updateData" in failing["message"]


def test_what_drifted_is_found_and_migrated_as_far_as_it_is_additive(config: Path) -> None:
    contracts = load_contracts()
    orders, rates = contracts["raw.orders"], contracts["raw.fx_rates"]
    warehouse = open_warehouse(load_settings(config), create=False)
    others = [c for c in contracts.values() if c not in (orders, rates)]
    gone, typed = (
        others[0],
        [replace(c, type="FLOAT64") if c.name == "rate_text" else c for c in rates.columns],
    )
    warehouse.create_tables(
        [
            *others[1:],
            replace(orders, columns=tuple(c for c in orders.columns if c.name != "_extra")),
            replace(rates, columns=tuple(typed), description="As it was"),
        ]
    )
    code, rows = run(config, "doctor", "contract", "salt", "backup", "disk")
    statuses = {row["name"]: row["status"] for row in rows}
    assert code == 1
    assert statuses == {
        f"contract:{gone.table}": "warn",
        "contract:raw.orders": "warn",
        "contract:raw.fx_rates": "fail",
        "salt": "ok",
        "backup": "skip",
        "disk": "skip",
    }
    code, rows = run(config, "migrate")
    done = {(row["table"], row["action"], row["column"]) for row in rows if row["done"]}
    assert (code, done) == (
        1,
        {
            (gone.table, "create", None),
            ("raw.orders", "add column", "_extra"),
            ("raw.fx_rates", "describe", None),
        },
    )
    code, rows = run(config, "migrate", "--dry-run")
    assert [(row["table"], row["column"], row["done"]) for row in rows] == [
        ("raw.fx_rates", "rate_text", False)
    ]
    assert rows[0]["difference"] == "rate_text is FLOAT64; its contract says STRING"


def test_a_project_that_does_not_answer_is_a_finding_and_exit_code_3(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.warehouse import bigquery

    monkeypatch.setattr(bigquery, "_RETRY", bigquery._RETRY.with_timeout(0.5))
    settings = yaml.safe_load(config.read_text())
    settings["warehouse"]["api_endpoint"] = "http://127.0.0.1:9"
    config.write_text(yaml.safe_dump(settings))
    code, rows = run(config, "doctor", "contract", "permission", "version")
    assert code == 3
    failing = {row["name"] for row in rows if row["status"] == "fail"}
    assert failing == {"contract", "permission:query"}
