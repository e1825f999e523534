"""Simulated experiments with a known effect, for tests of uplift."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.jobs.uplift.sample import Floats, Sample


def experiment(
    seed: int, units: int = 2_000, lift: float = 0.2, share: float = 0.5
) -> tuple[Sample, Floats]:
    """A randomised experiment whose treatment raises a rate of 0.3 by ``lift``, on mobile devices
    alone; and the true effect of each unit."""
    rng = np.random.default_rng(seed)
    device = rng.choice(["desktop", "mobile"], units)
    orders = rng.poisson(1.0, units).astype(float)
    effect = np.where(device == "mobile", lift, 0.0)
    treated = rng.random(units) < share
    outcome = (rng.random(units) < 0.3 + effect * treated).astype(float)
    frame = pd.DataFrame({"device": device, "earlier orders": orders})
    return Sample(frame, treated, outcome), effect
