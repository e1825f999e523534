"""Refuses a batch that takes much of what is published away: a cut-off report looks like that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pipelines.errors import AuditError
from pipelines.landing.slices import Change
from pipelines.landing.spool import Spool
from pipelines.money import MICROS
from pipelines.suites import suite_of
from pipelines.warehouse.base import Question


def held(question: Question, spool: Spool, rejected: int) -> Question:
    """The question of :func:`pipelines.landing.slices.change`, refused where :func:`refuse` raises:
    asked and published in one transaction, nothing comes between."""
    gone = "withdrawn - @rejected"
    much = suite_of(spool.contract).refuses_withdrawal_sql(gone, "published", "@withdrawn_share")
    return replace(
        question,
        refused=f"({much}) OR (spent != 0 AND spends = 0 AND @staged_rows > 0)",
        params={
            **question.params,
            "rejected": rejected,
            "withdrawn_share": float(suite_of(spool.contract).withdrawn_share),
            "staged_rows": spool.rows,
        },
    )


def refuse(spool: Spool, changed: Change, rejected: int, keep: Callable[[], str]) -> None:
    """Raise AuditError for a batch that withdraws more rows than its suite's share, or all spend.

    Args:
        changed: what it would make of the published rows of its slice.
        rejected: rows of it that were set aside: of those, the published ones are replaced.
        keep: stages the batch and returns where, for the error.
    """
    batch, suite = spool.batch, suite_of(spool.contract)
    opening = f"{batch.source}, account {batch.account_id}, {batch.window}: {batch.table}"
    spent, spends = changed.spent or (0, 0)
    if suite.refuses_withdrawal(changed.withdrawn - rejected, changed.published):
        campaigns = campaigns_of(changed.withdrawn, changed.campaigns)
        raise _refused(
            f"{opening}: {changed.withdrawn:,} of {changed.published:,} published rows{campaigns} "
            f"are not in this batch, and {suite.withdrawn_share:.0%} of them may be withdrawn "
            "without a word.",
            keep(),
        )
    if spent and not spends and spool.rows:
        raise _refused(
            f"{opening}: all {spool.rows:,} rows of this batch have no spend, and published were "
            f"{spent / MICROS:,.2f}.",
            keep(),
        )


def campaigns_of(rows: int, campaigns: int | None) -> str:
    """`` (of 2 campaigns)`` for rows of campaigns; nothing for others."""
    if not rows or not campaigns:
        return ""
    return f" (of {campaigns:,} campaign{'s' if campaigns > 1 else ''})"


def _refused(what: str, stage: str) -> AuditError:
    return AuditError(
        what,
        kept=f"published data is unchanged; the batch is in {stage}.",
        fix="If that is so at the source, ingest again with --allow-withdrawals. If this is a file "
        "of some campaigns only, say `complete: false` in its mapping.",
    )
