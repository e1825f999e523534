"""dbt on DuckDB, from a few raw rows whose marts were worked out by hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
import yaml

from pipelines.build import (
    PROJECT,
    artifacts_folder,
    build,
    dbt_environment,
    dbt_variables,
)
from pipelines.build_results import meaning_of
from pipelines.errors import AuditError, StatementError, UsageError, WarehouseLocked
from pipelines.warehouse import open_warehouse
from tests.bench.incremental_cost import rows_kept
from tests.wire.built_rows import Built, settings_in
from tests.wire.raw_rows import GOOGLE, campaign_day, event, fill, insert

# One worker: the tests below read what one build made.
pytestmark = pytest.mark.xdist_group("build")

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def _rows(built: Built, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = open_warehouse(built.settings).query(sql).to_pylist()
    return rows


def test_everything_is_counted_and_every_tenth_reported_as_it_finishes(built: Built) -> None:
    result, progress = built.result, built.progress
    models = list((PROJECT / "models").rglob("*.sql"))
    assert result.models == len(models)
    assert result.tests > 0
    assert result.warnings == ()
    seeds = list((PROJECT / "seeds").glob("*.csv"))
    total = result.models + result.tests + len(seeds)
    assert [line.split(" ", 3)[:3] for line in progress] == [
        [str(n), "of", str(total)] for n in range(10, total + 1, 10)
    ]


def test_every_test_says_in_words_what_its_rows_are(built: Built) -> None:
    manifest = orjson.loads((artifacts_folder(built.settings) / "manifest.json").read_bytes())
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    assert len(tests) == built.result.tests
    assert [n["name"] for n in tests if not meaning_of(n, manifest["macros"])] == []


def test_the_build_leaves_the_file_to_others_and_nothing_in_the_project(built: Built) -> None:
    with duckdb.connect(str(built.settings.warehouse.path)) as connection:
        connection.execute("SELECT 1")
    assert set(PROJECT.rglob("*")) == built.project_before


def test_no_model_compares_each_row_of_a_table_with_each_row_of_another(built: Built) -> None:
    """DuckDB hashes a join where every condition compares its two sides; one of a side alone, or
    an IN, makes it try all pairs."""
    lists_of_a_few = {"int_identity_sightings", "mmm_controls_weekly", "mmm_input_weekly"}
    compiled = artifacts_folder(built.settings) / "compiled" / "adcanary" / "models"
    all_pairs = set()
    with duckdb.connect(str(built.settings.warehouse.path), read_only=True) as connection:
        for model in PROJECT.glob("models/**/*.sql"):
            sql = (compiled / model.relative_to(PROJECT / "models")).read_text()
            (_, plan) = connection.execute(f"EXPLAIN {sql}").fetchall()[0]
            if "BLOCKWISE_NL_JOIN" in plan:
                all_pairs.add(model.stem)
    assert all_pairs <= lists_of_a_few


def test_a_day_of_a_view_on_ga4s_events_reads_the_rows_of_that_day(
    built: Built, tmp_path: Path
) -> None:
    """Not through a lateral unnest, nor a common table expression that several parts read."""
    shutil.copy(built.settings.warehouse.path, tmp_path / "w.duckdb")
    seen = {"items": [{"item_name": "shoes"}], "search_term": "shoes"}
    on_ten_days = [
        event("d1", f"10:00:{n:02}", "view_item", **seen, event_date=date(2025, 3, 10 + n))
        for n in range(10)
    ]
    insert(open_warehouse(settings_in(tmp_path)), "raw.ga4_events", on_ten_days)
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as connection:
        views = connection.execute(
            "SELECT table_name FROM duckdb_columns() WHERE schema_name = 'staging' "
            "AND column_name = 'event_date' AND starts_with(table_name, 'stg_ga4__')"
        ).fetchall()
        connection.execute("PRAGMA enable_profiling = 'no_output'")
        for (view,) in views:
            connection.execute(f"SELECT * FROM staging.{view} WHERE event_date = DATE '2025-03-15'")
            profile = orjson.loads(connection.get_profiling_information(format="json"))
            assert max(rows_kept(profile)) == 1, view
    assert views


def test_spend_is_the_landed_spend_to_the_micro(built: Built) -> None:
    rows = _rows(
        built,
        "SELECT platform, channel, date, cost_micros FROM marts.fct_ad_spend_daily ORDER BY 1, 3",
    )
    assert [(r["channel"], r["date"].day, r["cost_micros"]) for r in rows] == [
        ("google_ads", 3, 1_000_001),
        ("google_ads", 9, 2_000_002),
        ("google_ads", 10, 5),
        ("meta_ads", 4, 7),
    ]


def test_a_day_has_the_budget_in_force_and_the_present_status(built: Built) -> None:
    rows = _rows(
        built,
        "SELECT date, campaign_name, campaign_status, daily_budget_micros "
        "FROM marts.google_ads_campaign_daily ORDER BY date",
    )
    assert [tuple(r.values())[1:] for r in rows] == [
        ("Brand", "PAUSED", 100),
        ("Brand", "PAUSED", 100),
        ("Brand", "PAUSED", 200),
    ]


def test_a_campaign_that_never_ran_is_a_campaign(built: Built) -> None:
    rows = _rows(
        built,
        "SELECT campaign_id, campaign_name, daily_budget_micros, currency_code, first_date, "
        "last_date, mmm_channel FROM marts.dim_campaign ORDER BY campaign_id",
    )
    assert [tuple(r.values()) for r in rows] == [
        ("c1", "Brand", 200, "USD", date(2025, 3, 3), date(2025, 3, 10), "google_ads"),
        ("c2", "Never ran", None, "USD", None, None, "google_ads"),
        ("c9", "Social", None, "USD", date(2025, 3, 4), date(2025, 3, 4), "meta_ads"),
    ]


def test_a_covered_day_is_known_once_with_or_without_delivery(built: Built) -> None:
    rows = _rows(
        built,
        "SELECT account_id, COUNT(*) AS days, MIN(date) AS first, MAX(date) AS last "
        "FROM marts.ads_account_days GROUP BY 1 ORDER BY 1",
    )
    assert [tuple(r.values()) for r in rows] == [
        ("g1", 14, date(2025, 3, 3), date(2025, 3, 16)),
        ("m1", 10, date(2025, 3, 3), date(2025, 3, 12)),
    ]


def test_weeks_are_dense_net_of_refunds_and_incomplete_where_an_account_is_missing(
    built: Built,
) -> None:
    rows = _rows(
        built,
        "SELECT week_start, channel, spend_micros, orders, new_customers, revenue_micros, "
        "is_complete FROM marts.mmm_input_weekly ORDER BY 1, 2",
    )
    first, second = date(2025, 3, 3), date(2025, 3, 10)
    assert [tuple(r.values()) for r in rows] == [
        (first, "google_ads", 3_000_003, 1, 1, 7_000_000, True),
        (first, "meta_ads", 7, 1, 1, 7_000_000, True),
        (second, "google_ads", 5, 3, 0, 6_000_000, False),
        (second, "meta_ads", 0, 3, 0, 6_000_000, False),
    ]


def test_an_order_belongs_to_its_customer_else_to_whoever_used_its_address(built: Built) -> None:
    rows = _rows(built, "SELECT order_id, person_id, person_method FROM marts.fct_orders")
    person = {r["order_id"]: r["person_id"] for r in rows}
    assert person["o1"] == person["o2"] == person["o5"] is not None
    assert person["o4"] not in (None, person["o1"])
    assert person["o3"] is None
    # An order that names nobody is a person of its own.
    assert person["o6"] not in (None, person["o1"], person["o4"])


def test_a_shared_device_belongs_to_its_last_user_and_is_listed_as_a_conflict(
    built: Built,
) -> None:
    identity = {
        (r["node_type"], r["node_id"]): r for r in _rows(built, "SELECT * FROM marts.identity_map")
    }
    device = {
        r["user_pseudo_id"]: identity["device", r["client_key"]]
        for r in _rows(
            built,
            "SELECT DISTINCT user_pseudo_id, client_key FROM staging.stg_ga4__events "
            "WHERE client_key IS NOT NULL",
        )
    }
    assert device["d1"]["person_id"] == identity["user_id", "B"]["person_id"]
    # One of the device's two signed-in events is of this user.
    assert (device["d1"]["method"], device["d1"]["confidence"]) == ("last_seen_on", 0.5)
    assert device["d2"]["person_id"] == identity["email_hash", "EB"]["person_id"]
    assert (device["d2"]["method"], device["d2"]["confidence"]) == ("own", 1.0)
    assert (device["d3"]["method"], device["d3"]["confidence"]) == ("own", 1.0)
    assert identity["email_hash", "EA"]["person_id"] == identity["user_id", "A"]["person_id"]
    assert ("user_id", "T") not in identity
    conflicts = _rows(built, "SELECT * FROM marts.identity_conflicts ORDER BY is_chosen")
    assert [(r["node_id"], r["person_id"], r["is_chosen"]) for r in conflicts] == [
        (device["d1"]["node_id"], identity["user_id", "A"]["person_id"], False),
        (device["d1"]["node_id"], identity["user_id", "B"]["person_id"], True),
    ]


def test_a_session_ends_after_30_minutes_and_a_repeated_event_counts_once(built: Built) -> None:
    rows = _rows(
        built,
        "SELECT start_tstamp, events, page_views, is_engaged, default_channel_group, "
        "ad_platform, purchase_revenue_micros FROM marts.journey_sessions ORDER BY 1",
    )
    assert [(r.pop("start_tstamp").strftime("%H:%M:%S"), *r.values()) for r in rows] == [
        ("10:00:00", 3, 2, True, "Direct", None, 0),
        ("11:00:01", 1, 1, False, "Direct", None, 0),
        ("12:00:00", 1, 1, False, "Paid Search", "google_ads", 0),
        ("13:00:00", 1, 0, True, "Direct", None, 19_990_000),
    ]
    daily = _rows(built, "SELECT SUM(sessions) AS n, SUM(purchases) AS p FROM marts.ga4_daily")
    assert daily == [{"n": 4, "p": 1}]


def test_every_column_is_described_and_described_columns_are_the_real_ones(built: Built) -> None:
    manifest = orjson.loads((artifacts_folder(built.settings) / "manifest.json").read_bytes())
    models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    real: dict[str, set[str]] = {}
    with duckdb.connect(str(built.settings.warehouse.path), read_only=True) as connection:
        for schema, table, column in connection.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        ).fetchall():
            real.setdefault(f"{schema}.{table}", set()).add(column)
    for model in models:
        assert model["description"], model["name"]
        undescribed = [c for c, v in model["columns"].items() if not v["description"]]
        assert not undescribed, model["name"]
        assert set(model["columns"]) == real[f"{model['schema']}.{model['name']}"], model["name"]


def test_integers_of_the_marts_have_64_bits(built: Built) -> None:
    with duckdb.connect(str(built.settings.warehouse.path), read_only=True) as connection:
        types = connection.execute(
            "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'marts'"
        ).fetchall()
    assert {t for (t,) in types} == {
        "BIGINT",
        "BOOLEAN",
        "DATE",
        "DOUBLE",
        "TIMESTAMP WITH TIME ZONE",
        "VARCHAR",
    }


def test_the_unit_tests_of_the_models_pass(built: Built) -> None:
    folder = artifacts_folder(built.settings)
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()"),
            "--no-use-colors",
            f"--log-path={folder}",
            "test",
            "--select=test_type:unit",
            f"--project-dir={PROJECT}",
            f"--profiles-dir={PROJECT}",
            f"--target-path={folder}",
            f"--vars={dbt_variables(built.settings)}",
        ],
        env=dbt_environment(built.settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    written = [yaml.safe_load(p.read_text()) for p in (PROJECT / "models").rglob("*.yml")]
    unit_tests = sum(len(y.get("unit_tests", [])) for y in written)
    assert f"PASS={unit_tests} WARN=0 ERROR=0" in done.stdout


def test_a_failed_test_is_named_with_its_rows_and_marts_behind_it_stay(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    twice = [campaign_day(GOOGLE, "2025-03-03", "c1", 1)] * 2
    insert(open_warehouse(settings), "raw.ads_campaign_performance", twice)
    with pytest.raises(AuditError) as raised:
        build(settings, select="stg_ads__campaign_performance+1 fct_ad_spend_daily")
    message = str(raised.value)
    assert "grain_stg_ads__campaign_performance" in message
    assert "1 failing row(s)" in message
    assert "fct_ad_spend_daily" in message.partition("Unchanged: ")[2]
    compiled = Path(message.partition("SQL: ")[2].partition("\n")[0])
    assert "having count(*) > 1" in compiled.read_text()


def test_a_selection_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'fct_misspelt'"):
        build(settings_in(tmp_path), select="fct_misspelt")


def _hold(path: Path) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_build_says_who_holds_the_file(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, lock_timeout_seconds=0.3)
    open_warehouse(settings)
    holder = _hold(settings.warehouse.path)
    try:
        with pytest.raises(WarehouseLocked, match=f"process {holder.pid}"):
            build(settings)
    finally:
        holder.communicate()


BUILDER = """
import sys
from pathlib import Path
from pipelines.build import build
from pipelines.build_results import meaning_of
from pipelines.config import Settings, WarehouseSettings
build(Settings(warehouse=WarehouseSettings(path=Path(sys.argv[1]))), on_progress=print)
"""


def _wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_build_takes_dbt_with_it_and_changes_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    fill(open_warehouse(settings))
    path = settings.warehouse.path
    with subprocess.Popen([sys.executable, "-u", "-c", BUILDER, path], stdout=subprocess.PIPE) as b:
        assert b.stdout is not None
        assert b"of" in b.stdout.readline()  # ten models are there
        dbt = int(Path(f"/proc/{b.pid}/task/{b.pid}/children").read_text())
        impatient = open_warehouse(settings_in(tmp_path, lock_timeout_seconds=0.3), create=False)
        assert not {"staging", "marts"} & set(impatient.datasets()), "others read what was there"
        with pytest.raises(WarehouseLocked, match=f"process {b.pid}"):
            impatient.drop_stages(["landing_stage.none"])
        before = path.read_bytes()
        b.kill()
    _wait_for(lambda: not Path(f"/proc/{dbt}").exists(), seconds=5)
    assert path.read_bytes() == before
    assert build(settings, select="stg_ads__campaign_performance").models == 1
    assert {p.name for p in tmp_path.iterdir()} == {"w.duckdb", ".dbt"}


def test_an_empty_warehouse_builds(tmp_path: Path) -> None:
    assert build(settings_in(tmp_path)).models > 0


def test_a_disk_that_runs_full_is_one_error_and_every_mart_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    open_warehouse(settings)
    failing = "while True: print('OSError: [Errno 28] No space left on device')"
    monkeypatch.setattr("pipelines.build._DBT", (sys.executable, "-c", failing))
    with pytest.raises(StatementError, match="The disk ran full while dbt built") as raised:
        build(settings)
    assert len(str(raised.value).splitlines()) == 3
    assert {p.name for p in tmp_path.iterdir()} == {"w.duckdb", ".dbt"}
