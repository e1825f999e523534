"""Runs LightweightMMM 0.1.9 (archived in 2025) on the JAX it is locked to here, on CPU.

Its three transforms of media are used (``models.transform_adstock`` and so on). They import neither
TensorFlow nor the plotting stack: only ``lightweight_mmm.utils`` does, to open files. NumPyro does
the sampling directly, because ``LightweightMMM.fit`` can neither hold weeks out without a second
compilation, nor integrate the baseline out, nor turn its progress bar off.

What the transforms call in ``media_transforms`` is looked up there at call time, so setting the
module's attributes is enough to correct it:

- ``apply_exponent_safe`` and ``hill`` call ``jnp.where`` with keywords, which JAX now rejects;
- ``hill`` computes 1 / (1 + (x/ec)^-s), whose power overflows float32 when adstock decays through
  weeks without spend: its gradient is NaN and nearly every NUTS transition diverges. The same
  function is sigmoid(s · (ln x − ln ec)), which can't overflow;
- ``adstock`` goes from week to week in a loop, most of whose time is its own overhead, and spends
  a mean of past weeks that never sums to 1: here it is a weighted mean of ``CARRY_WEEKS`` weeks;
- ``carryover`` cuts its weights off after 13 steps whatever the decay: here after as many weeks.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from pipelines.canonical import sha256
from pipelines.errors import ConfigError
from pipelines.jobs.mmm.lightweight.shapes import CARRY_WEEKS, MODELS

CPU_DEVICES = 2
"""Chains that run in parallel: JAX treats the host as this many devices."""

Transform = Callable[[Any, Mapping[str, Any]], Any]
"""(lagged spend, [channel, lag, row]; parameters, [channel], by the library's names of their sites)
→ transformed spend, [channel, row]."""


@cache
def load_transforms() -> tuple[Transform, ...]:
    """Import JAX on CPU with two devices, and the corrected transforms, as ``MODELS`` has them.

    Raises:
        ConfigError: this process has already started JAX with other devices.
    """
    _same_arithmetic_everywhere()
    import jax

    try:
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_num_cpu_devices", CPU_DEVICES)
    except RuntimeError as error:
        raise ConfigError(
            f"This process started JAX before the mmm job could give it {CPU_DEVICES} CPU "
            f"devices: {error}",
            kept="nothing was computed.",
            fix="Run the job in its own process: `adcanary job mmm`.",
        ) from error
    _keep_compiled(jax.config)

    import jax.numpy as jnp
    from lightweight_mmm import media_transforms, models
    from numpyro.handlers import substitute

    def apply_exponent_safe(data: Any, exponent: Any) -> Any:
        zero = data == 0
        return jnp.where(zero, 0, jnp.exp(exponent * jnp.log(jnp.where(zero, 1, data))))

    def hill(data: Any, half_max_effective_concentration: Any, slope: Any) -> Any:
        zero = data == 0
        log_ratio = jnp.log(jnp.where(zero, 1, data)) - jnp.log(half_max_effective_concentration)
        return jnp.where(zero, 0, jax.nn.sigmoid(slope * log_ratio))

    # Media come as lagged spend, [lag, channel, row], and leave as [channel, row]. Swapped back, so
    # that each channel is one product of a matrix in its own place in memory: a fifth of the time.
    def carried(lagged: Any, weights: Any) -> Any:
        weights = weights / weights.sum(axis=0)
        return jnp.einsum("clr,cl->cr", lagged.swapaxes(0, 1), weights.T)

    def adstock(data: Any, lag_weight: Any, normalise: bool = True) -> Any:
        del normalise  # without, the scale of spend would change with the carry-over
        return carried(data, lag_weight[:, 0] ** jnp.arange(CARRY_WEEKS)[:, None])

    def carryover(
        data: Any, ad_effect_retention_rate: Any, peak_effect_delay: Any, number_lags: int
    ) -> Any:
        del number_lags
        distance = (jnp.arange(CARRY_WEEKS)[:, None] - peak_effect_delay) ** 2
        return carried(data, ad_effect_retention_rate**distance)

    for corrected in (apply_exponent_safe, hill, adstock, carryover):
        setattr(media_transforms, corrected.__name__, corrected)

    def transform(name: str) -> Transform:
        function = getattr(models, f"transform_{name}")

        def at(lagged: Any, sites: Mapping[str, Any]) -> Any:
            model = substitute(function, data=dict(sites))
            return model(lagged.swapaxes(0, 1), custom_priors={})

        return at

    return tuple(transform(name) for name in MODELS)


def _same_arithmetic_everywhere() -> None:
    """Keep XLA (JAX 0.10.2) from computing by what this machine happens to have.

    NUTS amplifies the last bit of a product into another answer. XLA cuts products by the number
    of cores, and uses wider vectors where the processor has them
    (``findings/jax_cpu_products_depend_on_cores.sh``).
    """
    os.environ.setdefault("PJRT_NPROC", str(CPU_DEVICES))
    given = os.environ.get("XLA_FLAGS", "")
    if platform.machine().lower() in ("x86_64", "amd64") and "xla_cpu_max_isa" not in given:
        os.environ["XLA_FLAGS"] = f"{given} --xla_cpu_max_isa=AVX2".strip()


def _keep_compiled(config: Any) -> None:
    """Keep compiled programs for this user's next process, unless JAX is told where to.

    They are the machine's own: a folder of the user's may be shared with one that lacks some of
    the instructions. A file that can't be read or written is warned of by JAX, and compiled anew.
    """
    if config.jax_compilation_cache_dir is None:
        instructions = sha256(" ".join((platform.machine(), *_cpu_flags())))[:16]
        folder = user_cache_path("adcanary") / f"xla-{instructions}"
        config.update("jax_compilation_cache_dir", str(folder))


def _cpu_flags() -> list[str]:
    """What Linux says the processor can; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    return next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
