"""Draws from the posterior of each of the three models by NumPyro's NUTS.

One program is compiled and run for every model, and again with the last weeks held out: data, the
weeks observed and the model's number are its arguments, and panels of nearly the same length are
padded to the same one. Compiling takes most of a fit's time.

The baseline is integrated out (:mod:`.scaled`), and a channel's coefficient is sampled as its mean
contribution: the library's coefficient is the effect of mean spend in two of its models and of
infinite spend in the third, so that one prior means different things, and it can hardly be told
from the half saturation. What is left is near to a normal distribution, in few dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from pipelines.jobs.mmm.lightweight.compat import CPU_DEVICES, load_transforms
from pipelines.jobs.mmm.lightweight.scaled import Scaled
from pipelines.jobs.mmm.lightweight.shapes import CARRY_WEEKS, MODELS, lags, parameters
from pipelines.jobs.mmm.panel import Floats, Panel

TARGET_ACCEPT = 0.85
PADDED_TO = 26
SHAPE_ROWS = 4
# The standard deviation of the contribution of a channel with the mean share of spend, as a share
# of the mean outcome; the library has the share itself, which together expects 80% of all sales.
_SCALE, _SCALE_POWER = 0.1, 0.5
_NOISE, _NOISE_SPREAD = 0.1, 1.0
GEO_MEAN = float(np.sqrt(np.pi / 2))
"""The scale of a half normal distribution of mean 1. The library scales its geos' coefficients by
the inverse, so that they come out 36% below the national ones."""


@dataclass(frozen=True)
class Posterior:
    """Draws of one model, [chain, draw, …].

    Args:
        contributions: a channel's mean contribution, of the mean outcome, [chain, draw, channel].
        shapes: standard normal, of :func:`.shapes.parameters`, [chain, draw, 4, channel].
        geos: factors of a channel's effect by geo, 1 with one geo, [chain, draw, channel, geo].
        noise: standard deviation, of the mean outcome, [chain, draw].
        energies: −log of the posterior density up to a constant, by the compiled program.
        divergences: how many transitions diverged.
    """

    contributions: Floats
    shapes: Floats
    geos: Floats
    noise: Floats
    energies: Floats
    divergences: int


@dataclass(frozen=True)
class Rows:
    """A panel's arrays as the program takes them; a row is a [week, geo]. Padding follows them.

    Args:
        media: lagged spend, 0 in padding, [channel, lag, row].
        target: 0 in padding, [row].
        directions: of the baseline, left singular vectors, 0 in padding, [row, column].
        variances: of the outcome in each, [column].
        scales: of contributions, [channel].
        observed: 1 by geo, and 0 in padding, [geo, row].
        turned: right singular vectors of the baseline, [column, column]; not for the program.
    """

    media: Floats
    target: Floats
    directions: Floats
    variances: Floats
    scales: Floats
    observed: Floats
    turned: Floats

    @classmethod
    def of(cls, panel: Panel, units: Scaled, weeks: int) -> Rows:
        """Padded to ``weeks``, up to a whole number of half years."""
        geos, real, channels = panel.spend.shape
        padding = (0, (-(-weeks // PADDED_TO) * PADDED_TO - real) * geos)
        media = [
            lags(units.spend(i, panel.spend[:, :, i])).transpose(2, 1, 0).reshape(CARRY_WEEKS, -1)
            for i in range(channels)
        ]
        columns = units.columns(panel).transpose(1, 0, 2).reshape(real * geos, -1)
        directions, deviations, turned = np.linalg.svd(columns, full_matrices=False)
        return cls(
            np.pad(np.array(media), ((0, 0), (0, 0), padding)),
            np.pad(units.outcome(panel).T.ravel(), padding),
            np.pad(directions, (padding, (0, 0))),
            deviations**2,
            _SCALE * np.maximum(units.shares * channels, 1e-3) ** _SCALE_POWER,
            np.pad(np.tile(np.eye(geos), real), ((0, 0), padding)),
            turned,
        )

    def without_padding(self, weeks: int) -> Rows:
        """As they were before they were padded."""
        rows = weeks * len(self.observed)
        return replace(
            self,
            media=self.media[:, :, :rows],
            target=self.target[:rows],
            directions=self.directions[:rows],
            observed=self.observed[:, :rows],
        )

    def data(self) -> list[Any]:
        """As arguments of the program."""
        used = (self.media, self.target, self.directions, self.variances, self.scales)
        return [array.astype(np.float32) for array in (*used, self.observed)]


@dataclass(frozen=True)
class Sampling:
    """How much is drawn: per chain, and in how many; and weeks held out to test the prediction."""

    chains: int = 2
    warmup: int = 500
    samples: int = 500
    holdout_weeks: int = 8


def sample(rows: Rows, model: int, seed: int, settings: Sampling) -> Posterior:
    """Run the chains of one model; the same arguments give the same draws on one machine."""
    import jax

    channels, geos = len(rows.media), len(rows.observed)
    program = _compiled(settings.warmup, settings.samples)
    keys = jax.random.split(jax.random.PRNGKey(seed), settings.chains)
    size = channels * (1 + SHAPE_ROWS + (geos if geos > 1 else 0)) + 1
    start = np.random.default_rng(seed).uniform(-0.5, 0.5, (settings.chains, size))
    runs = [
        jax.device_get(
            program(
                keys[i : i + CPU_DEVICES],
                start[i : i + CPU_DEVICES].astype(np.float32),
                np.int32(model),
                *rows.data(),
            )
        )
        for i in range(0, settings.chains, CPU_DEVICES)
    ]
    z, energies, diverging = (np.concatenate(part) for part in zip(*runs, strict=True))
    contributions, shapes, by_geo, noise = unpacked(z.astype(float), rows.scales, geos)
    return Posterior(
        np.exp(contributions), shapes, np.exp(by_geo), noise, energies, int(diverging.sum())
    )


def unpacked(z: Any, scales: Any, geos: int, exp: Any = np.exp, log: Any = np.log) -> Any:
    """Unconstrained parameters, [parameter] or with axes before it, to log contributions, shapes,
    log factors of geos, and noise."""
    channels = len(scales)
    axes = z.shape[:-1]
    contributions = z[..., :channels] + log(scales)
    shapes = z[..., channels : channels * (1 + SHAPE_ROWS)].reshape(*axes, SHAPE_ROWS, channels)
    by_geo = z[..., channels * (1 + SHAPE_ROWS) : -1].reshape(*axes, channels, -1)
    by_geo = 0 * contributions[..., None] if geos == 1 else by_geo + np.log(GEO_MEAN)
    return contributions, shapes, by_geo, _NOISE * exp(_NOISE_SPREAD * z[..., -1])


@cache
def _compiled(warmup: int, samples: int) -> Any:
    """One NUTS chain per key, in parallel: (keys, starts, model, data…) → z, energy, diverging."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    transforms = load_transforms()
    from numpyro.infer import MCMC, NUTS

    def potential(z: Any, model: Any, *data: Any) -> Any:
        media, target, directions, variances, scales, observed = data
        channels, geos = len(media), len(observed)
        log_contributions, shapes, log_geos, noise = unpacked(z, scales, geos, jnp.exp, jnp.log)
        values = lax.switch(model, transforms, media, parameters(shapes, jnp.exp))
        means = values @ observed.sum(axis=0) / observed.sum()
        # what hasn't spent yet has brought nothing
        means = jnp.where(means > 0, means, jnp.inf)
        heights = jnp.exp(log_contributions)[:, None] / means[:, None] * jnp.exp(log_geos)
        by_geo = heights @ observed
        rest = target - (by_geo * values).sum(axis=0)
        along = rest @ directions
        inside = variances + noise**2
        squares = (along**2 / inside).sum() + (rest @ rest - along @ along) / noise**2
        outside = observed.sum() - len(variances)
        half_normal = z[:channels], z[channels * (1 + SHAPE_ROWS) : -1]
        return (
            0.5 * squares
            + 0.5 * jnp.log(inside).sum()
            + outside * jnp.log(noise)
            + 0.5 * (shapes**2).sum()
            + 0.5 * z[-1] ** 2
            + sum((0.5 * jnp.exp(2 * u) - u).sum() for u in half_normal)
        )

    def chain(key: Any, start: Any, model: Any, *data: Any) -> Any:
        kernel = NUTS(
            potential_fn=lambda z: potential(z, model, *data),
            target_accept_prob=TARGET_ACCEPT,
            dense_mass=True,
        )
        mcmc = MCMC(kernel, num_warmup=warmup, num_samples=samples, progress_bar=False)
        mcmc.run(key, init_params=start, extra_fields=("potential_energy", "diverging"))
        extra = mcmc.get_extra_fields()
        return mcmc.get_samples(), extra["potential_energy"], extra["diverging"]

    return jax.pmap(chain, in_axes=(0, 0, None, *(None,) * 6))


def energies(posterior: Posterior, rest: Floats, rows: Rows) -> Floats:
    """What the program calls energy, by numpy, [chain × draw].

    Args:
        rest: outcome less media and the baseline's prior mean, [chain × draw, row].
        rows: without padding.
    """
    noise = posterior.noise.reshape(-1, 1)
    inside = rows.variances + noise**2
    along = rest @ rows.directions
    squares = (along**2 / inside).sum(axis=1)
    squares += ((rest**2).sum(axis=1) - (along**2).sum(axis=1)) / noise[:, 0] ** 2
    outside = rest.shape[1] - len(rows.variances)
    half_normal = (posterior.contributions / rows.scales).reshape(len(rest), -1)
    if len(rows.observed) > 1:
        by_geo = posterior.geos.reshape(len(rest), -1) / GEO_MEAN
        half_normal = np.concatenate([half_normal, by_geo], axis=1)
    level: Floats = (
        0.5 * squares
        + 0.5 * np.log(inside).sum(axis=1)
        + outside * np.log(noise[:, 0])
        + 0.5 * (posterior.shapes.reshape(len(rest), -1) ** 2).sum(axis=1)
        + 0.5 * (np.log(noise[:, 0] / _NOISE) / _NOISE_SPREAD) ** 2
        + (0.5 * half_normal**2 - np.log(half_normal)).sum(axis=1)
    )
    return level


def convergence(posteriors: list[Posterior]) -> tuple[float, float]:
    """Largest split R-hat and smallest effective sample size, over models and parameters that the
    model uses."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    rhats, sizes = [], []
    for model, p in zip(MODELS, posteriors, strict=True):
        used = {"adstock": [0, 1], "hill_adstock": [0, 1, 2], "carryover": [0, 1, 3]}[model]
        for values in (p.contributions, p.shapes[:, :, used], p.noise):
            rhats.append(np.max(split_gelman_rubin(values)))
            sizes.append(np.min(effective_sample_size(values)))
    # numpy's max and min propagate a NaN (a chain that never moved); Python's would drop it
    return float(np.max(rhats)), float(np.min(sizes))
