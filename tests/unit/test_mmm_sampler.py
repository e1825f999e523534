"""The ensemble's sampler: what its integrals weigh."""

import numpy as np
import pytest
from scipy.special import erfcx

from pipelines.jobs.mmm.ensemble import sampler


def test_both_sides_of_a_height_weigh_what_the_integrals_say_near_and_far_from_zero() -> None:
    z = np.array([[-34.0, -8.0, -1.0, 0.0, 1.0, 8.0, 34.0]])
    above, below = sampler._weights(z)[0]
    assert above == pytest.approx(erfcx(-z[0] / np.sqrt(2)), rel=1e-14)
    assert below == pytest.approx(erfcx(z[0] / np.sqrt(2)), rel=1e-14)
