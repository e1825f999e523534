"""Runs LightweightMMM 0.1.9 (archived in 2025) on the JAX it is locked to here, on CPU.

Only two parts of it are used: the model (``models.media_mix_model``) and its hill-adstock
transform. They import neither TensorFlow nor the plotting stack: only ``lightweight_mmm.utils``
does, to open files. NumPyro does the sampling directly (fit.py), because ``LightweightMMM.fit``
can neither hold weeks out without a second compilation nor turn its progress bar off.

Two functions of ``media_transforms`` are corrected. Both are looked up there at call time, so
setting the module's attribute is enough:

- ``apply_exponent_safe`` and ``hill`` call ``jnp.where`` with keywords, which JAX now rejects;
- ``hill`` computes 1 / (1 + (x/ec)^-s), whose power overflows float32 when adstock decays through
  weeks without spend: its gradient is NaN and nearly every NUTS transition diverges. The same
  function is sigmoid(s · (ln x − ln ec)), which can't overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.errors import ConfigError

CPU_DEVICES = 2
"""Chains that run in parallel: JAX treats the host as this many devices."""


@dataclass(frozen=True)
class HillAdstock:
    """The library's national model function and its hill-adstock transform."""

    model: Callable[..., None]
    transform: Callable[..., Any]


def load_hill_adstock() -> HillAdstock:
    """Import JAX on CPU with two devices, and the corrected model.

    Raises:
        ConfigError: this process has already started JAX with other devices.
    """
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

    import jax.numpy as jnp
    from lightweight_mmm import media_transforms, models

    def apply_exponent_safe(data: Any, exponent: Any) -> Any:
        zero = data == 0
        return jnp.where(zero, 0, jnp.where(zero, 1, data) ** exponent)

    def hill(data: Any, half_max_effective_concentration: Any, slope: Any) -> Any:
        zero = data == 0
        log_ratio = jnp.log(jnp.where(zero, 1, data)) - jnp.log(half_max_effective_concentration)
        return jnp.where(zero, 0, jax.nn.sigmoid(slope * log_ratio))

    media_transforms.apply_exponent_safe = jax.jit(apply_exponent_safe)
    media_transforms.hill = jax.jit(hill)
    return HillAdstock(models.media_mix_model, models.transform_hill_adstock)
