"""Does the decision depend on the processor? The same business under other arithmetic.

Each fit is a process of its own, with the kernels that OpenBLAS picks for another processor
(``OPENBLAS_CORETYPE``) and without NumPy's vector instructions (``NPY_DISABLE_CPU_FEATURES``): sums
are added up in another order, as they are on another processor. It says whether the recommended
split is the same to the cent, and how far its effect is apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from pipelines.cli.console import Format, print_rows
from pipelines.evaluate.mmm_file import read_panel
from pipelines.jobs.mmm.decision import decide, decided_weeks
from tests.bench.mmm_draws import draw, write

FOLDER = Path(__file__).parents[2] / ".bench" / "mmm"
ARITHMETIC = {
    "as it is": {},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "Nehalem, no AVX": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    },
}
CENT = 0.01


def main() -> None:
    """Decide under every arithmetic, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--first-seed", type=int, default=2001)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--decide", type=Path, help="decide on one file, and print it")
    args = parser.parse_args()
    if args.decide:
        sys.stdout.write(json.dumps(_decided(args.decide)) + "\n")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(args.first_seed, args.first_seed + args.draws):
        path = FOLDER / f"small-{seed}.csv"
        if not path.exists():
            write(draw("small", seed), path)
        answers = {name: _asked(path, env) for name, env in ARITHMETIC.items()}
        spend, lift = (np.array([a[k] for a in answers.values()]) for k in ("spend", "lift"))
        rows.append(
            {
                "seed": seed,
                "largest difference of spend": float(np.ptp(spend, axis=0).max()),
                "to the cent": bool((np.abs(spend - spend[0]) < CENT).all()),
                "lift": f"{lift[0, 1]:+.2%}",
                "largest difference of lift": float(np.ptp(lift, axis=0).max()),
            }
        )
    print_rows(rows, Format.TABLE, f"Decisions under {', '.join(ARITHMETIC)}")


def _asked(path: Path, environment: dict[str, str]) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "tests.bench.mmm_processors", "--decide", str(path)]
    whole = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(command, env=whole, check=True, capture_output=True, text=True)
    answer: dict[str, list[float]] = json.loads(done.stdout)
    return answer


def _decided(path: Path) -> dict[str, list[float]]:
    panel = read_panel(path)
    decision = decide(panel, seed=1)
    factors = np.ones(len(panel.channels)) if decision.shift is None else decision.shift
    spent = panel.spend[:, -decided_weeks(panel) :].sum(axis=(0, 1))
    return {"spend": (factors * spent).tolist(), "lift": list(decision.lift)}


if __name__ == "__main__":
    main()
