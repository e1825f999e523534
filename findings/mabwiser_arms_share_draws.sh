#!/usr/bin/env bash
# MABWiser 2.7.4: the arms of a fitted LinTS draw from copies of one generator, so that arms which are
# equally good get nearly the same draw for a visitor, and one of them gets nearly all visitors.
#
# A good guess: of three equal arms, Thompson sampling gives each visitor one at random. Seen: one arm
# has the highest draw for nine in ten or more of 5,000 visitors.
# In adcanary: every arm draws from a generator of its own (pipelines/jobs/bandits/policies.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mabwiser==2.7.4
"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
from collections import Counter

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

rng = np.random.default_rng(1)
arms = np.repeat([0, 1, 2], 1000)
contexts = np.column_stack([np.ones(3000), rng.standard_normal(3000)])
rewards = np.tile([1.0] + [0.0] * 9, 300)
mab = MAB([0, 1, 2], LearningPolicy.LinTS(alpha=1.0), seed=1)
mab.fit(arms, rewards, contexts)
visitors = np.column_stack([np.ones(5000), np.zeros(5000)])
draws = np.array([list(d.values()) for d in mab.predict_expectations(visitors)])
correlation = np.corrcoef(draws.T)[0, 1]
(_, most), *_ = Counter(draws.argmax(axis=1)).most_common(1)
print("correlation over 0.99" if correlation > 0.99 else f"correlation {correlation:.2f}")
print("one arm has 90% or more" if most >= 4500 else f"the first arm has {most} of 5000")
PYTHON
diff - "$folder/seen" <<'EXPECTED'
correlation over 0.99
one arm has 90% or more
EXPECTED
echo "As found: the arms of MABWiser 2.7.4's LinTS draw alike."
