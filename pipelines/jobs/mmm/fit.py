"""Fits LightweightMMM's hill-adstock model by NUTS, on all weeks and with the last ones held out.

One program is compiled and run twice: the weeks held out are masked in the likelihood, so the
second fit costs only its sampling. Chains run in parallel, one per CPU device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.config import MmmSettings
from pipelines.jobs.base import Progress
from pipelines.jobs.mmm.compat import CPU_DEVICES, load_hill_adstock
from pipelines.jobs.mmm.weeks import Weeks

Floats = npt.NDArray[np.float64]

DEGREES_SEASONALITY = 2
WEEKS_A_YEAR = 52
TARGET_ACCEPT = 0.99
THINNING = 2
_DERIVED = ("mu", "media_transformed")


@dataclass(frozen=True)
class Fit:
    """Posterior draws, and what says whether to believe them.

    Args:
        coefficient: orders a week at full saturation, [draw, channel].
        half_saturation_micros: weekly spend at half of it, [draw, channel].
        slope: Hill exponent, [draw, channel].
        contribution: orders each channel brought, posterior mean, [week, channel].
        max_rhat: largest split R-hat over all parameters.
        min_ess: smallest effective sample size over all parameters.
        holdout_mape: mean absolute percentage error of the weeks held out.
        r2: share of the variance of weekly orders that the posterior mean explains.
    """

    coefficient: Floats
    half_saturation_micros: Floats
    slope: Floats
    contribution: Floats
    max_rhat: float
    min_ess: float
    divergences: int
    holdout_mape: float
    r2: float


def fit_hill_adstock(weeks: Weeks, settings: MmmSettings, progress: Progress) -> Fit:
    """Fit twice, with ``settings.seed`` and ``settings.seed + 1``.

    Spend is scaled by each channel's mean and orders by the mean of the weeks not held out.

    Returns:
        Draws in micros and orders. The same weeks and settings give the same draws on the same
        kind of CPU.
    """
    held = settings.holdout_weeks
    orders = weeks.orders.astype(np.float64)
    spend = weeks.spend_micros.astype(np.float64)
    spend_scale = spend.mean(axis=0)
    order_scale = orders[:-held].mean()
    sample = _sampler(
        spend / spend_scale, orders / order_scale, spend_scale / spend_scale.sum(), settings
    )

    observed = np.ones(len(orders), dtype=bool)
    progress(f"mmm: compiling and fitting {len(orders)} weeks, {len(spend_scale)} channels")
    full = sample(settings.seed, observed)
    observed[-held:] = False
    progress(f"mmm: fitting again without the last {held} weeks, to test the prediction of them")
    unseen = sample(settings.seed + 1, observed)

    rhat, ess = _convergence(full)
    predicted = full["mu"].mean(axis=(0, 1)) * order_scale
    forecast = unseen["mu"].mean(axis=(0, 1))[-held:] * order_scale
    # a week without orders would divide by zero: count its error against one order
    error = np.abs(forecast - orders[-held:]) / np.maximum(orders[-held:], 1)
    brought = full["media_transformed"] * full["coef_media"][:, :, None, :]
    return Fit(
        coefficient=_draws(full["coef_media"]) * order_scale,
        half_saturation_micros=_draws(full["half_max_effective_concentration"]) * spend_scale,
        slope=_draws(full["slope"]),
        contribution=brought.mean(axis=(0, 1)) * order_scale,
        max_rhat=rhat,
        min_ess=ess,
        divergences=int(full["diverging"].sum()),
        holdout_mape=float(error.mean()),
        r2=float(1 - ((orders - predicted) ** 2).sum() / ((orders - orders.mean()) ** 2).sum()),
    )


def _priors(weeks: int) -> dict[str, Any]:
    """Priors on the scaled data that replace the library's where those leave the shape open.

    Slope and half-saturation near zero (likely under the library's Gamma(1, 1)) turn a channel
    into a constant, which can't be told from the intercept. A trend with a free power can't be
    told from one with another coefficient, so the power is held near 1. The intercept is centred
    at 60% of mean orders; seasonality has a standard deviation of 20%. The lag's Beta(2, 2) is
    symmetric about a half.
    """
    from numpyro import distributions as dist

    return {
        "intercept": dist.TruncatedNormal(0.6, 0.3, low=0.0),
        "coef_trend": dist.Normal(0.0, 0.4 / weeks),
        "expo_trend": dist.Uniform(0.95, 1.05),
        "gamma_seasonality": dist.Normal(0.0, 0.2),
        "lag_weight": dist.Beta(2.0, 2.0),
        "half_max_effective_concentration": dist.Gamma(4.0, 3.0),
        "slope": dist.Gamma(4.0, 3.0),
    }


def _sampler(
    media: Floats, target: Floats, spend_share: Floats, settings: MmmSettings
) -> Callable[[int, npt.NDArray[np.bool_]], dict[str, Floats]]:
    """A function of (seed, weeks observed) that draws from the posterior: [chain, draw, …].

    Channel coefficients are HalfNormal, scaled by the channel's share of spend (the library's
    convention: costs are the prior), so that together they come to about mean orders when
    saturated, and to about a third of that at mean spend.
    """
    import jax

    chains = _compiled_chains(*media.shape, settings.warmup, settings.samples)

    def sample(seed: int, observed: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        keys = jax.random.split(jax.random.PRNGKey(seed), settings.chains)
        drawn = [
            jax.device_get(chains(keys[i : i + CPU_DEVICES], observed, media, target, spend_share))
            for i in range(0, len(keys), CPU_DEVICES)
        ]
        return {
            name: np.concatenate([d[name] for d in drawn]).astype(np.float64) for name in drawn[0]
        }

    return sample


@cache
def _compiled_chains(weeks: int, channels: int, warmup: int, samples: int) -> Any:
    """One NUTS chain per key, in parallel: (keys, observed, media, target, spend share) → draws.

    Compiling takes most of the job's time, so the data are arguments of the program and not
    constants: each process compiles it once for each shape.
    """
    library = load_hill_adstock()
    import jax
    from numpyro.handlers import reparam
    from numpyro.infer import MCMC, NUTS, init_to_median
    from numpyro.infer.reparam import LocScaleReparam
    from numpyro.primitives import Messenger

    class Observed(Messenger):
        """Leaves the weeks that aren't observed out of the likelihood."""

        def __init__(self, model: Callable[..., None], observed: Any) -> None:
            self.observed = observed
            super().__init__(model)

        def process_message(self, message: dict[str, Any]) -> None:
            if message["type"] == "sample" and message["name"] == "target":
                message["fn"] = message["fn"].mask(self.observed)

    model = partial(
        library.model,
        degrees_seasonality=DEGREES_SEASONALITY,
        frequency=WEEKS_A_YEAR,
        transform_function=library.transform,
        custom_priors=_priors(weeks),
    )
    # sampled in units of their prior: next to parameters near 1, a trend of 0.001 a week makes NUTS
    # start with steps a hundred times too small, and keeps its trees five times too deep
    model = reparam(
        model, {"coef_trend": LocScaleReparam(0), "gamma_seasonality": LocScaleReparam(0)}
    )

    def chain(key: Any, observed: Any, media: Any, target: Any, spend_share: Any) -> dict[str, Any]:
        kernel = NUTS(
            Observed(model, observed),
            target_accept_prob=TARGET_ACCEPT,
            dense_mass=True,
            init_strategy=init_to_median,
        )
        mcmc = MCMC(
            kernel,
            num_warmup=warmup,
            num_samples=samples * THINNING,
            thinning=THINNING,
            progress_bar=False,
        )
        mcmc.run(
            key,
            media_data=media,
            target_data=target,
            media_prior=spend_share,
            extra_fields=("diverging",),
        )
        return {**mcmc.get_samples(), **mcmc.get_extra_fields()}

    return jax.pmap(chain, in_axes=(0, None, None, None, None))


def _convergence(draws: dict[str, Floats]) -> tuple[float, float]:
    """Largest split R-hat and smallest effective sample size over the parameters."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    parameters = [v for k, v in draws.items() if k not in (*_DERIVED, "diverging")]
    # numpy's max and min propagate a NaN (a chain that never moved); Python's would drop it
    rhat = np.max([np.max(split_gelman_rubin(p)) for p in parameters])
    ess = np.min([np.min(effective_sample_size(p)) for p in parameters])
    return float(rhat), float(ess)


def _draws(by_chain: Floats) -> Floats:
    return by_chain.reshape(-1, by_chain.shape[-1])
