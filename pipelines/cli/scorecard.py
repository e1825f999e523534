"""``adcanary scorecard``: what every proposal predicted, and what came."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.console import Format, out, print_object, print_plainly, print_rows, rounded
from pipelines.cli.options import AsOfOption, ConfigOption, FormatOption, day, open_settings


def scorecard(
    as_of: AsOfOption = None,
    format_: FormatOption = Format.TABLE,
    by_month: Annotated[
        bool, typer.Option("--by-month", help="Print coverage, bias and hit rate instead.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Score every proposal by what came of it, and say which jobs may not propose.

    Budgets and statuses are read back: nothing is asked of a platform.
    """
    from pipelines.proposals.ledger import Ledger
    from pipelines.proposals.scorecard import run, standing

    settings, warehouse = open_settings(config)
    upto = day(as_of) or settings.yesterday()
    scored = run.score_all(
        Ledger(warehouse, None), upto, settings.clock(), settings.reporting_currency
    )
    months = run.by_month(warehouse, upto)
    rows = run.latest_rows(warehouse, upto)
    barred = standing.barred_jobs(warehouse, upto)
    if format_ is Format.JSON:
        print_object({"as_of": upto, "proposals": rows, "by_month": months, "barred": barred})
        return
    if by_month:
        print_rows([_rounded(row) for row in months], format_)
    elif format_ is Format.TABLE:
        print_rows([_listed(row) for row in rows], format_)
    else:
        print_rows(rows, format_)
    if format_ is not Format.TABLE:
        return
    out.print(f"As of {upto}: {len(scored.rows)} evaluated, {scored.finished} known before.")
    for job, reason in barred.items():
        print_plainly(f"Barred: {job} may not propose: {reason}.")


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    """A line as the table shows it; the reason has the figures."""
    change = f"{row['from_value']} → {row['to_value']}"
    if row["field"].endswith("_micros"):
        from pipelines.money import Money

        before, after = (
            Money(int(row[name]), row["currency_code"]) for name in ("from_value", "to_value")
        )
        change = f"{before} → {after}"
    return {
        "proposal": row["proposal_id"],
        "campaign": f"{row['platform']}/{row['campaign_id']}",
        "change": change,
        "outcome": row["outcome"],
        "seen": row["effective_on"],
        "verdict": row["verdict"],
        "reason": row["reason"],
    }


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    shares = ("coverage_90", "bias_orders", "hit_rate")
    return {name: rounded(v) if name in shares else v for name, v in row.items()}
