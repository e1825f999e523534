"""A figure that a verdict rests on, or that only informs: a row of contracts.mmm_diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.jobs.base import significant


@dataclass(frozen=True)
class Check:
    """One figure.

    Args:
        name: unique within a run; ends with the channel that it is of.
        bound: None where it only informs.
        refuses: a run is INCONCLUSIVE if the bound doesn't hold.
        message: what a bound that doesn't hold says, or what the figure means.
    """

    name: str
    value: float
    bound: float | None = None
    passed: bool = True
    channel: str | None = None
    refuses: bool = False
    message: str | None = None

    @property
    def doubt(self) -> str | None:
        """Why the run can't be relied on, if that follows."""
        return None if self.passed or not self.refuses else self.message or self.name

    def row(self) -> dict[str, Any]:
        """As a row of contracts.mmm_diagnostics, without what every row of a run carries."""
        return {
            "name": self.name,
            "channel": self.channel,
            "value": significant(float(self.value)),
            "bound": None if self.bound is None else significant(float(self.bound)),
            "passed": self.passed,
            "refuses": self.refuses,
            "message": self.message,
        }


def at_most(
    name: str,
    value: float,
    bound: float,
    message: str | None = None,
    *,
    channel: str | None = None,
    refuses: bool = True,
) -> Check:
    """Passes up to the bound; NaN doesn't pass. ``message`` is kept where it doesn't."""
    passed = bool(value <= bound)
    return Check(name, value, bound, passed, channel, refuses, None if passed else message)


def at_least(
    name: str,
    value: float,
    bound: float,
    message: str | None = None,
    *,
    channel: str | None = None,
    refuses: bool = True,
) -> Check:
    """Passes from the bound; NaN doesn't pass. ``message`` is kept where it doesn't."""
    passed = bool(value >= bound)
    return Check(name, value, bound, passed, channel, refuses, None if passed else message)
