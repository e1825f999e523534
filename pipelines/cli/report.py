"""What people want to know after a run: what was loaded, what the jobs say, what is proposed.

Shared by the commands and the demo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from pipelines.cli.console import out, print_plainly, print_table
from pipelines.money import MICROS, Money
from pipelines.plain_text import one_line
from pipelines.proposals.events import LoggedEvent
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.stored import StoredProposal
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
FROM marts.fct_ad_spend_daily GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_VERDICTS = """
SELECT job, verdict, reason, as_of, run_id FROM contracts.job_runs WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY job ORDER BY as_of DESC, finished_at DESC) = 1 ORDER BY job
"""


def print_loaded(warehouse: Warehouse) -> None:
    """Print batches and rows by table, then spend by platform and account."""
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
                str(Money(r["cost_micros"], r["currency_code"])),
            ]
            for r in spend
        ),
        "Spend",
    )


def print_verdicts(warehouse: Warehouse) -> None:
    """Print the latest verdict of every job, with its reason."""
    rows = warehouse.query(_VERDICTS).to_pylist()
    print_table(
        ["job", "as of", "verdict", "reason"],
        ([r["job"], str(r["as_of"]), r["verdict"], r["reason"]] for r in rows),
        "What the jobs say",
    )


def listed(proposal: StoredProposal) -> dict[str, Any]:
    """A proposal for programs: its row, with its state and who approved it."""
    return {
        **proposal.row,
        "state": str(proposal.state),
        "approvals": list(proposal.approvals),
    }


def print_proposals(proposals: Sequence[StoredProposal]) -> None:
    """Print a few lines per proposal: target, change, effect, guardrails, state."""
    out.print(f"[italic]Proposals ({len(proposals)})[/]")
    for proposal in proposals:
        title = Text.assemble(
            " ",
            (proposal.proposal_id, "bold"),
            f"  {proposal.kind}  ",
            (_target(proposal), "bold"),
            *([("  URGENT", "bold red")] if proposal.urgency == "URGENT" else []),
        )
        out.print(title, highlight=False)
        for label, text in (
            ("change", kind_of(proposal.kind).describe(proposal).change),
            ("a week brings", _effect(proposal)),
            ("guardrails", _guardrails(proposal)),
            ("state", f"{proposal.state}, expires {proposal.expires_at:%Y-%m-%d}"),
        ):
            print_plainly(f"   {label:<14}", text)


def print_proposal(proposal: StoredProposal, events: Sequence[LoggedEvent]) -> None:
    """Print a whole proposal: what, why, every guardrail, how to undo it, and its history."""
    described = kind_of(proposal.kind).describe(proposal)
    target = proposal.target
    out.print(
        f"[bold]{proposal.proposal_id}[/] revision {proposal.revision}: {proposal.kind}, "
        f"{proposal.urgency}"
    )
    for label, text in (
        (
            "target",
            f"{_target(proposal)} (account {target.account_id}, campaign {target.campaign_id})",
        ),
        ("change", described.change),
        ("a week brings", _effect(proposal)),
        ("how estimated", proposal.effect().note),
        *(("evidence", line) for line in described.evidence),
        ("rollback", described.rollback),
        *(("on the platform", step) for step in (proposal.operation or "").splitlines()),
        ("state", f"{proposal.state}, expires {proposal.expires_at:%Y-%m-%d}"),
        ("content hash", proposal.content_hash),
    ):
        out.print(f"  {label:<19}", end="")
        print_plainly(text)
    print_table(
        [
            "guardrail",
            "verdict",
            "binds",
            f"what was checked (amounts in {proposal.currency} unless another is named)",
        ],
        (
            [c.name, c.verdict, "binds" if c.binds else "", c.message]
            for c in proposal.certificate()
        ),
    )
    print_table(
        ["#", "when", "who", "what", "to", "comment"],
        (
            [
                str(e.sequence),
                f"{e.occurred_at:%Y-%m-%d %H:%M}",
                e.actor,
                e.action,
                e.to_state,
                e.comment or "",
            ]
            for e in events
        ),
    )


def _target(proposal: StoredProposal) -> str:
    target = proposal.target
    part = f" ({target.part})" if target.part else ""
    return one_line(f"{target.platform} {target.name or target.campaign_id}{part}")


def _guardrails(proposal: StoredProposal) -> str:
    certificate = proposal.certificate()
    failing = [c.name for c in certificate if c.verdict != "PASS"]
    held = len(certificate) - len(failing)
    named = f" (not: {', '.join(failing)})" if failing else ""
    return f"{proposal.verdict}, {held} of {len(certificate)} hold{named}"


def _effect(proposal: StoredProposal) -> str:
    """What a week brings. Spend is in the account's currency and, if the revenue's is another, in
    that one too."""
    effect, own = proposal.effect(), proposal.currency
    value = effect.value_currency
    spend = f"spend {effect.spend_micros / MICROS:+,.0f} {own}"
    for rate in proposal.rates():
        if rate.source == own:
            converted = rate.convert(Money(effect.spend_micros, own))
            spend += f" ({converted.micros / MICROS:+,.0f} {converted.currency})"
    if effect.orders is None or effect.revenue_micros is None:
        return f"{spend}; {effect.note}"
    orders, revenue = effect.orders, effect.revenue_micros
    text = (
        f"{spend}, orders {orders.p50:+.1f} ({orders.p10:+.1f} to {orders.p90:+.1f}), "
        f"revenue {revenue.p50 / MICROS:+,.0f} {value} "
        f"({revenue.p10 / MICROS:+,.0f} to {revenue.p90 / MICROS:+,.0f})"
    )
    if effect.cac_micros:
        cac = effect.cac_micros
        text += f", {cac.p50 / MICROS:,.0f} {value} an order (at worst {cac.p90 / MICROS:,.0f})"
    return text
