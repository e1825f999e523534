"""Markov and Shapley credit against chains and games that are worked out by hand."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, pairwise
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.jobs.attribution.markov import (
    TooManyStates,
    build_chain,
    markov_credit,
    removal_effects,
)
from pipelines.jobs.attribution.paths import Paths, split_paths
from pipelines.jobs.attribution.shapley import shapley_credit

Counts = dict[str, tuple[int, int]]  # path → conversions, journeys without one


def made(counts: Counts, value: float = 0.0) -> Paths:
    conversions, nulls = np.array(list(counts.values()), dtype=np.float64).T
    return split_paths(list(counts), conversions, nulls, conversions * value)


def markov(counts: Counts, order: int = 1) -> dict[str, float]:
    paths = made(counts)
    return dict(zip(paths.channels, markov_credit(paths, order)[0].tolist(), strict=True))


def shapley(counts: Counts) -> dict[str, float]:
    paths = made(counts)
    return dict(zip(paths.channels, shapley_credit(paths)[0].tolist(), strict=True))


def by_fractions(counts: Counts, order: int) -> dict[str, float]:
    """Another way to the same credit: Gaussian elimination in fractions, one removal at a time."""
    out: dict[tuple[str, ...], dict[tuple[str, ...] | str, Fraction]] = {}
    for text, (conversions, nulls) in counts.items():
        steps = text.split(" > ")
        states = [()] + [tuple(steps[max(0, i - order + 1) : i + 1]) for i in range(len(steps))]
        moves = [*pairwise(states), (states[-1], "yes")]
        for state, after in moves:
            own = out.setdefault(state, defaultdict(Fraction))
            own[after] += conversions if after == "yes" else conversions + nulls
        out[states[-1]]["no"] += nulls

    def converts(without: str | None) -> Fraction:
        left = [state for state in out if without not in state]
        rows = {
            state: {after: n / sum(out[state].values()) for after, n in out[state].items()}
            for state in left
        }
        for state in reversed(left[1:]):  # the start, (), is the first
            row = rows.pop(state)
            stays = 1 - row.pop(state, Fraction(0))
            for other in rows.values():
                share = other.pop(state, Fraction(0)) / stays
                for after, likely in row.items():
                    other[after] = other.get(after, Fraction(0)) + share * likely
        row = rows[()]
        return row.get("yes", Fraction(0)) / (1 - row.get((), Fraction(0)))

    channels = sorted({step for text in counts for step in text.split(" > ")})
    lost = {channel: converts(None) - converts(channel) for channel in channels}
    total = sum(conversions for conversions, _ in counts.values())
    return {c: float(total * effect / sum(lost.values())) for c, effect in lost.items()}


def by_coalitions(counts: Counts) -> dict[str, float]:
    """Shapley's sum over all coalitions, each worth the paths that need no other channel."""
    channels = sorted({step for text in counts for step in text.split(" > ")})

    def worth(coalition: frozenset[str]) -> int:
        return sum(n for text, (n, _) in counts.items() if set(text.split(" > ")) <= coalition)

    credit = {}
    for channel in channels:
        others = [c for c in channels if c != channel]
        credit[channel] = sum(
            factorial(size)
            * factorial(len(others) - size)
            / factorial(len(channels))
            * (worth(frozenset({channel, *some})) - worth(frozenset(some)))
            for size in range(len(others) + 1)
            for some in combinations(others, size)
        )
    return credit


BRANCH: Counts = {"A": (1, 1), "A > B": (2, 0), "B": (1, 3)}
LOOP: Counts = {"A > B > A > B": (3, 2), "A > A > A": (1, 4), "B": (2, 5)}


def test_a_chain_of_one_step_is_solved_as_by_hand() -> None:
    """Half of 8 journeys begin at A. From A: 2 of 4 to B, 1 converts. From B: 3 of 6 convert."""
    # without A: 1/2 × 1/2 = 1/4; without B: 1/2 × 1/4 = 1/8; with both 1/2 (as 4 of 8 converted)
    assert markov(BRANCH) == pytest.approx({"A": 4 * 2 / 5, "B": 4 * 3 / 5}, abs=1e-12)


def test_a_chain_of_two_steps_tells_a_later_touch_from_a_first() -> None:
    """B after A always converts, B alone in one of four: with a memory nothing is smoothed."""
    # without A: 1/8 are left of 4/8; without B: 1/8
    assert markov(BRANCH, order=2) == pytest.approx({"A": 2.0, "B": 2.0}, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    "counts",
    [
        BRANCH,
        LOOP,
        {"A > B > C": (5, 1), "C > B > A > C": (2, 2), "B > B > C > A > A": (1, 7), "C": (0, 9)},
        {"A": (3, 0), "B > A": (0, 4), "C > C": (1, 0)},
    ],
    ids=["branch", "loop", "three", "no nulls in some"],
)
def test_every_order_equals_elimination_in_fractions(counts: Counts, order: int) -> None:
    assert markov(counts, order) == pytest.approx(by_fractions(counts, order), abs=1e-9)


def test_paths_without_a_conversion_lower_a_channel_that_leads_nowhere() -> None:
    good: Counts = {"A": (5, 0), "B": (5, 0), "A > B": (5, 5)}
    wasted = good | {"B > A": (0, 40)}
    assert markov(wasted)["B"] != pytest.approx(markov(good)["B"], rel=0.01)
    assert shapley(wasted) == shapley(good)  # which sees conversions alone


def test_equal_paths_add_up_and_their_order_is_nothing() -> None:
    split = split_paths(
        ["B", "A > B", "A", "A > B"],
        np.array([1.0, 0.5, 1.0, 1.5]),
        np.array([3.0, 0.0, 1.0, 0.0]),
        np.zeros(4),
    )
    whole = made(BRANCH)
    for order in (1, 2, 3):
        assert markov_credit(split, order)[0] == pytest.approx(markov_credit(whole, order)[0])
    assert shapley_credit(split)[0] == pytest.approx(shapley_credit(whole)[0])


def test_value_follows_the_paths_that_earned_it() -> None:
    paths = split_paths(["A", "B"], np.array([9.0, 1.0]), np.zeros(2), np.array([10.0, 90.0]))
    for credit in (markov_credit(paths), shapley_credit(paths)):
        assert credit[0].tolist() == pytest.approx([9, 1])
        assert credit[1].tolist() == pytest.approx([10, 90])


def test_a_value_that_refunds_outweigh_is_not_split() -> None:
    paths = split_paths(["A", "B"], np.ones(2), np.zeros(2), np.array([-30.0, 10.0]))
    assert np.isnan(markov_credit(paths)[1]).all()


def test_a_chain_too_large_to_solve_is_refused() -> None:
    texts = [f"c{i} > c{j}" for i in range(70) for j in range(70)]
    paths = split_paths(texts, np.ones(4900), np.zeros(4900), np.zeros(4900))
    assert build_chain(paths, 1).states == 71
    with pytest.raises(TooManyStates, match="4971 states"):
        build_chain(paths, 2)


def test_no_coalition_need_be_counted_for_thirty_channels() -> None:
    counts: Counts = {" > ".join(f"c{i:02}" for i in range(30)): (60, 5)}
    assert shapley(counts) == pytest.approx({f"c{i:02}": 2.0 for i in range(30)})


channel_names = st.sampled_from(["A", "B", "C", "D"])
some_counts = st.dictionaries(
    st.lists(channel_names, min_size=1, max_size=5).map(" > ".join),
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(any),
    min_size=1,
    max_size=7,
).filter(lambda counts: any(conversions for conversions, _ in counts.values()))


@given(some_counts, st.integers(1, 3))
def test_credits_sum_to_the_conversions_and_none_is_negative(counts: Counts, order: int) -> None:
    total = sum(conversions for conversions, _ in counts.values())
    for credit in (markov(counts, order), shapley(counts)):
        assert sum(credit.values()) == pytest.approx(total, rel=1e-9)
        assert min(credit.values()) >= -1e-9


@given(some_counts, st.integers(1, 3))
def test_the_chain_converts_as_often_as_the_journeys_did(counts: Counts, order: int) -> None:
    paths = made(counts)
    chain = build_chain(paths, order)
    brought = paths.conversions[:, None]
    whole, _ = removal_effects(chain, paths, paths.conversions, paths.nulls, brought)
    rate = paths.conversions.sum() / (paths.conversions + paths.nulls).sum()
    assert whole[0] == pytest.approx(rate, abs=1e-12)


@given(some_counts, st.integers(1, 3))
def test_any_paths_equal_elimination_in_fractions(counts: Counts, order: int) -> None:
    assert markov(counts, order) == pytest.approx(by_fractions(counts, order), abs=1e-9)


@given(some_counts)
def test_shapley_is_the_sum_over_all_coalitions(counts: Counts) -> None:
    assert shapley(counts) == pytest.approx(by_coalitions(counts), abs=1e-9)


@given(some_counts)
def test_channels_that_change_places_change_credit(counts: Counts) -> None:
    swapped = {text.translate(str.maketrans("AB", "BA")): n for text, n in counts.items()}
    names = str.maketrans("AB", "BA")
    for model in (markov, shapley):
        credit = {name.translate(names): value for name, value in model(counts).items()}
        assert model(swapped) == pytest.approx(credit, abs=1e-9)
