"""Audits a batch: sets the rows that fail aside, and refuses it where not only rows are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipelines.contracts import RUN_ID_COLUMN
from pipelines.errors import AuditError
from pipelines.landing.expectations import READABLE, ROWS_SHOWN, Failure, failing
from pipelines.landing.rejected import NONE, Rejected, set_aside
from pipelines.landing.slices import slice_of
from pipelines.landing.spelling import misspelt
from pipelines.landing.spool import Spool
from pipelines.sources.base import Unreadable
from pipelines.suites import suite_of


@dataclass(frozen=True)
class Audited:
    """A batch that may land.

    Args:
        spool: the rows that may.
        rejected: those that were set aside.
        expectations: how many were asked.
        warnings: what a person should know of rows that land.
    """

    spool: Spool
    rejected: Rejected
    expectations: int = 0
    warnings: tuple[str, ...] = ()


def audit(spool: Spool, keep: Callable[[], str], *, passes: bool = False) -> Audited:
    """Hold a batch to its expectations.

    A row that fails one is set aside. What concerns all rows at once (the grain, the account's
    spend) is held of those that are left, and stops the batch; so do more rows set aside than the
    suite's share.

    Args:
        keep: stages the whole batch and returns where, for the error.
        passes: that no row fails the suite is known (:func:`expectations.passing`).

    Raises:
        AuditError: which expectations failed on which rows; the stage is kept.
    """
    suite, contract = suite_of(spool.contract), spool.contract
    unreadable = spool.batch.unreadable
    pulled = max(spool.rows + len(unreadable), spool.batch.rows_read)
    most = suite.most_rejected(pulled)
    failures = [
        *_what_could_not_be_read(unreadable),
        *_rows_that_miss_something(spool, most),
        *_ids_of_another_spelling(spool, most),
        *(() if passes else failing(spool, most)),
    ]
    critical = [f for f in failures if f.severity == "critical"]
    rows = {row for failure in critical for row in failure.rows}
    aside = max([len(rows) + len(unreadable), *(f.count for f in critical)])
    too_many = aside > most
    left, rejected = (spool, NONE) if too_many or not aside else set_aside(spool, critical)
    of_all = [] if too_many else [fault for check in _CHECKS if (fault := check(left))]
    total = len(_CHECKS) + 1 + len(suite.expectations)
    if too_many or of_all or any(f.broken for f in failures):
        if too_many:
            share = f"{suite.rejected_share:.0%}" if suite.rejected_share else "none"
            of_all = [
                f"too many rows to set aside: {aside:,} of {pulled:,}, and {most:,} may be "
                f"({share} of a batch of {contract.table})"
            ]
        broken = [f for f in failures if f.broken and f not in critical]
        raise _failed(spool, [*map(str, (*critical, *broken)), *of_all], total, keep())
    warnings = tuple(
        f"{contract.name}: {f.why} ({f.count:,} row{'s' * (f.count > 1)}, such as {f.such_as[0]})"
        for f in failures
        if f.severity == "warning"
    )
    return Audited(left, rejected, total, warnings)


def audit_spend(spool: Spool) -> None:
    """Spend integrity alone, for rows that were published before: the account's total may move
    while its campaigns stand still.

    Raises:
        AuditError: the days that don't add up.
    """
    if failure := _spend_adds_up(spool):
        raise _failed(spool, [failure], 1, spool.contract.table)


def _failed(spool: Spool, failed: Iterable[str], total: int, table: str) -> AuditError:
    batch, contract = spool.batch, spool.contract
    reasons = list(failed)
    lines = "\n".join(f"  {reason}" for reason in reasons)
    return AuditError(
        f"{batch.source}, account {batch.account_id}, {batch.window}: {len(reasons)} of "
        f"{total} expectations of {contract.table} failed:\n{lines}",
        kept=f"published data is unchanged; the batch is in {table}.",
        fix=f'Look at its rows with `adcanary query "SELECT * FROM {table}"`, correct them where '
        "they come from, and ingest the window again. If they are right as they are, report it "
        "with these lines.",
    )


def _one_row_a_grain(spool: Spool) -> str | None:
    """Of two rows with one key, nothing says which is right, and both would count twice."""
    grain = ", ".join(spool.contract.primary_key)
    twice = spool.query(
        f"SELECT {grain}, COUNT(*) FROM spool GROUP BY ALL HAVING COUNT(*) > 1 LIMIT {ROWS_SHOWN}"
    )
    if not twice:
        return None
    shown = "; ".join(
        ", ".join(f"{k}={v}" for k, v in zip(spool.contract.primary_key, row, strict=False))
        for row in twice
    )
    return f"one row a {grain}: some stand more than once, such as {shown}"


def _spend_adds_up(spool: Spool) -> str | None:
    """Spend integrity: the campaigns' spend is the account's, day by day, to the micro."""
    account_spend = spool.batch.account_spend
    if account_spend is None:
        return None
    start, end = spool.batch.window.start, spool.batch.window.end
    summed = dict(
        spool.query(
            "SELECT date, COALESCE(SUM(cost_micros), 0)::BIGINT FROM spool "
            "WHERE date IS NOT NULL GROUP BY ALL"
        )
    )
    expected = {day: micros for day, micros in account_spend.items() if start <= day <= end}
    off = [
        f"{day}: campaigns {summed.get(day, 0):,}, account {expected.get(day, 0):,} micros"
        for day in sorted({*summed, *expected})
        if summed.get(day, 0) != expected.get(day, 0)
    ]
    if not off:
        return None
    return f"campaign spend adds up to the account's: {len(off)} days don't, such as " + "; ".join(
        off[:ROWS_SHOWN]
    )


_CHECKS = (_one_row_a_grain, _spend_adds_up)


def _what_could_not_be_read(unreadable: Iterable[Unreadable]) -> list[Failure]:
    """No row of the spool is to blame; those that could be read are there."""
    failures: dict[str, Failure] = {}
    for one in unreadable:
        failure = failures.setdefault(one.why, Failure(READABLE, one.why))
        failure.count += 1
        if len(failure.such_as) < ROWS_SHOWN:
            failure.such_as.append(one.place)
    return list(failures.values())


def _rows_that_miss_something(spool: Spool, most: int) -> list[Failure]:
    """Rows with NULL where none may be, infinity or NaN in what is summed, or outside of what the
    batch replaces: there, a row would stay for ever, or stand twice."""
    wanted = [
        *(
            (f"not_null({c.name})", f"{c.name} is NOT NULL", f"{c.name} IS NULL")
            for c in spool.contract.columns
            if not c.nullable and c.name != RUN_ID_COLUMN
        ),
        *(
            (f"finite({c.name})", f"{c.name} is a finite number", f"NOT ISFINITE({c.name})")
            for c in spool.contract.columns
            if c.type == "FLOAT64"
        ),
        ("in_slice", f"every row is in its slice ({spool.batch.window})", _outside(spool)),
    ]
    counts = ", ".join(f"COUNT(*) FILTER (WHERE {broken})" for _, _, broken in wanted)
    (missing,) = spool.query(f"SELECT {counts} FROM spool")
    return [
        _rows_where(spool, broken, most, Failure(name, why, count=count))
        for (name, why, broken), count in zip(wanted, missing, strict=True)
        if count
    ]


def _ids_of_another_spelling(spool: Spool, most: int) -> list[Failure]:
    """Rows whose ids of ads aren't as their platform spells them: two would be two campaigns."""
    failures = []
    for column, ids, why in misspelt(spool):
        listed = ", ".join("'" + id_.replace("'", "''") + "'" for id_ in ids)
        broken = f"{column} IN ({listed})"
        ((count,),) = spool.query(f"SELECT COUNT(*) FROM spool WHERE {broken}")
        failure = Failure(f"spelling({column})", why, count=count)
        failures.append(_rows_where(spool, broken, most, failure))
    return failures


def _outside(spool: Spool) -> str:
    condition, params = slice_of(spool.batch, spool.contract).predicate()
    for name, value in params.items():
        condition = condition.replace(f"@{name}", f"'{str(value).replace(chr(39), chr(39) * 2)}'")
    return f"NOT COALESCE({condition}, FALSE)"


def _rows_where(spool: Spool, broken: str, most: int, failure: Failure) -> Failure:
    """With the rows that meet a condition."""
    keys = spool.contract.primary_key
    rows = spool.query(
        f"SELECT file_row_number, {', '.join(keys)} FROM numbered WHERE {broken} "
        f"ORDER BY 1 LIMIT {max(most + 1, ROWS_SHOWN)}"
    )
    failure.rows = [row[0] for row in rows]
    failure.such_as = [
        ", ".join(f"{k}={v}" for k, v in zip(keys, row, strict=True))
        for _, *row in rows[:ROWS_SHOWN]
    ]
    return failure
