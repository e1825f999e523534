"""Evaluates a policy on a log that a person brings, beside its own click rate where it is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from pipelines.errors import UsageError
from pipelines.evaluate.bandit_file import read_clicks, read_decisions
from pipelines.evaluate.bandit_targets import Learnt, learn_linear, learn_thompson
from pipelines.jobs.bandits.off_policy import Estimate, Evaluation, Log, evaluate_policy

UNIFORM, THOMPSON, LINTS = TARGETS = ("uniform", "thompson", "lints")


@dataclass(frozen=True)
class Truth:
    """The click rate of the target's own log, with its exact 95% interval (Clopper and Pearson):
    what the policy would have earned is known no better than its ``rows`` tell."""

    rate: Estimate
    rows: int


@dataclass(frozen=True)
class BanditScore:
    """What the log says of the target, and what the target's own log does, if there is one."""

    evaluation: Evaluation
    truth: Truth | None

    @property
    def estimates(self) -> dict[str, Estimate]:
        e = self.evaluation
        return {
            "ips": e.ips,
            "snips": e.snips,
            "dr": e.dr,
            "dr_shrunk": e.dr_shrunk,
            "switch_dr": e.switch_dr,
        }

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        e = self.evaluation
        return {
            **{
                name: {"value": of.value, "interval": [of.low, of.high]}
                | ({} if self.truth is None else {"truth_inside": of.covers(self.truth.rate.value)})
                for name, of in self.estimates.items()
            },
            "truth": self.truth and self.truth.rate.value,
            "truth_interval": self.truth and [self.truth.rate.low, self.truth.rate.high],
            "truth_rows": self.truth and self.truth.rows,
            "behaviour": e.behaviour,
            "effective_sample_size": e.effective_sample_size,
            "mean_weight": e.mean_weight,
            "verdict": e.verdict,
            "reason": e.reason,
        }


def score_policy(
    logs: Path, target: str, truth: Path | None = None, context: tuple[str, ...] = ()
) -> BanditScore:
    """Evaluate a policy on a log of another one.

    Args:
        target: ``uniform``, every item of the log with the same probability; or what the job would
            learn from the earlier half of the log, for all decisions alike (``thompson``) or by
            ``context`` (``lints``), evaluated on the later half.
        truth: a log of the target policy itself.
        context: columns of the log.

    Raises:
        UsageError: there is no such target, or no such context.
        InputError: a file that can't be used; says why.
    """
    if target not in TARGETS:
        raise UsageError(
            f"There is no target '{target}'.",
            kept="nothing was read.",
            fix=f"Use --target {UNIFORM}: every item with the same probability; {THOMPSON} or "
            f"{LINTS}: what the bandits job would learn from the earlier half of the log.",
        )
    if context and target != LINTS:
        raise UsageError(
            f"--context is for {LINTS}: {target} decides alike for all.",
            kept="nothing was read.",
            fix=f"Leave it out, or use --target {LINTS}.",
        )
    decisions = read_decisions(logs)
    if target == UNIFORM:
        items = len(decisions.items)
        learnt = Learnt(np.arange(len(decisions.chosen)), np.full((1, items), 1 / items))
    elif target == THOMPSON:
        learnt = learn_thompson(logs, decisions)
    else:
        learnt = learn_linear(logs, decisions, context)
    log = Log(
        arms=decisions.chosen[learnt.rows],
        trials=np.ones(len(learnt.rows)),
        successes=decisions.clicks[learnt.rows],
        propensities=decisions.propensities[learnt.rows],
        target=learnt.target,
    )
    return BanditScore(evaluate_policy(log), _truth(truth) if truth else None)


def _truth(path: Path) -> Truth:
    clicks = read_clicks(path)
    seen = binomtest(int(clicks.sum()), len(clicks))
    low, high = seen.proportion_ci(0.95)
    return Truth(Estimate(float(seen.statistic), float(low), float(high)), len(clicks))
