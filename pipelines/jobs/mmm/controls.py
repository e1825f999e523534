"""What the calendar says of weeks: promotions, holidays, prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from pipelines.jobs.mmm.panel import Floats


@dataclass(frozen=True)
class Controls:
    """Values by control and week, from rows of controls.sql.

    Args:
        names: sorted.
        values: by name and Monday; of weeks that aren't there, nothing is known, which is 0.
    """

    names: tuple[str, ...] = ()
    values: Mapping[tuple[str, date], float] | None = None

    def of(self, weeks: Sequence[date]) -> Floats:
        """Of some weeks, [1, week, control]."""
        known = self.values or {}
        rows = [[known.get((name, week), 0.0) for name in self.names] for week in weeks]
        return np.array(rows, dtype=np.float64).reshape(1, len(weeks), len(self.names))


def controls_of(table: pa.Table | None, weeks: Sequence[date]) -> Controls:
    """Those that say something of the weeks to be fitted: they differ between them.

    Of a later week, only what was known in advance is taken.
    """
    rows = table.to_pylist() if table is not None else []
    values = {
        (row["name"], row["week_start"]): float(row["value"])
        for row in rows
        if row["week_start"] <= weeks[-1] or row["known_in_advance"]
    }
    names = sorted({name for name, _ in values})
    varied = (n for n in names if len({values.get((n, week), 0.0) for week in weeks}) > 1)
    return Controls(tuple(varied), values)
