"""pybandits' estimates of logs, in an environment of its own: ``FILE.npz``, one JSON object out.

The reward model expects the same of every arm of a decision. With another one, its DR is not the
textbook's: it takes off what is expected of the policy, not of the arm that was chosen.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from pybandits import offline_policy_estimator as peer  # type: ignore[import-not-found]


def main() -> None:
    """Print each estimator's value, and IPS's interval."""
    log = np.load(sys.argv[1])
    rows, arms = len(log["arms"]), int(log["arms"].max()) + 1
    given: dict[str, Any] = {
        "action": log["arms"],
        "reward": log["clicks"].astype(int),
        "propensity_score": log["propensities"],
        "estimated_policy": np.full((rows, arms), 1 / arms),
        "expected_reward": np.repeat(log["expected"][:, None], arms, axis=1),
    }
    sides = {
        "ips": peer.InverseProbabilityWeighting(),
        "snips": peer.SelfNormalizedInverseProbabilityWeighting(),
        "dr": peer.DoublyRobust(),
        "dr_shrunk": peer.DoublyRobustWithOptimisticShrinkage(shrinkage_factor=float(log["scale"])),
    }
    values = {
        name: float(side.estimate_sample_rewards(**given).mean()) for name, side in sides.items()
    }
    own = peer.InverseProbabilityWeighting(n_bootstrap_samples=2000, random_state=1)
    snips = peer.SelfNormalizedInverseProbabilityWeighting(n_bootstrap_samples=2000, random_state=1)
    intervals = {
        name: list(side.estimate_policy_value_with_confidence_interval(**given)[1:3])
        for name, side in (("ips", own), ("snips", snips))
    }
    print(json.dumps({"values": values, "intervals": intervals}))


if __name__ == "__main__":
    main()
