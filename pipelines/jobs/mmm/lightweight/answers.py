"""What each channel brings, by draws of models that were fitted to a panel in its own units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.jobs.mmm.lightweight.draws import Draws
from pipelines.jobs.mmm.lightweight.scaled import Scaled
from pipelines.jobs.mmm.lightweight.shapes import lags
from pipelines.jobs.mmm.panel import Floats, Panel


@dataclass(frozen=True)
class Answers:
    """A fitted engine (see :class:`pipelines.jobs.mmm.engine.Fitted`).

    Args:
        panel: what it was fitted to.
        units: in which it was fitted.
        models: draws, by model.
        checks: figures by name.
    """

    panel: Panel
    units: Scaled
    models: tuple[Draws, ...]
    checks: Mapping[str, float]

    def brought(self, channel: int, spend: Floats) -> Floats:
        """As :meth:`pipelines.jobs.mmm.engine.Fitted.brought`."""
        lagged = lags(self.units.spend(channel, spend))
        return np.concatenate(
            [m.shapes[channel](lagged) * m.heights[:, channel, :, None] for m in self.models]
        )

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        """As :meth:`pipelines.jobs.mmm.engine.Fitted.totals`."""
        totals = []
        for spend in paths:
            lagged = lags(self.units.spend(channel, spend), weeks)
            parts = [
                np.einsum("dgw,dg->d", m.shapes[channel](lagged), m.heights[:, channel])
                for m in self.models
            ]
            totals.append(np.concatenate(parts))
        return np.stack(totals, axis=1)

    def expected(self, later: Panel) -> Floats:
        """As :meth:`pipelines.jobs.mmm.engine.Fitted.expected`."""
        coefficients = np.concatenate([m.coefficients for m in self.models])
        columns = self.units.columns(later)
        result = self.units.money(np.tensordot(coefficients, columns, axes=(1, 2)))
        for i in range(later.spend.shape[2]):
            result += self.brought(i, later.spend[:, :, i])
        return result
