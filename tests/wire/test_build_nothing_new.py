"""A build runs dbt where something is new, and nowhere else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import orjson
import pytest

from pipelines import build as module
from pipelines import build_record
from pipelines.build import PROJECT, artifacts_folder, build, dbt_variables
from pipelines.build_inputs import Project, states
from pipelines.build_results import BuildResult, Failure, read_built
from pipelines.config import Settings
from pipelines.errors import AuditError, StatementError
from pipelines.placeholders import SHIPPED
from pipelines.privacy.declared import Id, Kind
from pipelines.privacy.erasure import erase
from pipelines.privacy.linkage import find_person
from pipelines.privacy.nobodys import forget_placeholders
from pipelines.privacy.requests import Request
from pipelines.privacy.retention import expire
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.wire import budget_rows
from tests.wire.bigquery_emulator import Emulator
from tests.wire.built_rows import Built, settings_in
from tests.wire.raw_rows import GOOGLE, campaign_day, insert, publish

pytestmark = pytest.mark.xdist_group("build")

NO_DBT = (sys.executable, "-c", "pass")
# Whoever starts dbt is told so by the error of a dbt that ended early.
STARTED = pytest.raises(StatementError, match="dbt ended before it was done")
MART = "marts.fct_ad_spend_daily"
NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def settings(built: Built, tmp_path: Path) -> Settings:
    """A copy of a warehouse that was built."""
    shutil.copy(built.settings.warehouse.path, tmp_path / "w.duckdb")
    return settings_in(tmp_path)


@pytest.fixture
def no_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DBT", NO_DBT)


def _do(warehouse: Warehouse, *sql: str) -> None:
    warehouse.transaction([Statement(text) for text in sql], label="test")


def _run_of(job: str) -> str:
    return (
        "INSERT INTO contracts.job_runs (job, run_id, as_of, model_version, input_snapshot, "
        "verdict, reason, settings, diagnostics, finished_at) VALUES "
        f"('{job}', 'r', DATE '2025-03-01', '1', 's', 'PASS', '-', '{{}}', '{{}}', "
        "TIMESTAMP '2025-03-02 00:00:00+00')"
    )


@pytest.mark.usefixtures("no_dbt")
def test_nothing_new_starts_no_dbt_and_says_what_stands(built: Built, settings: Settings) -> None:
    lines: list[str] = []
    again = build(settings, on_progress=lines.append)
    assert again == replace(built.result, seconds=again.seconds, since=again.since)
    (row,) = open_warehouse(settings).query(f"SELECT * FROM {build_record.TABLE}").to_pylist()
    assert row["verdict"] == "PASS"
    assert row["finished_at"] == again.since
    assert lines == []
    assert str(again).startswith(
        f"Nothing new since the build of {again.since:%Y-%m-%d %H:%M} UTC: {again.models} models "
        f"and {again.tests} passed tests stand, "
    )


@pytest.mark.usefixtures("no_dbt")
def test_what_no_model_keeps_is_nothing_new(settings: Settings) -> None:
    warehouse = open_warehouse(settings)
    _do(warehouse, "UPDATE raw.load_ledger SET pulled_at = CURRENT_TIMESTAMP() WHERE TRUE")
    _do(warehouse, _run_of("pacing"))
    tomorrow = settings.model_copy(update={"now": NOW})
    assert build(tomorrow).since


def _land(warehouse: Warehouse) -> None:
    last = "SELECT * REPLACE (TIMESTAMP '2026-07-01 00:00:00+00' AS published_at)"
    _do(warehouse, f"INSERT INTO raw.load_ledger {last} FROM raw.load_ledger LIMIT 1")


def _erase(warehouse: Warehouse) -> None:
    person = find_person(warehouse, [Id(Kind.USER, "A")])
    erase(warehouse, person, Request("erase", "test", "asked", NOW))


def _clear_placeholders(warehouse: Warehouse) -> None:
    _do(warehouse, "UPDATE raw.orders SET gclid = 'undefined' WHERE TRUE")
    assert forget_placeholders(warehouse, "salt", SHIPPED)


def _sql(*statements: str) -> Callable[[Warehouse], None]:
    return lambda warehouse: _do(warehouse, *statements)


CHANGES: dict[str, tuple[Callable[[Warehouse], object], str]] = {
    "a batch": (_land, "raw.load_ledger"),
    "a batch in the place of another": (
        _sql("UPDATE raw.load_ledger SET published_at = CURRENT_TIMESTAMP() WHERE TRUE"),
        "raw.load_ledger",
    ),
    "a row by hand": (
        lambda w: insert(
            w, "raw.ads_campaign_performance", [campaign_day(GOOGLE, "2025-04-01", "c1", 1)]
        ),
        "raw.ads_campaign_performance",
    ),
    "an erasure": (_erase, build_record.TABLE),
    "retention": (lambda w: expire(w, date(2025, 3, 12), 1), build_record.TABLE),
    "placeholders": (_clear_placeholders, build_record.TABLE),
    "links between devices": (_sql(_run_of("identity_links")), "contracts.job_runs"),
    "rows of a mart by hand": (_sql(f"DELETE FROM {MART} WHERE TRUE"), MART),
}


@pytest.mark.usefixtures("no_dbt")
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_data_is_built(change: str, settings: Settings) -> None:
    do, told = CHANGES[change]
    do(open_warehouse(settings))
    lines: list[str] = []
    with STARTED:
        build(settings, on_progress=lines.append)
    (line,) = lines
    assert line.startswith("New since the build of ")
    assert told in line.rstrip(".").partition(" UTC: ")[2].split(", ")


def test_where_rows_alone_are_new_views_stand_and_their_tests_are_run(
    built: Built, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = open_warehouse(settings)
    publish(warehouse, "2025-04-01", "2025-04-01", [campaign_day(GOOGLE, "2025-04-01", "c1", 1)])
    result = build(settings)
    views = {name for name, state in _outputs(warehouse).items() if state is None}
    assert len(views) == result.standing > 0
    assert read_built(artifacts_folder(settings))[1] == []
    assert result.models + result.standing == built.result.models
    assert result.tests == built.result.tests
    assert f"{result.models} models built, {result.standing} views stand, " in str(result)
    day = "SELECT COUNT(*) AS n FROM marts.fct_ad_spend_daily WHERE date = DATE '2025-04-01'"
    assert warehouse.query(day)["n"].to_pylist() == [1]
    monkeypatch.setattr(module, "_DBT", NO_DBT)
    assert build(settings).models == built.result.models


def _outputs(warehouse: Warehouse) -> dict[str, list[object] | None]:
    last = build_record.last_passed(warehouse)
    assert last is not None
    outputs: dict[str, list[object] | None] = last["outputs"]
    return outputs


@pytest.mark.usefixtures("no_dbt")
@pytest.mark.parametrize(("kind", "name"), [("TABLE", MART), ("VIEW", "marts.fct_orders")])
def test_what_somebody_dropped_is_built(kind: str, name: str, settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse.path)) as connection:
        connection.execute(f"DROP {kind} {name}")
    with STARTED:
        build(settings)


@pytest.mark.usefixtures("no_dbt")
def test_other_settings_another_project_and_another_version_are_built(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with STARTED:
        build(settings.model_copy(update={"reporting_currency": "EUR"}))
    with monkeypatch.context() as patch:
        changed = shutil.copytree(PROJECT, tmp_path / "dbt")
        patch.setattr(module, "PROJECT", changed)
        assert build(settings).since
        model = changed / "models/marts/core/fct_orders.sql"
        model.write_text(model.read_text() + "-- another\n")
        with STARTED:
            build(settings)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.build_inputs.version", lambda package: f"{package} 99")
        with STARTED:
            build(settings)
    assert build(settings).since


@pytest.mark.usefixtures("no_dbt")
def test_who_says_what_to_build_gets_it_built(settings: Settings) -> None:
    with STARTED:
        build(settings, full_refresh=True)
    with STARTED:
        build(settings, select="fct_orders")
    assert build(settings).since, "a build that was killed left the DuckDB file as it was"


def test_after_a_build_of_some_models_and_after_one_that_failed_everything_is_built(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = open_warehouse(settings)
    build(settings, select="stg_ads__campaign_performance,resource_type:model")
    with monkeypatch.context() as patch, STARTED:
        patch.setattr(module, "_DBT", NO_DBT)
        build(settings)
    _do(warehouse, f"DELETE FROM {build_record.TABLE} WHERE selection IS NOT NULL")
    spend = campaign_day(GOOGLE, "2025-03-03", "c1", 1_000_001)
    insert(warehouse, "raw.ads_campaign_performance", [spend])
    with pytest.raises(AuditError):
        build(settings, select="stg_ads__campaign_performance", full_refresh=True)
    same = "campaign_id = 'c1' AND date = DATE '2025-03-03'"
    _do(warehouse, f"DELETE FROM raw.ads_campaign_performance WHERE {same}")
    insert(warehouse, "raw.ads_campaign_performance", [spend])
    verdicts = warehouse.query(f"SELECT verdict FROM {build_record.TABLE}")["verdict"]
    assert sorted(verdicts.to_pylist()) == ["FAIL", "PASS"]
    monkeypatch.setattr(module, "_DBT", NO_DBT)
    lines: list[str] = []
    with STARTED:
        build(settings, on_progress=lines.append)
    assert lines[0].endswith(f": {build_record.TABLE}.")


@pytest.mark.usefixtures("no_dbt")
def test_warnings_are_told_again(settings: Settings, tmp_path: Path) -> None:
    there = tmp_path / "there.sql"
    there.write_text("select 1")
    warnings = [
        Failure("rate_is_known", "test", ("spend",), 3, "No rate is known", "Got 3", path)
        for path in (there, tmp_path / "gone.sql", None)
    ]
    stored = BuildResult(1, 1, tuple(warnings)).stored["warnings"]
    update = f"UPDATE {build_record.TABLE} SET warnings = @warnings WHERE TRUE"
    open_warehouse(settings).transaction([Statement(update, {"warnings": stored})], label="test")
    told = build(settings)
    assert told.warnings == (warnings[0], warnings[2], warnings[2])
    assert "stand, 3 warned, " in str(told)


def test_the_tables_that_count_are_those_that_models_read(built: Built) -> None:
    manifest = orjson.loads((artifacts_folder(built.settings) / "manifest.json").read_bytes())
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "test")]
    read = {
        f"{manifest['sources'][i]['schema']}.{manifest['sources'][i]['name']}"
        for node in nodes
        for i in node["depends_on"]["nodes"]
        if i in manifest["sources"]
    }
    sources = Project(PROJECT, "", "duckdb").sources
    assert {s for s in sources if s != build_record.TABLE} == read
    of_jobs = [
        node["raw_code"]
        for node in nodes
        if "source.adcanary.contracts.job_runs" in node["depends_on"]["nodes"]
    ]
    assert of_jobs
    assert all("job = 'identity_links'" in sql for sql in of_jobs)


@pytest.mark.emulator
def test_on_bigquery_nothing_new_starts_no_dbt_and_a_batch_does(
    emulator: Emulator, tmp_path: Path, no_dbt: None
) -> None:
    settings = Settings(
        warehouse=budget_rows.settings(emulator.rest_url), path=tmp_path / "adcanary.yaml"
    )
    warehouse = open_warehouse(settings)
    with STARTED:
        build(settings)  # nothing was built yet
    _do(
        warehouse,
        "CREATE SCHEMA IF NOT EXISTS marts",
        "CREATE OR REPLACE TABLE marts.fct_orders AS SELECT 1 AS n",
        "CREATE OR REPLACE VIEW marts.dim_campaign AS SELECT n FROM marts.fct_orders",
    )
    project = Project(PROJECT, dbt_variables(settings), "bigquery")
    inputs = project.digests | states(warehouse, project.sources)
    build_id = build_record.begin(warehouse, inputs, None)
    outputs = states(warehouse, ["marts.fct_orders"], ["marts.dim_campaign"])
    assert outputs == {"marts.fct_orders": [1, None], "marts.dim_campaign": None}
    stored = BuildResult(1, 2, ()).stored
    build_record.end(warehouse, build_id, "PASS", outputs=orjson.dumps(outputs).decode(), **stored)
    result = build(settings)
    assert (result.models, result.tests) == (1, 2)
    assert result.since
    insert(warehouse, "raw.orders", [{"order_id": "o"}])
    with STARTED:
        build(settings)
