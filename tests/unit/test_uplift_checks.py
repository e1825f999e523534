"""Rankings, segments, and what has to hold before an effect is believed."""

import numpy as np
import pandas as pd
import pytest

from pipelines.jobs.uplift.analysis import Plan, analyse
from pipelines.jobs.uplift.checks import (
    balance_of,
    differences,
    e_value,
    overlap,
    power_of,
    sample_ratio_p,
)
from pipelines.jobs.uplift.effect import Estimate
from pipelines.jobs.uplift.ranking import rank, within_folds
from pipelines.jobs.uplift.sample import Sample, halves_of
from pipelines.jobs.uplift.segments import Segment, estimate_segments, find_segments
from tests.unit.experiments import experiment

pytestmark = pytest.mark.slow


def test_a_constant_score_ranks_nobody_in_any_order_of_rows() -> None:
    """causalml's measures follow the order of rows among ties, and give it −0.57 to 1.45."""
    sample, _ = experiment(1)
    for seed in (1, 2):
        order = np.random.default_rng(seed).permutation(sample.size)
        treated, outcome = sample.treated[order], sample.outcome[order]
        ranking = rank(np.full(sample.size, 0.3), treated, outcome, resamples=50)
        assert ranking.constant
        assert ranking.qini == pytest.approx(0, abs=1e-12)
        assert ranking.auuc == pytest.approx(0.5, abs=1e-12)


def test_ties_get_the_mean_of_all_their_orders() -> None:
    sample, effect = experiment(2, 400)
    tied = rank(effect, sample.treated, sample.outcome, resamples=2).qini
    rng = np.random.default_rng(3)
    orders = [
        rank(effect + rng.random(400) / 1e6, sample.treated, sample.outcome, resamples=2).qini
        for _ in range(400)
    ]
    assert tied == pytest.approx(np.mean(orders), abs=0.01)


def test_the_truth_ranks_above_chance_and_its_opposite_below() -> None:
    sample, effect = experiment(3, 4_000)
    right, wrong = (rank(s, sample.treated, sample.outcome) for s in (effect, -effect))
    assert right.qini == pytest.approx(0.25, abs=0.1)
    assert right.auuc == pytest.approx(0.5 + right.qini)
    assert right.qini_interval[0] > 0
    assert wrong.qini_interval[1] < 0


def test_the_sign_of_qini_does_not_turn_with_a_harmful_treatment() -> None:
    sample, effect = experiment(3, 4_000, lift=-0.2)
    assert rank(effect, sample.treated, sample.outcome).qini > 0


def test_a_random_score_is_zero_within_its_interval_in_most_cases() -> None:
    sample, _ = experiment(3)
    held = 0
    for seed in range(20):
        score = np.random.default_rng(seed).random(sample.size)
        low, high = rank(score, sample.treated, sample.outcome, resamples=100).qini_interval
        held += low <= 0 <= high
    assert held >= 17


def test_a_score_that_is_constant_in_each_fold_is_no_ranking() -> None:
    fold = np.arange(100) % 4
    assert set(within_folds(fold * 0.1, fold)) == {0.5}
    assert within_folds(np.array([5.0, 1.0, 1.0]), np.zeros(3, dtype=int)).tolist() == [
        1,
        0.25,
        0.25,
    ]


def test_an_uneven_split_is_told_from_chance() -> None:
    assert sample_ratio_p(5_050, 4_950, 0.5) > 0.1
    assert sample_ratio_p(5_300, 4_700, 0.5) < 1e-6
    assert sample_ratio_p(900, 8_100, 0.1) == pytest.approx(1)


def test_balance_names_the_covariate_that_differs() -> None:
    sample, _ = experiment(4)
    assert balance_of(sample).p_value > 0.01
    orders = sample.frame["earlier orders"] + sample.treated
    frame = sample.frame.assign(**{"earlier orders": orders})
    balance = balance_of(Sample(frame, sample.treated, sample.outcome))
    assert balance.p_value < 1e-6
    assert balance.differences["earlier orders"] == pytest.approx(1, abs=0.1)
    assert abs(balance.differences["device"]) < 0.1


def test_the_true_propensity_weighs_away_what_the_arms_differ_in() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=8_000)
    chance = 1 / (1 + np.exp(-x))
    frame = pd.DataFrame({"x": x})
    sample = Sample(frame, rng.random(8_000) < chance, rng.random(8_000))
    assert differences(sample)["x"] > 0.5
    assert abs(differences(sample, chance)["x"]) < 0.06


def test_arms_that_weighting_leaves_different_are_refused() -> None:
    """The propensity of whoever spends more than half of the others: a step, and a long tail."""
    rng = np.random.default_rng(0)
    spent = np.exp(rng.normal(size=2_000) * 1.5)
    treated = rng.random(2_000) < np.where(spent > np.median(spent), 0.9, 0.1)
    outcome = (rng.random(2_000) < 0.4).astype(float)
    sample = Sample(pd.DataFrame({"spent": spent}), treated, outcome)
    plan = Plan(learners=("t",), base="linear", is_experiment=False, detectable=0.5)
    answer = analyse(sample, halves_of([str(i) for i in range(2_000)]), plan, lambda _: None)
    assert answer.weighted is not None
    assert answer.weighted > 0.25
    assert any("differ in spent even when weighted" in doubt for doubt in answer.doubts)


def test_units_without_a_like_are_trimmed() -> None:
    assert overlap(np.array([0.005, 0.02, 0.5, 0.99])).tolist() == [False, True, True, False]


def test_the_e_value_is_that_of_the_papers_example() -> None:
    """A risk ratio of 3.9 with a lower end of 1.8: 3.0 (VanderWeele and Ding 2017)."""
    effect = Estimate(0.29, 0.05, 0.08, 0.5, 1_000)
    assert e_value(effect, 0.1, 1.0, is_binary=True) == pytest.approx(3.0, abs=0.01)
    assert e_value(Estimate(0, 1, -2, 2, 9), 0.1, 1.0, is_binary=True) == 1


def test_power_asks_for_what_the_textbook_says() -> None:
    """A rate of 10% against 12% at 80% power: about 3,530 units an arm with one variance."""
    outcome = np.tile([1.0] + [0.0] * 9, 200)
    treated = np.arange(2_000) % 2 == 0
    treated = np.concatenate([treated[:1_000], ~treated[1_000:]])
    power = power_of(Sample(pd.DataFrame(index=range(2_000)), treated, outcome), 0.2)
    assert power.needed == pytest.approx(2 * 3_532 * 0.1, rel=0.02)
    assert power.have == 200


def test_segments_have_labels_that_a_person_understands() -> None:
    sample, effect = experiment(5, 4_000)
    segments = find_segments(sample.frame, effect, 1)
    assert [s.label for s in segments] == ["desktop", "mobile"]
    estimated = estimate_segments(segments, sample.frame, effect + 0.0)
    assert [e.estimate.units for e in estimated] == [
        int((sample.frame["device"] == d).sum()) for d in ("desktop", "mobile")
    ]
    assert [e.is_discovery for e in estimated] == [False, True]


def test_bounds_are_labelled_as_they_hold() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "orders": rng.integers(0, 9, 6_000).astype(float),
            "club": rng.integers(0, 2, 6_000).astype(float),
            "country": rng.choice(list("abcde"), 6_000),
        }
    )
    effect = (
        np.where(frame["orders"] >= 3, 1.0, 0.0)
        + np.where(frame["club"] == 1, 0.4, 0)
        + np.where(frame["country"] == "b", 0.5, 0)
    )
    segments = find_segments(frame, effect, 1)
    together = np.sum([s.holds(frame) for s in segments], axis=0)
    assert set(together) == {1}
    labels = " | ".join(s.label for s in segments)
    assert "orders ≥ 3" in labels
    assert "orders ≤ 2" in labels
    assert "not club" in labels
    assert "country other than b" in labels


def test_without_covariates_everybody_is_one_segment() -> None:
    assert find_segments(pd.DataFrame(index=range(900)), np.ones(900), 1) == [Segment(())]
    assert Segment(()).label == "everybody"


def test_false_discoveries_are_controlled() -> None:
    frame = pd.DataFrame({"g": [str(i) for i in range(20) for _ in range(100)]})
    rng = np.random.default_rng(8)
    segments = [s for i in range(20) for s in find_segments(frame, np.ones(2_000), 1)]
    estimated = estimate_segments(segments[:1], frame, rng.normal(0, 1, 2_000))
    assert estimated[0].q_value == pytest.approx(estimated[0].estimate.p_value)


PLAN = Plan(learners=("t",), base="linear", seed=1)


def test_a_clean_experiment_is_believed() -> None:
    sample, effect = experiment(11, 3_000)
    answer = analyse(sample, halves_of(list(map(str, range(3_000)))), PLAN, lambda _: None)
    assert answer.doubts == ()
    assert answer.randomised
    assert answer.e_value is None
    ate = answer.answers["combined"].ate
    assert ate.low < effect.mean() < ate.high
    assert answer.placebo_p > 0.01
    assert {e.segment.label for e in answer.segments} >= {"desktop"}


@pytest.mark.parametrize(
    ("plan", "change", "doubt"),
    [
        (Plan(share=0.4), None, "should be"),
        (Plan(is_experiment=True), "imbalance", "differ before the treatment"),
        (Plan(detectable=0.05), None, "too few"),
        (Plan(), "separation", "no overlap"),
        (Plan(), "placebo", "there can be none"),
        (Plan(learners=("s",)), None, "the same for everybody"),
    ],
)
def test_what_cannot_be_believed_is_refused(plan: Plan, change: str | None, doubt: str) -> None:
    sample, _ = experiment(11, 1_500)
    frame = sample.frame
    placebo = None
    if change == "imbalance":
        frame = frame.assign(visits=sample.treated + np.arange(1_500) % 3 / 1.0)
    if change == "separation":
        frame = frame.assign(visits=sample.treated * 10.0 + np.arange(1_500) % 3)
    if change == "placebo":
        placebo = "visits", sample.treated * 1.0 + np.arange(1_500) % 7
    changed = Sample(frame, sample.treated, sample.outcome)
    own = Plan(
        learners=plan.learners if plan.learners == ("s",) else ("t",),
        base="linear",
        detectable=plan.detectable,
        share=plan.share,
        is_experiment=plan.is_experiment,
    )
    halves = halves_of(list(map(str, range(1_500))))
    answer = analyse(changed, halves, own, lambda _: None, placebo=placebo)
    assert any(doubt in each for each in answer.doubts), answer.doubts
