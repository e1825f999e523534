"""Off-policy evaluation: how often its intervals hold the truth, and pybandits' values beside ours.

Worlds are logs of softmax policies that know some of the arms' rates, over contexts that move them;
the uniform policy is evaluated. Intervals were chosen on seeds below 1,000; these are others. The
peer has an environment of its own (.bench/pybandits), which is made where it isn't there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.cli.console import Format, err, print_rows
from pipelines.jobs.bandits.off_policy import (
    Floats,
    Log,
    doubly_robust,
    evaluate_policy,
    importance_weights,
)

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".bench" / "pybandits"
REQUIREMENTS = Path(__file__).with_name("pybandits-requirements.txt")
OBD = ROOT.parent / "shared" / "data" / "obd_men"
FIRST_SEED = 1_000
_NAMES = ("ips", "snips", "dr", "dr_shrunk", "switch_dr")
_RESAMPLES = 400


@dataclass(frozen=True)
class World:
    """Arms' rates are lognormal about ``rate``; ``skew`` and ``noise`` spread the logits of the
    behaviour policy over arms and contexts."""

    arms: int
    decisions: int
    rate: float
    spread: float
    skew: float
    noise: float

    def draw(self, seed: int) -> tuple[Log, float]:
        """A log, and the uniform policy's true reward rate."""
        rng = np.random.default_rng([seed, 7])
        normal = rng.standard_normal(self.arms)
        rates = np.minimum(self.rate * np.exp(self.spread * normal - self.spread**2 / 2), 0.95)
        preference = self.skew * (rng.standard_normal(self.arms) + 0.35 * normal)
        logits = preference + self.noise * rng.standard_normal((self.decisions, self.arms))
        policy = np.exp(logits - logits.max(axis=1, keepdims=True))
        policy = np.maximum(policy / policy.sum(axis=1, keepdims=True), 1e-5)
        policy /= policy.sum(axis=1, keepdims=True)
        arms = (policy.cumsum(axis=1) > rng.random(self.decisions)[:, None]).argmax(axis=1)
        rewards = (rng.random(self.decisions) < rates[arms]).astype(float)
        return _uniform(arms, rewards, policy[np.arange(len(arms)), arms]), float(rates.mean())


WORLDS = (
    World(34, 10_000, 0.005, 0.6, 1.3, 0.9),
    World(34, 3_000, 0.005, 0.6, 1.3, 0.9),
    World(10, 5_000, 0.02, 0.5, 2.0, 0.8),
    World(5, 600, 0.05, 0.4, 1.2, 0.8),
    World(5, 2_000, 0.03, 0.4, 0.8, 0.6),
    World(5, 2_000, 0.3, 0.3, 1.2, 0.8),
    World(3, 1_000, 0.02, 0.4, 0.5, 0.2),
)


def main() -> None:
    """Print coverage by world and estimator, and the differences from the peer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--logs", type=int, default=400, help="of each world")
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    coverage = [_covered(world, args.logs) for world in WORLDS]
    beside = _beside_peer()
    if args.format is Format.JSON:
        print(json.dumps({"coverage": coverage, "pybandits": beside}, indent=1))
        return
    print_rows(coverage, Format.TABLE, f"coverage of 95% intervals, {args.logs} logs a world")
    print_rows(beside, Format.TABLE, "the uniform policy: ours and pybandits'")


def _uniform(arms: Any, rewards: Floats, propensities: Floats) -> Log:
    count = int(arms.max()) + 1
    return Log(arms, np.ones(len(arms)), rewards, propensities, np.full((1, count), 1 / count))


def _covered(world: World, logs: int) -> dict[str, Any]:
    """Shares of logs whose interval holds the truth, of those that are not refused."""
    held: dict[str, list[bool]] = {name: [] for name in (*_NAMES, "normal", "bootstrap")}
    effective, widths, errors = [], [], []
    refused = 0
    for seed in range(FIRST_SEED, FIRST_SEED + logs):
        log, truth = world.draw(seed)
        evaluation = evaluate_policy(log)
        if evaluation.verdict == "REFUSED":
            refused += 1
            continue
        for name in _NAMES:
            held[name].append(getattr(evaluation, name).covers(truth))
        for name, (low, high) in _usual(log, seed).items():
            held[name].append(low <= truth <= high)
        effective.append(evaluation.effective_sample_size)
        widths.append((evaluation.snips.high - evaluation.snips.low) / truth)
        errors.append([getattr(evaluation, n).value / truth - 1 for n in _NAMES])
    root = np.sqrt(np.square(errors).mean(axis=0))
    return {
        "arms": world.arms,
        "decisions": world.decisions,
        "rate": world.rate,
        "ESS": round(float(np.median(effective))),
        "refused": f"{refused / logs:.1%}",
        **{name: f"{np.mean(of):.1%}" for name, of in held.items()},
        "SNIPS width / truth": round(float(np.median(widths)), 2),
        "error DR": f"{root[2]:.0%}",
        "shrunk": f"{root[3]:.0%}",
        "switch": f"{root[4]:.0%}",
    }


def _usual(log: Log, seed: int) -> dict[str, tuple[float, float]]:
    """SNIPS's normal interval, and its percentile bootstrap by decision."""
    weights = importance_weights(log)
    value = float(weights @ log.successes / weights.sum())
    error = np.sqrt(weights**2 @ (log.successes - value) ** 2) / weights.sum()
    rng = np.random.default_rng([seed, 8])
    drawn = rng.integers(0, len(weights), (_RESAMPLES, len(weights)))
    values = (weights * log.successes)[drawn].sum(axis=1) / weights[drawn].sum(axis=1)
    low, high = np.quantile(values, [0.025, 0.975])
    return {
        "normal": (value - 1.96 * error, value + 1.96 * error),
        "bootstrap": (float(low), float(high)),
    }


def _beside_peer() -> list[dict[str, Any]]:
    logs = {f"{w.arms} arms, {w.decisions:,}": w.draw(FIRST_SEED)[0] for w in WORLDS}
    if OBD.exists():
        logs["Open Bandit, men, bts"] = _open_bandit()
    else:
        err.print(f"left out: no {OBD}")
    return [row for name, log in logs.items() for row in _differences(name, log)]


def _open_bandit() -> Log:
    table = np.genfromtxt(OBD / "bts.csv", delimiter=",", skip_header=1, usecols=(1, 3, 4))
    return _uniform(table[:, 0].astype(np.int64), table[:, 1], table[:, 2])


def _differences(name: str, log: Log) -> list[dict[str, Any]]:
    weights = importance_weights(log)
    scale = float(np.quantile(weights, 0.9) ** 2)
    expected = np.random.default_rng(1).uniform(0, 0.1, len(weights))
    model = (expected, expected)
    evaluation = evaluate_policy(log)
    ours = {
        "ips": evaluation.ips.value,
        "snips": evaluation.snips.value,
        "dr": doubly_robust(log, weights, weights, model).estimate.value,
        "dr_shrunk": doubly_robust(
            log, weights, scale * weights / (weights**2 + scale), model
        ).estimate.value,
    }
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
        file = Path(folder) / "log.npz"
        np.savez(
            file,
            arms=log.arms,
            clicks=log.successes,
            propensities=log.propensities,
            expected=expected,
            scale=scale,
        )
        command = [str(_environment()), "-m", "tests.bench.off_policy_peer", str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    peer = json.loads(done.stdout.strip().splitlines()[-1])
    own = {"ips": evaluation.ips, "snips": evaluation.snips}
    return [
        {
            "log": name,
            "estimator": which,
            "ours": f"{value:.8f}",
            "pybandits": f"{peer['values'][which]:.8f}",
            "difference": f"{abs(value - peer['values'][which]):.1e}",
            "our interval": f"{own[which].low:.5f} to {own[which].high:.5f}"
            if which in own
            else "",
            "theirs": "{:.5f} to {:.5f}".format(*peer["intervals"][which]) if which in own else "",
        }
        for which, value in ours.items()
    ]


def _environment() -> Path:
    """The Python of the peer."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        err.print(f"installing the peer into {PEERS}")
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
        subprocess.run(install, check=True)
    return python


if __name__ == "__main__":
    main()
