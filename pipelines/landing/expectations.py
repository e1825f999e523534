"""Asks Great Expectations which rows of a batch fail their table's suite."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pyarrow as pa

from pipelines.contracts import Contract
from pipelines.landing.dollars import in_dollars
from pipelines.landing.spool import CHUNK_ROWS, Spool
from pipelines.privacy.redaction import without_emails
from pipelines.suites import Severity, suite_of

ROWS_SHOWN = 5
# what a row fails that its source could not read
READABLE = "readable"
_ROW = "_row"
# Great Expectations keeps its present context in a global of the process: threads take turns.
_ONE_CONTEXT = threading.Lock()


@dataclass
class Failure:
    """One expectation that some rows fail.

    Args:
        expectation: its name, such as ``not_null(cost_micros)``.
        why: what it holds, in words.
        rows: their places in the batch, from 0; where they are too many to be set aside, of some.
        such_as: some of the rows, in words.
        broken: it could not be computed: no row is to blame.
    """

    expectation: str
    why: str
    severity: Severity = "critical"
    count: int = 0
    rows: list[int] = field(default_factory=list)
    such_as: list[str] = field(default_factory=list)
    broken: bool = False

    def __str__(self) -> str:
        shown = "; ".join(self.such_as) or "none shown"
        return f"{self.expectation}: {self.why} ({self.count} rows, such as {shown})"


def passing(spools: Iterable[Spool]) -> set[str]:
    """The run ids of those batches of which no row fails an expectation, as far as it could be
    asked of several at once; of the others, :func:`failing` says more.

    Asking takes as long for one small batch as for many together. Every expectation is of rows
    (tests/unit/test_landing_together.py), so that a batch passes if all rows together do.
    """
    passed: set[str] = set()
    of_table: dict[Contract, list[Spool]] = {}
    for spool in spools:
        of_table.setdefault(spool.contract, []).append(spool)
    for contract, own in of_table.items():
        for together in _by_rows(own):
            rows = pa.concat_tables(chunk for spool in together for chunk in spool.chunks())
            if _pass(rows, contract):
                passed.update(spool.run_id for spool in together)
    return passed


def _by_rows(spools: Iterable[Spool]) -> Iterator[list[Spool]]:
    """In their order, as many at once as have no more rows than a chunk; larger ones not at all."""
    together: list[Spool] = []
    for spool in (one for one in spools if one.rows <= CHUNK_ROWS):
        if sum(one.rows for one in together) + spool.rows > CHUNK_ROWS:
            yield together
            together = []
        together.append(spool)
    if together:
        yield together


def failing(spool: Spool, most: int) -> list[Failure]:
    """The expectations of the table's suite that rows fail, in its order.

    The rows are looked at in chunks of bounded size.

    Args:
        most: how many rows may be set aside; of further ones only their number is told.
    """
    failures: dict[int, Failure] = {}
    offset = 0
    for chunk in spool.chunks():
        for number, failure in _of_chunk(chunk, spool.contract, offset):
            known = failures.setdefault(number, failure)
            if known is not failure:
                known.count += failure.count
                known.broken |= failure.broken
                if len(known.rows) <= most:
                    known.rows += failure.rows
        offset += chunk.num_rows
    return [failures[number] for number in sorted(failures)]


def _of_chunk(rows: pa.Table, contract: Contract, offset: int) -> Iterator[tuple[int, Failure]]:
    """Each failure with its expectation's number in the suite."""
    if _pass(rows, contract):
        return
    # which rows they are costs as much again: only for a chunk that has some
    suite = suite_of(contract).expectations
    places = pa.array(range(offset, offset + rows.num_rows), pa.int64())
    index = (*contract.primary_key, _ROW)
    named = _with_dollars(rows, contract, also=contract.primary_key)
    for result in _results(named.append_column(_ROW, places), contract, index).results:
        if not result.success:
            number = result.expectation_config.meta["number"]
            yield number, _failure(result, suite[number].severity)


def _pass(rows: pa.Table, contract: Contract) -> bool:
    """Whether no row fails an expectation."""
    if not suite_of(contract).expectations:
        return True
    return bool(_results(_with_dollars(rows, contract), contract, ()).success)


def _with_dollars(rows: pa.Table, contract: Contract, also: Iterable[str] = ()) -> pa.Table:
    """The columns that are asked for, amounts in dollars among them."""
    suite = suite_of(contract).expectations
    for one in suite:
        if one.in_usd_by:
            amounts = in_dollars(rows[one.kwargs["column"]], rows[one.in_usd_by])
            rows = rows.append_column(one.dollars, amounts)
    wanted = {*also, *(column for one in suite for column in one.columns)}
    return rows.select([c for c in rows.column_names if c in wanted])


def _results(rows: pa.Table, contract: Contract, index: tuple[str, ...]) -> Any:
    how: dict[str, Any] = {"result_format": "BOOLEAN_ONLY"}
    if index:
        how = {"result_format": "COMPLETE", "unexpected_index_column_names": list(index)}
    with _ONE_CONTEXT:
        batch = batches().get_batch(batch_parameters={"dataframe": rows.to_pandas()})
        return batch.validate(_suite(contract), result_format=how)


@cache
def batches() -> Any:
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
    for number, one in enumerate(suite_of(contract).expectations):
        meta = {"why": one.why, "number": number}
        suite.add_expectation_configuration(
            ExpectationConfiguration(type=one.type, kwargs=one.asked, meta=meta)
        )
    return suite


def _failure(result: Any, severity: Severity) -> Failure:
    config = result.expectation_config
    kwargs = config.kwargs
    pair = ", ".join(kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs)
    name, why = f"{config.type}({pair})", config.meta["why"]
    if (result.exception_info or {}).get("raised_exception", True):
        return Failure(
            f"{config.type}", f"could not be computed: {result.exception_info}", broken=True
        )
    rows = result.result.get("unexpected_index_list") or []
    column = kwargs.get("column", "")
    # a text that failed may be one that must not be shown: an address where a hash belongs
    shown = [
        ", ".join(
            f"{key}={without_emails(str(value))}"
            for key, value in row.items()
            if key != _ROW and (key != column or not isinstance(value, str))
        )
        for row in rows[:ROWS_SHOWN]
    ]
    count = result.result.get("unexpected_count", 0)
    places = [int(row[_ROW]) for row in rows]
    return Failure(name, why, severity, count, places, shown, broken=not places)
