"""What a table's suite says: expectations of its rows, and how much may be set aside or withdrawn.

A suite is a YAML file, ``expectations/<dataset>/<table>.yaml``; see its README.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import yaml

from pipelines.contracts import Contract
from pipelines.shipped import shipped

# So few rows are set aside whatever share they are, as long as most of the batch is in order: one
# order of ten is no sign that the source has changed.
_ALWAYS = 3
# One row that is gone is no sign of a cut-off report.
_GONE = 1

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Expectation:
    """What a suite says of a table's rows.

    Args:
        type: Great Expectations' name of it.
        in_usd_by: the column that names an amount's currency, where ``min_value`` and
            ``max_value`` are in US dollars.
        severity: a row that fails a ``critical`` one is set aside; one that fails a ``warning``
            lands, and is reported.
    """

    type: str
    kwargs: dict[str, Any]
    why: str
    in_usd_by: str | None = None
    severity: Severity = "critical"

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


@dataclass(frozen=True)
class Suite:
    """The expectations of one table.

    Args:
        rejected_share: of a batch's rows, how many may be set aside; with more of them, it is the
            batch that is wrong. 0 where every row is money that others are held against.
        withdrawn_share: of the rows that are published, how many a batch may withdraw without a
            person's word; 1 where the platform withdraws rows as a matter of course.
    """

    expectations: tuple[Expectation, ...]
    rejected_share: float = 0.01
    withdrawn_share: float = 0.2

    def most_rejected(self, rows: int) -> int:
        """How many of a batch's rows may be set aside."""
        if not self.rejected_share:
            return 0
        return max(int(rows * self.rejected_share), min(_ALWAYS, (rows - 1) // 2), 0)

    def refuses_withdrawal(self, withdrawn: int, published: int) -> bool:
        """Whether a batch that withdraws so many of the published rows needs a person's word."""
        return withdrawn > _GONE and withdrawn > published * self.withdrawn_share

    def refuses_withdrawal_sql(self, withdrawn: str, published: str, share: str) -> str:
        """:meth:`refuses_withdrawal` as a GoogleSQL condition on three numbers."""
        return f"({withdrawn}) > {_GONE} AND ({withdrawn}) > {published} * {share}"


@cache
def suite_of(contract: Contract) -> Suite:
    """A landed table's suite."""
    path = shipped("expectations") / contract.dataset / f"{contract.name}.yaml"
    suite = yaml.safe_load(path.read_text())
    expectations = tuple(Expectation(**one) for one in suite.pop("expectations"))
    return Suite(expectations, **suite)
