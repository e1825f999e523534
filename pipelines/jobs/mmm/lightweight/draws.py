"""From draws of a model's parameters to what they say of media and of the baseline, in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.jobs.mmm.lightweight.averaging import left_out, predictive
from pipelines.jobs.mmm.lightweight.sampler import Posterior, Rows, energies
from pipelines.jobs.mmm.lightweight.scaled import Scaled
from pipelines.jobs.mmm.lightweight.shapes import Shape, lags, parameters
from pipelines.jobs.mmm.panel import Floats, Panel


@dataclass(frozen=True)
class Draws:
    """Draws of one model.

    Args:
        shapes: of each channel.
        heights: what a transformed spend of 1 brings, in the outcome's unit, [draw, channel, geo].
        coefficients: of the baseline's columns, [draw, column].
    """

    shapes: tuple[Shape, ...]
    heights: Floats
    coefficients: Floats


@dataclass(frozen=True)
class Candidate:
    """All draws of one model, before the models are averaged.

    Args:
        shapes: of each channel.
        heights: as in :class:`Draws`.
        rest: outcome less media and the baseline's prior mean, in mean outcomes, [draw, row]; a row
            is a [week, geo].
        noise: standard deviation, in mean outcomes, [draw].
        rows: what the model was fitted to, without padding.
        energy_error: the largest difference between −log densities by the compiled program and by
            numpy. NUTS keeps to the posterior whose density it is given, even where a gradient is
            wrong: so a small difference says that JAX compiled it rightly.
    """

    shapes: tuple[Shape, ...]
    heights: Floats
    rest: Floats
    noise: Floats
    rows: Rows
    energy_error: float

    @classmethod
    def of(
        cls, model: str, posterior: Posterior, panel: Panel, units: Scaled, rows: Rows
    ) -> Candidate:
        """Evaluate the draws on the panel."""
        geos, weeks, channels = panel.spend.shape
        rows = rows.without_padding(weeks)
        z = posterior.shapes.reshape(-1, *posterior.shapes.shape[2:])
        shapes = tuple(Shape(model, parameters(z[:, :, i].T)) for i in range(channels))
        by_geo = posterior.geos.reshape(-1, channels, geos)
        contributions = posterior.contributions.reshape(-1, channels)
        media, heights = np.zeros((len(z), geos, weeks)), np.empty_like(by_geo)
        for i, shape in enumerate(shapes):
            values = shape(lags(units.spend(i, panel.spend[:, :, i])))
            mean = values.mean(axis=(1, 2))
            # what hasn't spent yet has brought nothing, and nothing can be said of what it will
            mean = np.where(mean > 0, mean, np.inf)
            heights[:, i] = (contributions[:, i] / mean)[:, None] * by_geo[:, i]
            media += values * heights[:, i, :, None]
        rest = rows.target - media.transpose(0, 2, 1).reshape(len(z), -1)
        differences = posterior.energies.ravel() - energies(posterior, rest, rows)
        return cls(
            shapes,
            heights * units.sizes,
            rest,
            posterior.noise.ravel(),
            rows,
            float(np.abs(differences).max()),
        )

    def predictive(self) -> Floats:
        """Log density of each row, given the others, [row]."""
        rows = self.rows
        return predictive(left_out(self.rest, rows.directions, rows.variances, self.noise))

    def drawn(self, count: int, random: np.random.Generator) -> Draws:
        """So many of the draws, evenly, each with one draw of the baseline given it."""
        chosen = np.linspace(0, len(self.rest), count, endpoint=False).astype(int)
        noise, deviations = self.noise[chosen, None], np.sqrt(self.rows.variances)
        ridge = self.rows.variances + noise**2
        means = self.rest[chosen] @ self.rows.directions * deviations / ridge
        spread = noise / np.sqrt(ridge) * random.normal(size=means.shape)
        shapes = tuple(
            Shape(s.model, {name: v[chosen] for name, v in s.sites.items()}) for s in self.shapes
        )
        return Draws(shapes, self.heights[chosen], (means + spread) @ self.rows.turned)
