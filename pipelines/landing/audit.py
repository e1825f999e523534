"""Audits a staged batch: the contract's checks, spend integrity, and the table's suite."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import yaml

from pipelines.contracts import RUN_ID_COLUMN, Contract
from pipelines.errors import AuditError
from pipelines.landing.dollars import in_dollars
from pipelines.landing.slices import slice_of
from pipelines.landing.spool import Spool
from pipelines.privacy.redaction import without_emails
from pipelines.shipped import shipped

EXPECTATIONS = shipped("expectations")
_ROWS_SHOWN = 5
# Great Expectations keeps its present context in a global of the process: threads take turns.
_ONE_CONTEXT = threading.Lock()


@dataclass(frozen=True)
class Expectation:
    """What a suite says of a table's rows; the contract's own checks are ``_CHECKS``.

    Args:
        type: Great Expectations' name of it.
        in_usd_by: the column that names an amount's currency, where ``min_value`` and
            ``max_value`` are in US dollars.
    """

    type: str
    kwargs: dict[str, Any]
    why: str
    in_usd_by: str | None = None

    @property
    def asked(self) -> dict[str, Any]:
        """Arguments for Great Expectations; an amount's dollars are a column of their own."""
        return self.kwargs | ({"column": self.dollars} if self.in_usd_by else {})

    @property
    def dollars(self) -> str:
        return f"{self.kwargs['column']} in USD"

    @property
    def columns(self) -> list[str]:
        """The columns it is about."""
        named = [self.asked[key] for key in ("column", "column_A", "column_B") if key in self.asked]
        return named + list(self.asked.get("column_list", ()))


def audit(spool: Spool, stage: str) -> int:
    """Hold a batch to its expectations.

    What concerns a row is asked of Great Expectations, in chunks of bounded size; what concerns
    all rows at once (the grain, the slice, the account's spend) is asked of the spool.

    Args:
        stage: where it is staged, for the error.

    Returns:
        How many expectations held.

    Raises:
        AuditError: which expectation failed on which rows; the stage is kept.
    """
    failed = [failure for check in _CHECKS if (failure := check(spool))]
    suite = _expectations(spool.contract)
    broken: dict[int, str] = {}
    for chunk in spool.chunks():
        for number, failure in _validate(chunk, spool.contract).items():
            broken.setdefault(number, failure)
    failed += [broken[number] for number in sorted(broken)]
    total = len(_CHECKS) + len(suite)
    if failed:
        raise _failed(spool, failed, total, stage)
    return total


def audit_spend(spool: Spool) -> None:
    """Spend integrity alone, for rows that were published before: the account's total may move
    while its campaigns stand still.

    Raises:
        AuditError: the days that don't add up.
    """
    if failure := _spend_adds_up(spool):
        raise _failed(spool, [failure], 1, spool.contract.table)


def _failed(spool: Spool, failed: list[str], total: int, table: str) -> AuditError:
    batch, contract = spool.batch, spool.contract
    lines = "\n".join(f"  {failure}" for failure in failed)
    return AuditError(
        f"{batch.source}, account {batch.account_id}, {batch.window}: {len(failed)} of "
        f"{total} expectations of {contract.table} failed:\n{lines}",
        kept=f"published data is unchanged; the batch is in {table}.",
        fix=f'Look at it with `adcanary query "SELECT * FROM {table}"`, mend the source or '
        f"expectations/{contract.dataset}/{contract.name}.yaml, and ingest the window again.",
    )


def _validate(rows: pa.Table, contract: Contract) -> dict[int, str]:
    """The failed expectations of one chunk: their number in the suite, and a message."""
    suite = _expectations(contract)
    if not suite:
        return {}
    for one in suite:
        if one.in_usd_by:
            amounts = in_dollars(rows[one.kwargs["column"]], rows[one.in_usd_by])
            rows = rows.append_column(one.dollars, amounts)
    asked = {column for one in suite for column in one.columns}
    if _results(rows.select([c for c in rows.column_names if c in asked]), contract, ()).success:
        return {}
    # which rows they are costs as much again: only for a chunk that has some
    named = asked.union(contract.primary_key)
    kept = rows.select([c for c in rows.column_names if c in named])
    return {
        result.expectation_config.meta["number"]: _explain(result)
        for result in _results(kept, contract, contract.primary_key).results
        if not result.success
    }


def _results(rows: pa.Table, contract: Contract, index: tuple[str, ...]) -> Any:
    how: dict[str, Any] = {"result_format": "BOOLEAN_ONLY"}
    if index:
        how = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": _ROWS_SHOWN,
            "unexpected_index_column_names": list(index),
        }
    with _ONE_CONTEXT:
        batch = _batches().get_batch(batch_parameters={"dataframe": rows.to_pandas()})
        return batch.validate(_suite(contract), result_format=how)


def _one_row_a_grain(spool: Spool) -> str | None:
    grain = ", ".join(spool.contract.primary_key)
    twice = spool.query(
        f"SELECT {grain}, COUNT(*) FROM spool GROUP BY ALL HAVING COUNT(*) > 1 LIMIT {_ROWS_SHOWN}"
    )
    if not twice:
        return None
    shown = "; ".join(
        ", ".join(f"{k}={v}" for k, v in zip(spool.contract.primary_key, row, strict=False))
        for row in twice
    )
    return f"one row a {grain}: some stand more than once, such as {shown}"


def _inside_its_slice(spool: Spool) -> str | None:
    """A row outside of what the batch replaces would stay for ever, or stand twice."""
    condition, params = slice_of(spool.batch, spool.contract).predicate()
    for name, value in params.items():
        condition = condition.replace(f"@{name}", f"'{str(value).replace(chr(39), chr(39) * 2)}'")
    grain = ", ".join(spool.contract.primary_key)
    stray = spool.query(
        f"SELECT {grain} FROM spool WHERE NOT COALESCE({condition}, FALSE) LIMIT {_ROWS_SHOWN}"
    )
    if not stray:
        return None
    return f"every row is in its slice ({spool.batch.window}): not so {stray[0]}"


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
        off[:_ROWS_SHOWN]
    )


def _nothing_missing(spool: Spool) -> str | None:
    """NOT NULL, and no infinity or NaN in what is summed."""
    wanted = [
        (f"{c.name} IS NULL", f"{c.name} is NOT NULL")
        for c in spool.contract.columns
        if not c.nullable and c.name != RUN_ID_COLUMN
    ] + [
        (f"NOT ISFINITE({c.name})", f"{c.name} is a finite number")
        for c in spool.contract.columns
        if c.type == "FLOAT64"
    ]
    counts = ", ".join(f"COUNT(*) FILTER (WHERE {broken})" for broken, _ in wanted)
    (missing,) = spool.query(f"SELECT {counts} FROM spool")
    failures = [
        f"{why} ({count} rows, such as {_such_as(spool, broken)})"
        for (broken, why), count in zip(wanted, missing, strict=True)
        if count
    ]
    return "\n  ".join(failures) or None


def _such_as(spool: Spool, condition: str) -> str:
    keys = spool.contract.primary_key
    rows = spool.query(f"SELECT {', '.join(keys)} FROM spool WHERE {condition} LIMIT {_ROWS_SHOWN}")
    return "; ".join(", ".join(f"{k}={v}" for k, v in zip(keys, r, strict=True)) for r in rows)


_CHECKS = (_one_row_a_grain, _inside_its_slice, _spend_adds_up, _nothing_missing)


@cache
def _batches() -> Any:
    """Great Expectations' definition of a batch that is one frame; one a process."""
    # imported here: it takes seconds, and most commands audit nothing
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("landing").add_dataframe_asset("batch")
    return asset.add_batch_definition_whole_dataframe("all")


def _suite(contract: Contract) -> Any:
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    suite = gx.ExpectationSuite(name=contract.table)
    for number, one in enumerate(_expectations(contract)):
        meta = {"why": one.why, "number": number}
        suite.add_expectation_configuration(
            ExpectationConfiguration(type=one.type, kwargs=one.asked, meta=meta)
        )
    return suite


@cache
def _expectations(contract: Contract) -> tuple[Expectation, ...]:
    path = EXPECTATIONS / contract.dataset / f"{contract.name}.yaml"
    return tuple(Expectation(**one) for one in yaml.safe_load(path.read_text())["expectations"])


def _explain(result: Any) -> str:
    config = result.expectation_config
    if (result.exception_info or {}).get("raised_exception", True):
        return f"{config.type}: could not be computed: {result.exception_info}"
    details = result.result
    rows = details.get("partial_unexpected_index_list") or []
    column = config.kwargs.get("column", "")
    # a text that failed may be one that must not be shown: an address where a hash belongs
    shown = "; ".join(
        ", ".join(
            f"{key}={without_emails(str(value))}"
            for key, value in row.items()
            if key != column or not isinstance(value, str)
        )
        for row in rows[:_ROWS_SHOWN]
    )
    return (
        f"{config.type}({column}): {config.meta.get('why', '')} "
        f"({details.get('unexpected_count', '?')} rows, such as {shown or 'none shown'})"
    )
