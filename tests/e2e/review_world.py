"""What the review page shows besides the ledger: runs of jobs, curves, alerts, spend. Small, made
up, and written through the contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import sin
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from pipelines.config import Settings, load_settings
from pipelines.contracts import load_contract
from pipelines.proposals.events import SERVICE, Actor
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.terms import Terms, file_policy
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from pipelines.warehouse.base import Value
from tests.unit.ledger_rows import two_channels

AS_OF = date(2026, 6, 30)
_FINISHED = datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
_POINTS, _CURRENT = 21, 10

Target = tuple[str, str, str, str]
"""Platform, account, campaign, name."""


ZOE, ANN, BOB, VIC = (f"{name}@example.com" for name in ("zoe", "ann", "bob", "vic"))
"""An admin, two approvers, and somebody whom the policy doesn't name."""
POLICY = {
    "version": 1,
    "guardrails": {
        "cac_ceiling_micros": 200_000_000,
        "max_total_daily_change_percent": 100,
    },
    "people": {"admins": [ZOE], "approvers": {"marketing": [ANN, BOB, "ann"]}},
}
NAMES = {
    "g1": "US | Search | Brand",
    "m1": "DE Retargeting \u2013 Spring",
    "m2": "US Prospecting <b>new</b> \u202egnp",
}


def two_campaigns(
    folder: Path, *, created_by: str = SERVICE.name, more: str = "", **policy: Any
) -> Settings:
    """A small world in an empty folder: m1's cut, g1's increase and m2's urgent pause wait.

    Args:
        more: further lines of adcanary.yaml.
        policy: what the policy file says beyond ``POLICY``.
    """
    config = folder / "adcanary.yaml"
    config.write_text(
        f"now: 2026-07-01T09:00:00Z\nwarehouse: {{path: w.duckdb}}\npolicy: policy.yaml\n{more}"
    )
    (folder / "policy.yaml").write_text(yaml.safe_dump({**POLICY, **policy}))
    two_channels(folder / "w.duckdb")
    settings = load_settings(config)
    warehouse = open_warehouse(settings)
    curves(warehouse, ("google_ads", "meta_ads"), run="r1")
    with duckdb.connect(str(settings.warehouse.path)) as connection:
        for campaign, name in NAMES.items():
            connection.execute(
                "UPDATE marts.dim_campaign SET campaign_name = ? WHERE campaign_id = ?",
                [name, campaign],
            )
        _put_mart(connection, "fct_ad_spend_daily", daily_spend(("google_ads", "meta_ads")))
    ledger = open_ledger(warehouse, settings)
    terms = Terms.of(settings, file_policy(settings))
    set_policy(ledger, terms.policy, terms.moment, Actor(ZOE, "person"), comment=None)
    propose(ledger, terms, created_by=created_by)
    scorecard(warehouse)
    return settings


def scorecard(warehouse: Warehouse) -> None:
    """Two evaluations of earlier proposals: one that came as predicted, one not carried out."""
    row: dict[str, Value] = {
        "as_of": AS_OF,
        "evaluated_at": _FINISHED,
        "kind": "budget_shift",
        "state": "SHADOW_RECORDED",
        "predicted_by": "mmm",
        "platform": "google_ads",
        "account_id": "g",
        "campaign_id": "g1",
        "field": "daily_budget_micros",
        "from_value": "1000000000",
        "to_value": "1040000000",
        "currency_code": "USD",
        "revision": 1,
        "is_final": True,
        "predicted_orders_p10": 1.0,
        "predicted_orders_p50": 4.0,
        "predicted_orders_p90": 7.0,
    }
    put(
        warehouse,
        "canary.canary_scorecard",
        [
            {
                **row,
                "proposal_id": "p-00000000000a",
                "outcome": "CARRIED_OUT",
                "effective_on": date(2026, 5, 20),
                "realised_orders": 5.2,
                "realised_orders_low": 0.4,
                "realised_orders_high": 10.0,
                "is_covered": True,
                "verdict": "TOLD",
                "reason": "Compared with 9 untouched campaigns over four weeks.",
            },
            {
                **row,
                "proposal_id": "p-00000000000b",
                "outcome": "NOT_CARRIED_OUT",
                "shadow_orders_p10": 0.8,
                "shadow_orders_p50": 3.6,
                "shadow_orders_p90": 6.5,
                "verdict": "SHADOW",
                "reason": "The budget stayed as it was.",
            },
        ],
    )


def put(warehouse: Warehouse, table: str, rows: Sequence[dict[str, Value]]) -> None:
    """Append rows to a table of a contract."""
    contract = load_contract(table)
    given = pa.Table.from_pylist(list(rows), schema=contract.arrow_schema)
    stage = warehouse.stage(contract, "review", given)
    names = ", ".join(contract.column_names)
    insert = f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage}"
    warehouse.transaction([Statement(insert)], label="test")
    warehouse.drop_stages([stage])


def stamp(run: str) -> dict[str, Value]:
    """What every row of a job carries."""
    return {"run_id": run, "as_of": AS_OF, "model_version": "1", "input_snapshot": "s"}


def job_runs(warehouse: Warehouse) -> None:
    reasons = {
        "mmm": ("PASS", "77 weeks, 4 channels: unseen weeks were predicted within 4.9%."),
        "pacing": ("PASS", "11 campaigns paced; open faults: 1 overspend."),
        "fidelity": ("PASS", "28 predictions of weekly orders were off by 5.0%."),
        "uplift": ("INCONCLUSIVE", "Too few people in the control group."),
    }
    rows: list[dict[str, Value]] = [
        {
            **stamp(f"{job}-r1"),
            "job": job,
            "verdict": verdict,
            "reason": reason,
            "settings": '{"seed":1}',
            "diagnostics": '{"max_rhat":1.01,"weeks":77}',
            "finished_at": _FINISHED,
        }
        for job, (verdict, reason) in reasons.items()
    ]
    put(warehouse, "contracts.job_runs", rows)


def curves(warehouse: Warehouse, channels: Sequence[str], run: str = "mmm-r1") -> None:
    """A saturating curve of each channel, at the spend of 7,000 a week now."""
    rows: list[dict[str, Value]] = []
    for index, channel in enumerate(channels):
        for point in range(_POINTS):
            spend = 7_000 * 2 * point / (_POINTS - 1)
            orders = 260 * spend / (spend + 5_000 * (1 + index))
            slope = 260 * 5_000 * (1 + index) / (spend + 5_000 * (1 + index)) ** 2
            rows.append(
                {
                    **stamp(run),
                    "channel": channel,
                    "horizon_weeks": 0,
                    "point": point,
                    "weekly_spend_micros": round(spend * 1e6),
                    "orders_p10": orders * 0.8,
                    "orders_p50": orders,
                    "orders_p90": orders * 1.25,
                    "marginal_orders_p10": slope * 0.7,
                    "marginal_orders_p50": slope,
                    "marginal_orders_p90": slope * 1.3,
                    "marginal_cac_micros_p10": round(1e6 / (slope * 1.3)),
                    "marginal_cac_micros_p50": round(1e6 / slope),
                    "marginal_cac_micros_p90": round(1e6 / (slope * 0.7)),
                    "is_current": point == _CURRENT,
                    "currency_code": "USD",
                }
            )
    put(warehouse, "contracts.mmm_curves", rows)


def marts(path: Path, targets: Sequence[Target]) -> None:
    """The marts that proposals and the overview read; campaigns have budgets of 1,000 a day."""
    campaigns = [
        {
            "platform": platform,
            "account_id": account,
            "campaign_id": campaign,
            "campaign_name": name,
            "campaign_status": "ENABLED",
            "daily_budget_micros": 1_000_000_000,
            "currency_code": "USD",
            "shared_budget_id": None,
            "mmm_channel": platform,
        }
        for platform, account, campaign, name in targets
    ]
    spend = daily_spend(sorted({target[0] for target in targets}))
    days = [{"platform": c["platform"], "account_id": c["account_id"]} for c in campaigns]
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for name, rows in (("dim_campaign", campaigns), ("fct_ad_spend_daily", spend)):
            _put_mart(connection, name, rows)
        connection.register("given", pa.Table.from_pylist(days))
        connection.execute(
            "CREATE TABLE marts.ads_account_days AS "
            "SELECT DISTINCT platform, account_id, DATE '2026-06-30' AS date FROM given"
        )
        connection.execute(
            "CREATE TABLE marts.fx_rates_daily (date DATE, currency_code VARCHAR, "
            "reporting_currency_code VARCHAR, fx_rate DOUBLE, fx_date DATE)"
        )
        connection.execute("ALTER TABLE marts.dim_campaign ALTER shared_budget_id TYPE VARCHAR")


def daily_spend(channels: Sequence[str]) -> list[dict[str, Any]]:
    """Eight weeks of each channel's spend, in the reporting currency."""
    return [
        {
            "platform": channel,
            "date": AS_OF - timedelta(days=back),
            "cost_reporting_micros": round((1_000 + 200 * sin(back / 3) + 50 * n) * 1e6),
            "reporting_currency_code": "USD",
        }
        for n, channel in enumerate(channels)
        for back in range(56)
    ]


def _put_mart(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[dict[str, Any]]
) -> None:
    connection.register("given", pa.Table.from_pylist(list(rows)))
    connection.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM given")
    connection.unregister("given")
