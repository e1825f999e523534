"""The three things a person wants to know after a run: what landed, what the jobs say, what is
proposed. Shared by the commands and the demo."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from pipelines.cli.console import money, out, print_table
from pipelines.warehouse import Warehouse

_LOADED = """
SELECT source, COALESCE(platform, '') AS platform, table_name, COUNT(*) AS batches,
  CAST(SUM(row_count) AS INT64) AS row_count, CAST(SUM(restated_rows) AS INT64) AS restated,
  CAST(SUM(dropped_rows) AS INT64) AS dropped
FROM raw.load_ledger GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_SPEND = """
SELECT platform, account_id, currency_code, MIN(date) AS first_day, MAX(date) AS last_day,
  CAST(SUM(cost_micros) AS INT64) AS cost_micros
FROM marts.fct_ad_spend_daily GROUP BY 1, 2, 3 ORDER BY 1, 2
"""
_VERDICTS = """
SELECT job, verdict, reason, as_of, run_id FROM contracts.job_runs WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY job ORDER BY as_of DESC, finished_at DESC) = 1 ORDER BY job
"""


def print_loaded(warehouse: Warehouse) -> None:
    """Batches, rows, restated and dropped rows by table; spend by platform and account."""
    rows = warehouse.query(_LOADED).to_pylist()
    columns = ["source", "platform", "table", "batches", "rows", "restated", "dropped"]
    body = ([f"{v:,}" if isinstance(v, int) else v for v in row.values()] for row in rows)
    print_table(columns, body, "What was loaded")
    spend = warehouse.query(_SPEND).to_pylist()
    print_table(
        ["platform", "account", "days", "spend"],
        (
            [
                r["platform"],
                r["account_id"],
                f"{r['first_day']} to {r['last_day']}",
                money(r["cost_micros"], r["currency_code"]),
            ]
            for r in spend
        ),
        "Spend",
    )


def print_verdicts(warehouse: Warehouse) -> None:
    """The last verdict of every job, with its reason."""
    rows = warehouse.query(_VERDICTS).to_pylist()
    print_table(
        ["job", "as of", "verdict", "reason"],
        ([r["job"], str(r["as_of"]), r["verdict"], r["reason"]] for r in rows),
        "What the jobs say",
    )


def print_proposals(rows: Sequence[dict[str, Any]]) -> None:
    """A few lines a proposal: target, current → proposed, effect, guardrails, expiry."""
    out.print(f"[italic]Proposals ({len(rows)})[/]")
    for row in rows:
        identity, target, change, effect, guardrails, state, expires = _summary(row)
        urgent = "  [bold red]URGENT[/]" if row["urgency"] == "URGENT" else ""
        out.print(
            f" [bold]{identity}[/]  {row['kind']}  [bold]{escape(target)}[/]{urgent}",
            highlight=False,
        )
        for label, text in (
            ("change", change),
            ("a week brings", effect),
            ("guardrails", guardrails),
            ("state", f"{state}, expires {expires}"),
        ):
            out.print(f"   {label:<14}", text, markup=False, highlight=False, soft_wrap=True)


def print_proposal(row: dict[str, Any], events: Sequence[dict[str, Any]]) -> None:
    """One proposal whole: what, why, every constraint, how to undo it, and its history."""
    identity, target, change, effect, _, state, expires = _summary(row)
    out.print(f"[bold]{identity}[/] revision {row['revision']}: {row['kind']}, {row['urgency']}")
    for label, text in (
        ("target", f"{target} (account {row['account_id']}, campaign {row['campaign_id']})"),
        ("change", change),
        ("a week brings", effect),
        ("how estimated", json.loads(row["expected_effect"])["note"]),
        *(("evidence", line) for line in _evidence(json.loads(row["evidence"]))),
        ("rollback", _rollback(json.loads(row["rollback"]), row["currency_code"])),
        ("state", f"{state}, expires {expires}"),
        ("content hash", row["content_hash"]),
    ):
        out.print(f"  {label:<19}", end="")
        out.print(text, markup=False, highlight=False, soft_wrap=True)
    print_table(
        ["guardrail", "verdict", "binds", "what was checked"],
        (
            [c["name"], c["verdict"], "binds" if c["binds"] else "", c["message"]]
            for c in json.loads(row["certificate"])
        ),
    )
    print_table(
        ["#", "when", "who", "what", "to", "comment"],
        (
            [
                str(e["sequence"]),
                f"{e['occurred_at']:%Y-%m-%d %H:%M}",
                e["actor"],
                e["action"],
                e["to_state"],
                e["comment"] or "",
            ]
            for e in events
        ),
    )


def _summary(row: dict[str, Any]) -> tuple[str, ...]:
    verdicts = list(json.loads(row["guardrails"]).values())
    passed = f"{row['verdict']}, {verdicts.count('PASS')} of {len(verdicts)} hold"
    failing = [k for k, v in json.loads(row["guardrails"]).items() if v != "PASS"]
    if failing:
        passed += f" (not: {', '.join(failing)})"
    return (
        row["proposal_id"],
        f"{row['platform']} {row['target_name'] or row['campaign_id']}",
        _change(row),
        _effect(json.loads(row["expected_effect"]), row["currency_code"]),
        passed,
        row["state"],
        f"{row['expires_at']:%Y-%m-%d}",
    )


def _evidence(evidence: dict[str, Any]) -> list[str]:
    """The evidence as lines that a person reads."""
    if "alerts" in evidence:
        return [*evidence["alerts"], f"pacing run {evidence['pacing_run_id']}"]
    current, proposed = evidence["channel_weekly_micros"]
    return [
        f"mmm run {evidence['mmm_run_id']}: {evidence['channel']} from {money(current)} to "
        f"{money(proposed)} a week is best for the channel (bound that binds: "
        f"{evidence['channel_binding']}); campaigns share it as far as cuts fund it"
    ]


def _rollback(rollback: dict[str, str], currency: str) -> str:
    if rollback["field"] == "status":
        return f"set the status from {rollback['from']} back to {rollback['to']}"
    before, after = int(rollback["to"]), int(rollback["from"])
    return f"set the daily budget from {money(after)} back to {money(before, currency)}"


def _change(row: dict[str, Any]) -> str:
    if row["kind"] == "pause":
        return f"{row['current_value']} → {row['proposed_value']}"
    current, proposed = int(row["current_value"]), int(row["proposed_value"])
    return (
        f"{money(current)} → {money(proposed, row['currency_code'])} a day "
        f"({row['delta_percent']:+.1f}%)"
    )


def _effect(effect: dict[str, Any], currency: str) -> str:
    spend = f"spend {effect['spend_micros'] / 1e6:+,.0f} {currency}"
    if effect["orders"] is None:
        return f"{spend}; {effect['note']}"
    orders, revenue = effect["orders"], effect["revenue_micros"]
    text = (
        f"{spend}, orders {orders['p50']:+.1f} ({orders['p10']:+.1f} to {orders['p90']:+.1f}), "
        f"revenue {revenue['p50'] / 1e6:+,.0f} "
        f"({revenue['p10'] / 1e6:+,.0f} to {revenue['p90'] / 1e6:+,.0f})"
    )
    if effect["cac_micros"]:
        cac = effect["cac_micros"]
        text += f", {cac['p50'] / 1e6:,.0f} an order (at worst {cac['p90'] / 1e6:,.0f})"
    return text
