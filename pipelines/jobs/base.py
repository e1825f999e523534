"""What every decision job is: rows in, a verdict with its evidence and contract rows out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import pyarrow as pa

from pipelines.config import Settings
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

Verdict = Literal["PASS", "INCONCLUSIVE", "NO_DATA"]
Progress = Callable[[str], None]
Row = Mapping[str, Any]

SIGNIFICANT_DIGITS = 6
"""Floats of results are rounded to this: far finer than any interval's width, and coarser than
the last-bit differences between two runs of the same arithmetic."""


@dataclass(frozen=True)
class Outcome:
    """What a job found.

    Args:
        verdict: PASS, or why nothing may rest on the run.
        reason: why, in sentences for a person.
        diagnostics: the figures behind it, by name.
        rows: contract table → its rows, without the columns that every row of a run carries.
    """

    verdict: Verdict
    reason: str
    diagnostics: Mapping[str, float | int | str | None] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plot:
    """A picture of a run: the name of its file, and what draws it from (warehouse, run id, path).

    ``draw`` returns the path, or None if the run has nothing to show.
    """

    name: str
    draw: Callable[[Warehouse, str, Path], Path | None]


Own = TypeVar("Own", bound=Section)


class Job(Protocol[Own]):
    """One decision job. ``tables`` are the contract tables that its runs write; ``plots`` are
    their pictures.

    A job computes from its own settings and never sees the others: its run id is made of exactly
    what it is given, so that no cap can change without a new run.
    """

    @property
    def name(self) -> str: ...

    @property
    def model_version(self) -> str: ...

    @property
    def tables(self) -> tuple[str, ...]: ...

    @property
    def plots(self) -> tuple[Plot, ...]: ...

    def settings(self, settings: Settings) -> Own:
        """Every setting that the result depends on, and all that ``compute`` is given."""

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        """The rows that the job rests on, by input, each ordered by its grain."""

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: Own,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        """The result: a function of its arguments alone."""


def significant(value: float) -> float:
    """``value`` rounded to ``SIGNIFICANT_DIGITS`` significant digits."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else value
