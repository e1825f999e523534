"""One group's decision: each arm's share of the spend, and whether the log lets it be proposed.

A trial is a piece of spend, the group's mean cost of 1/20 conversion, so that the best arm is the
one whose conversions cost least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np

from pipelines.job_settings import BanditSettings
from pipelines.jobs.bandits.delay import MAX_DELAY
from pipelines.jobs.bandits.evidence import Beliefs, Cohorts, beliefs_of
from pipelines.jobs.bandits.groups import ALL, IDS, Group
from pipelines.jobs.bandits.off_policy import (
    Evaluation,
    Floats,
    Ints,
    Log,
    evaluate_policy,
    importance_weights,
)
from pipelines.jobs.bandits.policies import Posterior, thompson, ucb
from pipelines.jobs.bandits.shares import capped_spend, floored, within_cost
from pipelines.jobs.base import significant

PIECES_OF_A_CONVERSION = 20
Policy = Callable[[Sequence[str], Beliefs, int], Posterior]
_POLICIES: dict[str, Policy] = {"thompson": thompson, "ucb": ucb}

Verdict = Literal["PASS", "REFUSED", "NO_DATA"]


@dataclass(frozen=True)
class Decision:
    """What a group's arms should get on the day after ``as_of``, by running arm.

    Args:
        piece: micros of spend that are one trial.
        share: probability with which each arm is chosen: of the spend, after caps.
        allowed: arms that the CAC ceiling lets have more than the floor.
        evaluation: of the policy on the group's own shares; None where none can be made.
        effective_conversions: (Σw·c)² / Σw²·c of the days it is evaluated on.
    """

    group: Group
    verdict: Verdict
    reason: str
    running: Ints
    piece: float
    posterior: Posterior
    beliefs: Beliefs
    current: Floats
    share: Floats
    spend: Ints
    lower: Ints
    upper: Ints
    allowed: np.ndarray
    evaluation: Evaluation | None
    effective_conversions: float


def problem_of(group: Group, limits: BanditSettings) -> str | None:
    """Why nothing can be decided for a group that has a choice, or None."""
    if not group.rated:
        return "some of its spend has no exchange rate: load raw.fx_rates for those days"
    if not group.published[-limits.max_data_age_days :].any():
        return (
            f"no day of its account was published in the last {limits.max_data_age_days}: "
            "ingest and build"
        )
    conversions = float(group.conversions.sum())
    if conversions < limits.min_conversions:
        return (
            f"its {group.level.arm}s brought {conversions:,.0f} conversions in "
            f"{limits.window_days} days, and at least {limits.min_conversions} are needed: wait"
        )
    return None


def decide(group: Group, maturity: Floats, limits: BanditSettings, ceiling: int | None) -> Decision:
    """The group's shares.

    Args:
        maturity: by day of the group's window, 0 where nothing is known of a day yet.
        ceiling: highest cost per conversion, in micros of the group's currency.
    """
    running = np.flatnonzero(group.running)
    piece = float(group.cost.sum()) / (PIECES_OF_A_CONVERSION * float(group.conversions.sum()))
    usable = group.published & (maturity > 0)
    pieces = group.cost[usable] / piece
    won = np.minimum(group.conversions[usable], pieces)
    beliefs = beliefs_of(Cohorts(pieces, won, maturity[usable])).of(running)
    names = [group.arms[i] for i in running]
    posterior = _POLICIES[limits.policy](names, beliefs, limits.seed)
    wanted = floored(posterior.best, limits.exploration)
    budget = group.daily_budget
    floor = limits.exploration / len(running)
    lower = np.full(len(running), int(budget * floor), dtype=np.int64)
    allowed = within_cost(posterior.low / piece, ceiling)
    upper = np.where(allowed, budget, lower).astype(np.int64)
    spend = capped_spend(wanted, budget, lower, upper)
    share = spend / max(int(spend.sum()), 1)
    recent = group.cost[-limits.max_data_age_days - 7 :, running].sum(axis=0)
    log = _own_log(group, running, share, piece, maturity >= 1)
    evaluation = evaluate_policy(log) if len(log.arms) else None
    effective = _effective_conversions(log)
    verdict, reason = _judged(group.level.arm, log, evaluation, effective, limits)
    return Decision(
        group=group,
        verdict=verdict,
        reason=reason,
        running=running,
        piece=piece,
        posterior=posterior,
        beliefs=beliefs,
        current=recent / recent.sum(),
        share=share,
        spend=spend,
        lower=lower,
        upper=upper,
        allowed=allowed,
        evaluation=evaluation,
        effective_conversions=effective,
    )


def decision_rows(
    decision: Decision, limits: BanditSettings, as_of: date
) -> Iterator[dict[str, Any]]:
    """A row of contracts.bandit_decisions by arm."""
    group, evaluation = decision.group, decision.evaluation
    posterior, beliefs = decision.posterior, decision.beliefs
    value = None if evaluation is None else evaluation.dr
    of_group: dict[str, Any] = {
        "date": as_of + timedelta(days=1),
        "arm_kind": group.level.arm_kind,
        "context": "all",
        "policy": limits.policy,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "exploration_floor": limits.exploration / len(decision.running),
        "currency_code": group.currency_code,
        "effective_conversions": decision.effective_conversions,
        "effective_sample_size": evaluation and evaluation.effective_sample_size,
        "policy_cac_micros": value and _cac(decision.piece, value.value),
        "policy_cac_low_micros": value and _cac(decision.piece, value.high),
        "policy_cac_high_micros": value and _cac(decision.piece, value.low),
        "logged_cac_micros": evaluation and _cac(decision.piece, evaluation.behaviour),
    }
    for i, place in enumerate(decision.running):
        row = of_group | {
            **dict(zip(IDS, (*group.key, group.arms[place], ALL), strict=False)),
            "current_share": decision.current[i],
            "best_probability": posterior.best[i],
            "propensity": decision.share[i],
            "spend_micros": int(decision.spend[i]),
            "spend_floor_micros": int(decision.lower[i]),
            "spend_cap_micros": int(decision.upper[i]),
            "cac_micros": _cac(decision.piece, posterior.mean[i]),
            "cac_low_micros": _cac(decision.piece, posterior.high[i]),
            "cac_high_micros": _cac(decision.piece, posterior.low[i]),
            "within_cac_ceiling": bool(decision.allowed[i]),
            "freshness": beliefs.freshness[i],
            "posterior_conversions": beliefs.successes[i],
        }
        yield {
            name: significant(float(of)) if isinstance(of, float) else of
            for name, of in row.items()
        }


def _own_log(group: Group, running: Ints, share: Floats, piece: float, mature: np.ndarray) -> Log:
    """The group's matured days as a log: on each, the shares of its spend are the propensities.

    The policy is taken to share among the arms of a day as it would among all of today's.
    """
    cost = group.cost[:, running] * (group.published & mature)[:, None]
    days = np.flatnonzero((cost > 0).sum(axis=1) > 1)
    day, arm = np.nonzero(cost[days] > 0)
    present = cost[days] > 0
    target = present * share
    target = target / np.maximum(target.sum(axis=1, keepdims=True), 1e-12)
    pieces = cost[days][day, arm] / piece
    won = group.conversions[:, running][days][day, arm]
    return Log(
        arms=arm,
        trials=pieces,
        successes=np.minimum(won, pieces),
        propensities=cost[days][day, arm] / cost[days].sum(axis=1)[day],
        target=target[day] if len(day) else np.ones((1, len(running))) / len(running),
        clusters=day,
    )


def _effective_conversions(log: Log) -> float:
    if not len(log.arms):
        return 0.0
    weights = importance_weights(log)
    squared = float(weights**2 @ log.successes)
    return float(weights @ log.successes) ** 2 / squared if squared else 0.0


def _judged(
    arm: str,
    log: Log,
    evaluation: Evaluation | None,
    effective: float,
    limits: BanditSettings,
) -> tuple[Verdict, str]:
    days = 0 if log.clusters is None or not len(log.clusters) else int(log.clusters.max()) + 1
    if evaluation is None or days < limits.min_days:
        return "REFUSED", (
            f"{days} days on which two or more of these {arm}s ran are {MAX_DELAY} or more days "
            f"old, and at least {limits.min_days} are needed to value the shares on: wait."
        )
    if evaluation.verdict == "REFUSED":
        return "REFUSED", evaluation.reason
    if effective < limits.min_effective_conversions:
        return "REFUSED", (
            f"{float(log.successes.sum()):,.0f} conversions of {days} days count as "
            f"{effective:,.0f} of these shares' own, and at least "
            f"{limits.min_effective_conversions} are needed: the {arm}s that would get most have "
            "had little. Give them more for some weeks."
        )
    if evaluation.dr.high < evaluation.behaviour:
        return "REFUSED", (
            "on its own matured days these shares would have brought fewer conversions for the "
            "money than the ones it had: what they earned lately contradicts what they earned "
            f"before. Look at the {arm}s' days."
        )
    return "PASS", (
        f"{days} matured days of its own shares count as {effective:,.0f} conversions of these."
    )


def _cac(piece: float, rate: float) -> int | None:
    """Micros a conversion; None where there is no upper end."""
    return round(piece / float(rate)) if rate > 1e-9 else None
