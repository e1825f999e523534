"""Simulated experiments with a known effect, for tests of uplift."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.jobs.uplift.sample import Floats, Sample

_INSTANT = pa.timestamp("us", "UTC")
TOUCH_INPUTS = {
    "visitors": pa.schema(
        [
            ("person_id", pa.string()),
            ("last_device", pa.string()),
            ("last_country", pa.string()),
            ("last_channel", pa.string()),
            ("earlier_sessions", pa.int64()),
            ("earlier_orders", pa.int64()),
            ("earlier_ad_visits", pa.int64()),
            ("last_visit_at", _INSTANT),
        ]
    ),
    "touches": pa.schema(
        [("channel", pa.string()), ("person_id", pa.string()), ("first_at", _INSTANT)]
    ),
    "orders": pa.schema([("person_id", pa.string()), ("ordered_at", _INSTANT)]),
}
"""What the job reads of ads' touches."""


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
