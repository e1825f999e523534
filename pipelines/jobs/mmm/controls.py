"""What the calendar says of weeks: promotions, holidays, prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import fmean

import numpy as np
import pyarrow as pa

from pipelines.jobs.mmm.checks import Check, at_least
from pipelines.jobs.mmm.ensemble import Ensemble
from pipelines.jobs.mmm.panel import Floats

MIN_AGREEMENT = 0.1
"""Probability that a control does what the calendar expects, below which the fit contradicts it."""


@dataclass(frozen=True)
class Controls:
    """Values by control and week, from rows of controls.sql.

    Args:
        names: sorted.
        values: by name and Monday; of weeks that aren't there, nothing is known, which is 0.
        usual: by name, of controls that aren't known in advance: their mean in the fitted weeks,
            which a later week gets.
        signs: by name, of controls that are expected to bring orders (1) or to cost some (-1).
        last_week: the last of the fitted weeks.
    """

    names: tuple[str, ...] = ()
    values: Mapping[tuple[str, date], float] = field(default_factory=dict)
    usual: Mapping[str, float] = field(default_factory=dict)
    signs: Mapping[str, int] = field(default_factory=dict)
    last_week: date = date.max

    def of(self, weeks: Sequence[date]) -> Floats:
        """Of some weeks, [1, week, control]."""
        rows = [[self._value(name, week) for name in self.names] for week in weeks]
        return np.array(rows, dtype=np.float64).reshape(1, len(weeks), len(self.names))

    def checks(self) -> Iterator[Check]:
        """What the weeks to come take for granted."""
        for name, value in sorted(self.usual.items()):
            yield Check(
                f"control_usual_{name}",
                value,
                message=f"{name} isn't known in advance: the weeks to come get its mean of the "
                f"fitted weeks, {value:.3g}",
            )

    def _value(self, name: str, week: date) -> float:
        if week > self.last_week and name in self.usual:
            return self.usual[name]
        return self.values.get((name, week), 0.0)


def controls_of(table: pa.Table | None, weeks: Sequence[date]) -> Controls:
    """Those that say something of the weeks to be fitted: they differ between them."""
    rows = table.to_pylist() if table is not None else []
    values = {(row["name"], row["week_start"]): float(row["value"]) for row in rows}
    fitted = {
        name: [values.get((name, week), 0.0) for week in weeks]
        for name in sorted({row["name"] for row in rows})
    }
    varied = {name: own for name, own in fitted.items() if len(set(own)) > 1}
    unplanned = {row["name"] for row in rows if not row["known_in_advance"]}
    return Controls(
        tuple(varied),
        values,
        {name: fmean(own) for name, own in varied.items() if name in unplanned},
        {row["name"]: row["expected_sign"] for row in rows if row["expected_sign"]},
        weeks[-1],
    )


def control_signs(fitted: Ensemble, controls: Controls) -> Iterator[Check]:
    """Controls that the calendar expects to bring orders, or to cost some."""
    for name, positive in fitted.positive_controls().items():
        if sign := controls.signs.get(name):
            agrees = positive if sign > 0 else 1 - positive
            expected, fit = ("bring orders", "cost some")[::sign]
            yield at_least(
                f"control_sign_{name}",
                agrees,
                MIN_AGREEMENT,
                f"the calendar expects {name} to {expected}, and the fit says that it would "
                f"{fit} (probability {1 - agrees:.0%}): what happens in the same weeks may be "
                "taken for it; see whether its days are right, or land what else happened then",
                refuses=False,
            )
