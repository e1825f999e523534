"""Uplift: intervals over simulated nulls, effects of single units on IHDP, a real experiment, and
what becomes of ads that change nothing.

`python -m tests.bench.uplift nulls|ihdp|hillstrom|touches`; docs/benchmarks.md has the figures.
econml runs in an environment of its own, .bench/econml (uplift-requirements.txt), by
uplift_peer_econml.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.evaluate.uplift import score_uplift
from pipelines.evaluate.uplift_file import Columns, names_of, read_units
from pipelines.jobs.uplift.analysis import COMBINED, FOLDS, Plan
from pipelines.jobs.uplift.combine import combined, stacking_weights
from pipelines.jobs.uplift.effect import Estimate, average, scores_of
from pipelines.jobs.uplift.job import SEGMENTS
from pipelines.jobs.uplift.learners import LEARNERS, cross_fitted, suits
from pipelines.jobs.uplift.nuisance import Base, cross_fit
from pipelines.jobs.uplift.sample import Encoder, Floats, Sample, folds_of

DATA = Path(__file__).parents[3] / "shared" / "data"
ROOT = Path(__file__).parents[2]
IHDP = Columns(
    "treatment",
    "0",
    "y_factual",
    truth=("mu0", "mu1"),
    names=names_of("treatment,y_factual,y_cfactual,mu0,mu1,x1..x25"),
)


def null_sample(seed: int, units: int, confounded: bool) -> Sample:
    """Units whose outcome of 0 or 1 no treatment changes: randomised, or treated by what also
    moves the outcome."""
    rng = np.random.default_rng([seed, 2026])
    x = rng.normal(size=(units, 3))
    device = rng.choice(["desktop", "mobile", "tablet"], units)
    mobile = device == "mobile"
    chance = 1 / (1 + np.exp(-0.7 * x[:, 0] - 0.5 * mobile)) if confounded else np.full(units, 0.5)
    rate = 1 / (1 + np.exp(1.0 - 0.8 * x[:, 0] - 0.5 * mobile + 0.4 * x[:, 1] * x[:, 2]))
    frame = pd.DataFrame(x, columns=["orders", "recency", "value"]).assign(device=device)
    treated = rng.random(units) < chance
    return Sample(frame, treated, (rng.random(units) < rate).astype(float))


def estimates(sample: Sample, base: Base, seed: int) -> dict[str, tuple[Estimate, Floats]]:
    """The average effect and the effects of units, by learner and combined."""
    x = Encoder(sample.frame).matrix(sample.frame)
    fold = folds_of(sample, FOLDS, seed)
    treated = sample.treated.astype(float)
    nuisance = cross_fit(x, treated, sample.outcome, fold, base=base, seed=seed)
    by_unit = {
        name: cross_fitted(name, sample, x, nuisance, base=base, seed=seed)
        for name in LEARNERS
        if suits(name, sample)
    }
    constant = average(scores_of(sample, nuisance, np.zeros(sample.size)).effect).value
    weights = stacking_weights(sample, nuisance, by_unit, constant)
    by_unit[COMBINED] = combined(weights, by_unit, constant)
    return {n: (average(scores_of(sample, nuisance, e).effect), e) for n, e in by_unit.items()}


def nulls(seeds: range, units: int, base: Base, confounded: bool) -> None:
    """Prints in how many the 95% interval holds the true effect, 0, by learner."""
    holds: dict[str, list[bool]] = defaultdict(list)
    for done, seed in enumerate(seeds, start=1):
        for name, (ate, _) in estimates(null_sample(seed, units, confounded), base, 1).items():
            holds[name].append(ate.low <= 0 <= ate.high)
        if done % 25 == 0 or done == len(seeds):
            counts = {name: sum(each) for name, each in holds.items()}
            head = {"nulls": done, "first": seeds[0], "confounded": confounded}
            print(json.dumps(head | counts), flush=True)


def ihdp(base: Base) -> None:
    """Prints √PEHE by data set and learner, ours beside causalml's and econml's plain ones."""
    errors: dict[str, list[float]] = defaultdict(list)
    for i in range(1, 6):
        path = DATA / "ihdp" / f"ihdp_npci_{i}.csv"
        brought = read_units(path, IHDP)
        assert brought.effect is not None
        began = time.perf_counter()
        for name, (ate, effect) in estimates(brought.sample, base, 1).items():
            errors[f"ours {name}"].append(_root(effect - brought.effect))
            if name == COMBINED:
                print(i, ate, brought.effect.mean(), round(time.perf_counter() - began, 1))
        for name, effect in plain_causalml(brought.sample).items():
            errors[f"causalml {name}"].append(_root(effect - brought.effect))
        peer = subprocess.run(
            [
                ROOT / ".bench/econml/bin/python",
                Path(__file__).parent / "uplift_peer_econml.py",
                path,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        for name, error in json.loads(peer.stdout.splitlines()[-1]).items():
            errors[f"econml {name}"].append(error)
        print({k: round(v[-1], 3) for k, v in errors.items()}, flush=True)
    for name, each in sorted(errors.items(), key=lambda item: np.mean(item[1])):
        print(f"{np.mean(each):.3f}  {name}  {' '.join(f'{e:.2f}' for e in each)}")


def plain_causalml(sample: Sample) -> dict[str, Floats]:
    """Its learners as its guide has them, with the base models that it brings."""
    from causalml.inference import meta
    from sklearn.linear_model import LinearRegression
    from xgboost import XGBRegressor

    x = sample.frame.to_numpy(dtype=float)
    answers = {}
    for base, make in (
        ("linear", LinearRegression),
        ("xgboost", lambda: XGBRegressor(random_state=1, n_jobs=1)),
    ):
        for name in ("S", "T", "X", "R", "DR"):
            learner = getattr(meta, f"Base{name}Regressor")(learner=make(), control_name="control")
            p = np.full(sample.size, sample.treated.mean())
            learner.fit(X=x, treatment=sample.arms, y=sample.outcome, p=p)
            answers[f"{name} {base}"] = np.asarray(learner.predict(X=x, p=p))[:, 0]
    return answers


def hillstrom(base: Base) -> None:
    """Prints the effect of the women's e-mail on visits."""
    columns = Columns("segment", "No E-Mail", "visit", arm="Womens E-Mail")
    path = DATA / "hillstrom_half.csv"
    score = score_uplift(path, columns, Plan(base=base), print)
    sample = score.brought.sample
    difference = sample.outcome[sample.treated].mean() - sample.outcome[~sample.treated].mean()
    print(json.dumps({"difference_in_means": float(difference), **score.figures()}, indent=1))


def touches(seeds: range) -> None:
    """Prints in how many shops whose ads change nothing the 95% interval holds 0, and how many
    answers are refused: where all that drives touches and orders is known, and where something
    that nobody sees drives both."""
    from tests.unit.test_uplift_touches import compute, shop

    for keen in (0.0, 0.25, 0.5):
        holds = refused = misled = 0
        for seed in seeds:
            done = compute(shop(keen=keen, seed=seed), detectable=0.5)
            everybody = done.rows[SEGMENTS][0]
            right = everybody["uplift_low"] <= 0 <= everybody["uplift_high"]
            holds += right
            refused += done.verdict != "PASS"
            misled += done.verdict == "PASS" and not right
        figures = {"holds": holds, "refused": refused, "misled": misled}
        print(json.dumps({"touches": len(seeds), "first": seeds[0], "keen": keen} | figures))


def _root(errors: Floats) -> float:
    return float(np.sqrt((errors**2).mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("nulls", "ihdp", "hillstrom", "touches"))
    parser.add_argument("--base", default="blend", choices=("linear", "boosted", "blend"))
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--units", type=int, default=800)
    parser.add_argument("--confounded", action="store_true")
    options = parser.parse_args()
    if options.what == "nulls":
        seeds = range(options.first_seed, options.first_seed + options.count)
        nulls(seeds, options.units, options.base, options.confounded)
    elif options.what == "touches":
        touches(range(options.first_seed, options.first_seed + options.count))
    elif options.what == "ihdp":
        ihdp(options.base)
    else:
        hillstrom(options.base)


if __name__ == "__main__":
    main()
