"""A ridge regression for each candidate of hyper-parameters, and its two errors.

As in Robyn (Meta, 3.11): geometric adstock and Hill, a ridge penalty that is itself searched for,
coefficients of media from 0, the error of weeks not seen (``ts_validation``), and the distance of
the shares of effect from the shares of spend (DECOMP.RSSD). Three things differ. Trend and season
are not Prophet's but bend at a few knots and follow a Fourier series, penalised with the rest. The
half saturation isn't tied to the largest spend, which moves with every new peak. And all candidates
of a generation are solved at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pipelines.jobs.mmm.lightweight.scaled import YEAR_WEEKS, Scaled
from pipelines.jobs.mmm.lightweight.shapes import HALF, LAG, SLOPE, Shape, lags
from pipelines.jobs.mmm.panel import Floats, Panel

# Of a channel: adstock's rate, ln half saturation in mean weeks, ln slope. And ln of the penalty.
_RATE, _HALF, _SLOPE = (0.0, 0.8), (np.log(0.3), np.log(5.0)), (np.log(0.5), np.log(3.0))
_PENALTY = (np.log(1e-4), np.log(0.3))
_HARMONICS, _KNOTS, _LAST_KNOT = 3, 4, 0.8
# A candidate predicts each of these shares of the weeks from those before.
_ORIGINS = (0.55, 0.7, 0.85)
_SWEEPS = 60


class RecipeUnits(Scaled):
    """The lightweight engine's units, with the recipe's baseline (the level of each geo, trend,
    season and controls), whose prior has no mean."""

    level_mean: ClassVar[float] = 0.0

    def columns(self, panel: Panel) -> Floats:
        """[geo, week, column]; the levels come first."""
        geos, weeks, _ = panel.controls.shape
        time = np.arange(weeks) / self.weeks
        knots = np.linspace(0, _LAST_KNOT, _KNOTS + 1)
        trend = np.maximum(time[:, None] - knots, 0)
        angles = np.arange(weeks)[:, None] * 2 * np.pi / YEAR_WEEKS * np.arange(1, _HARMONICS + 1)
        season = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        parts = (
            np.broadcast_to(np.eye(geos)[:, None], (geos, weeks, geos)),
            np.broadcast_to(trend, (geos, weeks, len(knots))),
            np.broadcast_to(season, (geos, weeks, 2 * _HARMONICS)),
            (panel.controls - self.centres) / self.spreads,
        )
        return np.concatenate(parts, axis=2)


@dataclass(frozen=True)
class Solved:
    """Regressions of several candidates.

    Args:
        media: coefficients in mean outcomes, from 0, [candidate, channel].
        baseline: of the columns, [candidate, column].
    """

    media: Floats
    baseline: Floats


@dataclass(frozen=True)
class Recipe:
    """What candidates are tried on; a row is a [geo, week]."""

    lagged: list[Floats]
    columns: Floats
    outcome: Floats
    shares: Floats

    @classmethod
    def of(cls, panel: Panel, units: RecipeUnits) -> Recipe:
        """Of a panel."""
        channels = range(panel.spend.shape[2])
        return cls(
            [lags(units.spend(i, panel.spend[:, :, i])) for i in channels],
            units.columns(panel),
            units.outcome(panel),
            units.shares,
        )

    @property
    def size(self) -> int:
        """How many hyper-parameters a candidate has."""
        return 3 * len(self.lagged) + 1

    def shapes(self, candidates: Floats) -> tuple[Shape, ...]:
        """Of each channel; ``candidates`` are within 0 and 1, [candidate, hyper-parameter]."""
        rate, half, slope = candidates[:, :-1].reshape(len(candidates), 3, -1).transpose(1, 0, 2)
        sites = {
            LAG: _within(_RATE, rate),
            HALF: np.exp(_within(_HALF, half)),
            SLOPE: np.exp(_within(_SLOPE, slope)),
        }
        return tuple(
            Shape("hill_adstock", {name: v[:, i] for name, v in sites.items()})
            for i in range(len(self.lagged))
        )

    def errors(self, candidates: Floats) -> tuple[Floats, Solved]:
        """NRMSE of weeks not seen, and DECOMP.RSSD, [candidate, 2]; and the fits to all weeks."""
        features = self._features(candidates)
        penalty = np.exp(_within(_PENALTY, candidates[:, -1]))
        weeks = self.outcome.shape[1]
        squares = []
        for share in _ORIGINS:
            seen = round(share * weeks)
            until = min(seen + round((1 - _ORIGINS[-1]) * weeks), weeks)
            solved = self._solve(features, penalty, seen)
            predicted = np.einsum("kgtc,kc->kgt", features[:, :, seen:until], solved.media)
            predicted += np.tensordot(solved.baseline, self.columns[:, seen:until], axes=(1, 2))
            squares.append(((predicted - self.outcome[:, seen:until]) ** 2).mean(axis=(1, 2)))
        solved = self._solve(features, penalty, weeks)
        brought = solved.media * features.mean(axis=(1, 2))
        effect = brought / np.maximum(brought.sum(axis=1, keepdims=True), 1e-12)
        distance = np.sqrt(((effect - self.shares) ** 2).sum(axis=1))
        # as Robyn: a channel that is left out must not make the others' shares look right
        distance *= 1 + (solved.media <= 0).mean(axis=1)
        range_ = np.ptp(self.outcome)
        return np.array([np.sqrt(np.mean(squares, axis=0)) / range_, distance]).T, solved

    def _features(self, candidates: Floats) -> Floats:
        """[candidate, geo, week, channel]"""
        shapes = self.shapes(candidates)
        return np.stack([s(x) for s, x in zip(shapes, self.lagged, strict=True)], axis=3)

    def _solve(self, features: Floats, penalty: Floats, weeks: int) -> Solved:
        """Ridge regressions on the first weeks, with media from 0.

        Columns count in units of their standard deviations, as in glmnet; levels are free: they are
        taken out of everything first. The baseline is eliminated through its singular values, and
        what is left, a few channels, is solved by coordinate descent, which can't leave 0 upwards
        but where that helps.
        """
        count, geos, _, channels = features.shape
        rows = geos * weeks
        x = features[:, :, :weeks] - features[:, :, :weeks].mean(axis=2, keepdims=True)
        x = x.reshape(count, rows, channels)
        z = self.columns[:, :weeks, geos:]
        middle = z.mean(axis=1, keepdims=True)
        spread = np.maximum((z - middle).std(axis=(0, 1)), 1e-9)
        z = ((z - middle) / spread).reshape(rows, -1)
        level = self.outcome[:, :weeks].mean(axis=1)
        y = (self.outcome[:, :weeks] - level[:, None]).ravel()

        left, singular, right = np.linalg.svd(z, full_matrices=False)
        ridge = rows * penalty[:, None]
        shrunk = singular**2 / (singular**2 + ridge)
        along_x, along_y = np.einsum("rp,krc->kpc", left, x), y @ left
        deviations = x.std(axis=1)
        gram = (
            x.transpose(0, 2, 1) @ x - (along_x * shrunk[:, :, None]).transpose(0, 2, 1) @ along_x
        )
        own = np.arange(channels)
        gram[:, own, own] += ridge * deviations**2 + 1e-9
        pull = y @ x - np.einsum("kpc,kp->kc", along_x, shrunk * along_y)
        media = np.zeros((count, channels))
        for _ in range(_SWEEPS):
            for i in range(channels):
                rest = pull[:, i] - (gram[:, i] * media).sum(axis=1) + gram[:, i, i] * media[:, i]
                media[:, i] = np.maximum(rest / gram[:, i, i], 0)
        along = along_y - np.einsum("kpc,kc->kp", along_x, media)
        slopes = (along * singular / (singular**2 + ridge)) @ right / spread
        levels = level - np.einsum("kgc,kc->kg", features[:, :, :weeks].mean(axis=2), media)
        levels -= slopes @ middle[:, 0].T
        return Solved(media, np.concatenate([levels, slopes], axis=1))


def _within(bounds: tuple[float, float], share: Floats) -> Floats:
    return bounds[0] + (bounds[1] - bounds[0]) * share
