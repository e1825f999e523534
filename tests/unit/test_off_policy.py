"""Off-policy estimates against logs worked out by hand and logs whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.jobs.bandits.off_policy import (
    Floats,
    Log,
    effective_sample_size,
    evaluate_policy,
    expected_rewards,
    importance_weights,
)

RATES = np.array([0.02, 0.05, 0.11])


def simulated(seed: int, rows: int, behaviour: Floats, target: Floats) -> Log:
    """Decisions of a policy whose arms earn RATES."""
    rng = np.random.default_rng(seed)
    arms = rng.choice(len(RATES), rows, p=behaviour)
    clicks = (rng.random(rows) < RATES[arms]).astype(float)
    return Log(arms, np.ones(rows), clicks, behaviour[arms], target[None])


def by_hand() -> Log:
    """Two arms, one chosen with 0.8: weights of the uniform policy are 0.625 and 2.5."""
    return Log(
        arms=np.array([0, 0, 0, 0, 1]),
        trials=np.ones(5),
        successes=np.array([1.0, 0, 0, 0, 1]),
        propensities=np.array([0.8, 0.8, 0.8, 0.8, 0.2]),
        target=np.array([[0.5, 0.5]]),
    )


def test_ips_and_snips_are_the_weighted_means_of_a_log_worked_out_by_hand() -> None:
    log = by_hand()
    assert importance_weights(log).tolist() == [0.625, 0.625, 0.625, 0.625, 2.5]
    evaluation = evaluate_policy(log)
    assert evaluation.ips.value == pytest.approx((0.625 + 2.5) / 5)
    assert evaluation.snips.value == pytest.approx((0.625 + 2.5) / 5.0)
    assert evaluation.effective_sample_size == pytest.approx(25 / (4 * 0.625**2 + 2.5**2))
    assert evaluation.behaviour == pytest.approx(0.4)


def test_dr_adds_weighted_residuals_to_what_the_model_expects_of_the_target() -> None:
    log = by_hand()
    target, chosen = expected_rewards(log)
    by_definition = np.mean(target + importance_weights(log) * (log.successes - chosen))
    assert evaluate_policy(log).dr.value == pytest.approx(by_definition)


def test_no_decision_is_judged_by_a_model_that_saw_it() -> None:
    log = by_hand()
    _, chosen = expected_rewards(log)
    flipped = log.successes.copy()
    flipped[2] = 1.0
    _, again = expected_rewards(Log(log.arms, log.trials, flipped, log.propensities, log.target))
    assert chosen[2] == again[2]
    assert chosen[0] != again[0]


def test_equal_decisions_counted_together_say_the_same_as_one_by_one() -> None:
    behaviour, target = np.array([0.6, 0.3, 0.1]), np.full(3, 1 / 3)
    log = simulated(3, 4000, behaviour, target)
    counted = Log(
        arms=np.arange(3),
        trials=np.bincount(log.arms).astype(float),
        successes=np.bincount(log.arms, log.successes),
        propensities=behaviour,
        target=log.target,
    )
    one_by_one, together = evaluate_policy(log), evaluate_policy(counted)
    for name in ("ips", "snips"):
        one, other = getattr(one_by_one, name), getattr(together, name)
        assert [one.value, one.low, one.high] == pytest.approx([other.value, other.low, other.high])
    assert one_by_one.effective_sample_size == pytest.approx(together.effective_sample_size)


def test_the_logs_own_policy_is_valued_at_its_own_rate() -> None:
    behaviour = np.array([0.6, 0.3, 0.1])
    log = simulated(5, 2000, behaviour, behaviour)
    evaluation = evaluate_policy(log)
    assert evaluation.snips.value == evaluation.ips.value == pytest.approx(evaluation.behaviour)
    assert evaluation.effective_sample_size == pytest.approx(2000)
    assert evaluation.verdict == "PASS"


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "dr_shrunk", "switch_dr"])
def test_intervals_hold_the_truth_of_heavy_weights(name: str) -> None:
    """95% nominal; tests/bench/off_policy.py has the coverage of many worlds."""
    behaviour, target = np.array([0.9, 0.08, 0.02]), np.full(3, 1 / 3)
    held = [
        getattr(evaluate_policy(simulated(s, 3000, behaviour, target)), name).covers(RATES.mean())
        for s in range(60)
    ]
    assert np.mean(held) >= 0.9


@pytest.mark.parametrize("seed", range(40))
def test_an_interval_holds_its_estimate_however_heavy_the_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    propensities = 10 ** -rng.uniform(0, 4, 200)
    clicks = (rng.random(200) < 0.1).astype(float)
    target = rng.dirichlet(np.full(3, 0.3))[None]
    log = Log(rng.integers(0, 3, 200), np.ones(200), clicks, propensities, target)
    evaluation = evaluate_policy(log)
    for name in ("ips", "snips", "dr", "dr_shrunk", "switch_dr"):
        estimate = getattr(evaluation, name)
        assert estimate.low <= estimate.value <= estimate.high


def test_an_interval_without_any_success_still_has_an_upper_end() -> None:
    log = by_hand()
    none = Log(log.arms, log.trials, np.zeros(5), log.propensities, log.target)
    snips = evaluate_policy(none).snips
    assert (snips.value, snips.low) == (0.0, 0.0)
    assert snips.high > 0.2


def test_weights_of_one_decision_that_outweighs_all_are_refused_in_a_sentence() -> None:
    log = simulated(7, 5000, np.array([0.5, 0.3, 0.2]), np.full(3, 1 / 3))
    propensities = log.propensities.copy()
    propensities[:3] = 1e-6
    evaluation = evaluate_policy(Log(log.arms, log.trials, log.successes, propensities, log.target))
    assert evaluation.verdict == "REFUSED"
    assert evaluation.effective_sample_size < 4
    assert "5,000 decisions count as 3 of the policy's own, and at least 100" in evaluation.reason
    assert "the smallest propensity is 1e-06" in evaluation.reason


def test_propensities_that_are_not_the_logs_own_are_refused() -> None:
    log = simulated(7, 5000, np.array([0.5, 0.3, 0.2]), np.full(3, 1 / 3))
    evaluation = evaluate_policy(
        Log(log.arms, log.trials, log.successes, np.full(5000, 0.9), log.target)
    )
    assert evaluation.verdict == "REFUSED"
    assert "The weights average 0.37 and should average 1" in evaluation.reason


def test_days_that_vary_together_widen_the_interval() -> None:
    rng = np.random.default_rng(11)
    days, arms = np.repeat(np.arange(40), 2), np.tile([0, 1], 40)
    rates = np.repeat(rng.uniform(0.01, 0.19, 40), 2)
    trials = np.full(80, 200.0)
    log = Log(
        arms, trials, rng.binomial(200, rates).astype(float), np.full(80, 0.5), np.full((1, 2), 0.5)
    )
    clustered = Log(log.arms, trials, log.successes, log.propensities, log.target, days)
    narrow, wide = evaluate_policy(log).dr, evaluate_policy(clustered).dr
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_effective_sample_size_of_weights_of_nothing_is_nothing() -> None:
    assert effective_sample_size(np.zeros(3), np.ones(3)) == 0
