"""Audits a staged batch with Great Expectations: the contract's checks and the table's suite."""

from __future__ import annotations

import logging
import threading
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from pipelines.errors import AuditError
from pipelines.landing.conform import RUN_ID_COLUMN
from pipelines.sources.base import Batch
from pipelines.warehouse import Contract

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
_ROWS_SHOWN = 5
# Great Expectations keeps its present context in a global of the process: threads take turns.
_ONE_CONTEXT = threading.Lock()


def audit(batch: Batch, contract: Contract, rows: pa.Table, stage: str) -> int:
    """Hold a batch to its expectations.

    Args:
        rows: the batch as staged, in the contract's schema.
        stage: where it is staged, for the error.

    Returns:
        How many expectations held.

    Raises:
        AuditError: which expectation failed on which rows; the stage is kept.
    """
    frame = rows.select([c.name for c in contract.columns if c.is_scalar]).to_pandas()
    with _ONE_CONTEXT:
        result = (
            _batches()
            .get_batch(batch_parameters={"dataframe": frame})
            .validate(
                _suite(contract),
                result_format={
                    "result_format": "SUMMARY",
                    "partial_unexpected_count": _ROWS_SHOWN,
                    "unexpected_index_column_names": list(contract.primary_key),
                },
            )
        )
    failed = [r for r in result.results if not r.success]
    if failed:
        lines = "\n".join(f"  {_explain(r)}" for r in failed)
        raise AuditError(
            f"{batch.source}, account {batch.account_id}, {batch.window}: {len(failed)} of "
            f"{len(result.results)} expectations of {contract.table} failed:\n{lines}",
            kept=f"what was published before is as it was; the batch is in {stage}.",
            fix=f'Look at it with `adcanary query "SELECT * FROM {stage}"`, mend the source or '
            f"expectations/{contract.dataset}/{contract.name}.yaml, and ingest the window again.",
        )
    return len(result.results)


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
    for type_, kwargs, why in _expectations(contract):
        suite.add_expectation_configuration(
            ExpectationConfiguration(type=type_, kwargs=dict(kwargs), meta={"why": why})
        )
    return suite


@cache
def _expectations(contract: Contract) -> tuple[tuple[str, dict[str, Any], str], ...]:
    """The contract's own checks, then the domain's from the table's suite."""
    found: list[tuple[str, dict[str, Any], str]] = [
        ("expect_column_values_to_not_be_null", {"column": c.name}, f"{c.name} is NOT NULL")
        for c in contract.columns
        if not c.nullable and c.name != RUN_ID_COLUMN
    ]
    grain = list(contract.primary_key)
    found.append(
        (
            "expect_compound_columns_to_be_unique",
            {"column_list": grain},
            f"one row a {', '.join(grain)}",
        )
    )
    path = EXPECTATIONS / contract.dataset / f"{contract.name}.yaml"
    for entry in yaml.safe_load(path.read_text())["expectations"]:
        found.append((entry["type"], entry["kwargs"], entry["why"]))
    return tuple(found)


def _explain(result: Any) -> str:
    config = result.expectation_config
    if (result.exception_info or {}).get("raised_exception", True):
        return f"{config.type}: could not be computed: {result.exception_info}"
    details = result.result
    rows = details.get("partial_unexpected_index_list") or []
    shown = "; ".join(
        ", ".join(f"{key}={value}" for key, value in row.items()) for row in rows[:_ROWS_SHOWN]
    )
    column = config.kwargs.get("column", "")
    return (
        f"{config.type}({column}): {config.meta.get('why', '')} "
        f"({details.get('unexpected_count', '?')} rows, such as {shown or 'none shown'})"
    )
