"""What every decision job is: rows in, a verdict with its evidence and contract rows out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

import pyarrow as pa

from pipelines.config import Settings
from pipelines.warehouse import Warehouse

Verdict = Literal["PASS", "INCONCLUSIVE", "NO_DATA"]
Progress = Callable[[str], None]
Row = Mapping[str, Any]

SIGNIFICANT_DIGITS = 6
"""Floats of results are rounded to this: far below any interval's width, and above the last-bit
differences of one machine's arithmetic."""


@dataclass(frozen=True)
class Outcome:
    """What a job found.

    Args:
        verdict: PASS, or why nothing may rest on the run.
        reason: the verdict in words.
        diagnostics: the figures behind it, by name.
        rows: contract table → its rows, less the columns that every row of a run carries.
    """

    verdict: Verdict
    reason: str
    diagnostics: Mapping[str, float | int | str | None] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)


class Job(Protocol):
    """One decision job. ``tables`` are the contract tables that its runs write."""

    @property
    def name(self) -> str: ...

    @property
    def model_version(self) -> str: ...

    @property
    def tables(self) -> tuple[str, ...]: ...

    def settings(self, settings: Settings) -> dict[str, Any]:
        """Everything configured that the result depends on, JSON-able."""

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        """The rows the job rests on, by input, each ordered by its grain."""

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: Settings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        """The result: a function of its arguments alone."""


def significant(value: float) -> float:
    """``value`` rounded to ``SIGNIFICANT_DIGITS`` significant digits."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else value
