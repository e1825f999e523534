"""A budget's split is the best of all, holds limits to the unit, and says why there is none."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import ConstraintsConflict, UsageError
from pipelines.jobs.allocation.problem import (
    Curve,
    Goal,
    Limit,
    Problem,
    Target,
    group,
    step,
    total,
)
from pipelines.jobs.allocation.solve import allocate
from tests.unit.response_curves import (
    BUDGET,
    NAMES,
    best_of_grid,
    false_claims,
    hill,
    random_curves,
    random_problem,
)

pytestmark = pytest.mark.slow

ONE_DRAW = np.array([100.0])


@pytest.mark.parametrize("risk", ["mean", "cvar"])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_no_split_of_a_grid_brings_more_and_the_certificate_holds(seed, risk) -> None:
    problem = random_problem(seed, risk)

    allocation = allocate(problem)

    assert allocation.certificate.objective >= best_of_grid(problem) * (1 - 1e-5)
    assert allocation.certificate.gap < 2e-5
    assert not problem.broken(allocation.spend)
    assert false_claims(allocation.certificate, problem) == []


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_the_tenth_percentile_s_best_split_is_proven(seed) -> None:
    problem = random_problem(seed, "p10", draws=30)

    allocation = allocate(problem)

    assert allocation.certificate.objective >= best_of_grid(problem) * (1 - 1e-5)
    assert allocation.certificate.gap < 2e-5
    assert false_claims(allocation.certificate, problem) == []


def test_more_draws_than_the_programs_suffice_for_leave_a_finite_bound() -> None:
    problem = random_problem(1, "p10", draws=100)

    allocation = allocate(problem)

    assert allocation.certificate.objective < allocation.certificate.bound < np.inf
    assert false_claims(allocation.certificate, problem) == []


@pytest.mark.parametrize("risk", ["mean", "p10"])
def test_the_least_spend_of_some_channels_that_holds_a_target_is_proven(risk) -> None:
    problem = random_problem(2, risk, draws=20)
    floor = Limit("least budget", NAMES, ">=", BUDGET // 2)
    goal = replace(problem.goal, measure="least spend", channels=("search", "video"))
    problem = replace(problem, limits=(*problem.limits, floor), goal=goal)

    allocation = allocate(problem)

    spent = allocation.spend["search"] + allocation.spend["video"]
    assert allocation.certificate.objective == -spent >= best_of_grid(problem) * (1 + 1e-5)
    assert false_claims(allocation.certificate, problem) == []


@pytest.mark.parametrize("measure", ["revenue", "margin"])
def test_money_earned_counts_what_is_spent_only_in_margins(measure) -> None:
    value = BUDGET / 150
    problem = replace(random_problem(2, "mean"), goal=Goal(measure, value))

    allocation = allocate(problem)

    assert allocation.certificate.objective >= best_of_grid(problem) * (1 - 1e-5)
    spent = sum(allocation.spend.values())
    assert spent < BUDGET * 0.99 if measure == "margin" else spent == BUDGET
    assert false_claims(allocation.certificate, problem) == []


def test_the_order_of_channels_doesn_t_matter() -> None:
    problem = random_problem(3, "cvar")
    turned = Problem(problem.curves[::-1], problem.limits[::-1], problem.targets, problem.goal)

    assert allocate(turned).spend == allocate(problem).spend


@pytest.mark.parametrize("seed", [1, 2])
def test_the_split_is_the_same_whatever_the_unit_of_money(seed) -> None:
    spends = []
    problem = random_problem(seed, "mean")
    for scale in (1, 10**6, 10**9):
        curves = tuple(replace(c, spend=c.spend // 1_000 * scale) for c in problem.curves)
        limits = tuple(replace(x, bound=x.bound // 1_000 * scale) for x in problem.limits)
        targets = tuple(replace(t, bound=t.bound / 1_000 * scale) for t in problem.targets)
        spend = allocate(Problem(curves, limits, targets)).spend
        spends.append([spend[name] / scale for name in NAMES])

    assert spends[1] == pytest.approx(spends[0], abs=12)  # of 24,000 whole units
    assert spends[2] == pytest.approx(spends[1], rel=1e-6, abs=1e-3)


def test_a_channel_below_its_knee_is_fed_where_a_climb_from_today_would_starve_it() -> None:
    spend = np.arange(0, 2_001, 20)
    curves = (
        hill("early", spend, ONE_DRAW, 400, 1.0),
        hill("late", spend, 2 * ONE_DRAW, 1_000, 8.0),
    )
    problem = Problem(curves, total(("early", "late"), 2_000, 2_000))
    today, small_shift = {"early": 1_700, "late": 300}, {"early": 1_680, "late": 320}
    assert problem.objective(small_shift) < problem.objective(today)

    best = allocate(problem).spend

    assert problem.objective(best) > 1.5 * problem.objective(today)
    assert best["late"] > 1_000


@pytest.mark.parametrize("seed", [1, 2])
def test_channels_without_spend_alone_or_held_still_are_allocated(seed) -> None:
    curves = random_curves(seed)
    still = total(NAMES, BUDGET, BUDGET) + group("video", ("video",), 7_000_001, 7_000_001)
    nothing = (*still, Limit("no search", ("search",), "<=", 0))

    spend = allocate(Problem(curves, nothing)).spend
    alone = allocate(Problem(curves[:1], total(("display",), 5, 3_333_333))).spend
    silent = allocate(Problem(curves, total(NAMES, 0, 0)))

    assert spend == {"display": BUDGET - 7_000_001, "search": 0, "video": 7_000_001}
    assert alone == {"display": 3_333_333}
    assert sum(silent.spend.values()) == 0
    assert silent.certificate.gap == 0


def test_curves_that_bring_nothing_leave_limits_kept() -> None:
    spend = np.array([0, 50, 100])
    curves = tuple(Curve(name, spend, np.zeros((3, 3))) for name in NAMES)
    problem = Problem(curves, total(NAMES, 101, 101))

    allocation = allocate(problem)

    assert sum(allocation.spend.values()) == 101
    assert false_claims(allocation.certificate, problem) == []


def test_a_channel_of_few_units_beside_a_budget_of_billions_keeps_its_limits() -> None:
    spend = np.linspace(0, 10**13, 21).astype(np.int64)
    curves = (
        hill("large", spend, ONE_DRAW, 3e12, 2.0),
        hill("other", spend, ONE_DRAW, 4e12, 3.0),
        Curve("tiny", np.array([0, 40, 90]), np.array([[0.0, 1e-9, 2e-9]])),
    )
    names = ("large", "other", "tiny")
    budget = 10**13 - 7
    limits = (*total(names, budget, budget), *group("tiny", ("tiny",), 3, 61))
    problem = Problem(curves, limits)

    allocation = allocate(problem)

    assert sum(allocation.spend.values()) == budget
    assert 3 <= allocation.spend["tiny"] <= 61
    assert allocation.certificate.gap < 1e-5
    assert false_claims(allocation.certificate, problem) == []


def test_a_step_is_capped_by_share_and_by_amount() -> None:
    limits = (*step("search", 10_000_000, 0.3), *step("video", 8_000_000, 0.5, 1_000_000))
    problem = Problem(random_curves(5), (*limits, *total(NAMES, None, BUDGET)))

    spend = allocate(problem).spend

    assert 7_000_000 <= spend["search"] <= 13_000_000
    assert 7_000_000 <= spend["video"] <= 9_000_000


def test_a_target_of_one_channel_holds_for_it_alone() -> None:
    free = random_problem(2, "cvar")
    before = allocate(free).spend
    outcome = free.goal.level(free.outcomes(before)["search"])
    target = Target("return of search", ("search",), "roas", 1.3 * outcome / before["search"])
    problem = replace(free, targets=(target,))

    allocation = allocate(problem)

    level = problem.target_level(target, allocation.spend)
    assert level / max(allocation.spend["search"], 1) >= target.bound or not level
    assert allocation.spend["search"] != before["search"]
    assert false_claims(allocation.certificate, problem) == []


def refused(problem: Problem) -> ConstraintsConflict:
    with pytest.raises(ConstraintsConflict) as caught:
        allocate(problem)
    return caught.value


def without(problem: Problem, name: str) -> Problem:
    limits = tuple(limit for limit in problem.limits if limit.name != name)
    return replace(
        problem, limits=limits, targets=tuple(t for t in problem.targets if t.name != name)
    )


def test_floors_over_the_budget_are_named_with_what_would_do() -> None:
    limits = (
        *total(NAMES, None, 10_000_000),
        Limit("search floor", ("search",), ">=", 6_000_000),
        Limit("video floor", ("video",), ">=", 5_000_000),
        Limit("display ceiling", ("display",), "<=", 9_000_000),
    )
    problem = Problem(random_curves(1), limits)

    error = refused(problem)

    assert set(error.names) - {"curve of display begins"} == {
        "budget at most",
        "search floor",
        "video floor",
    }
    assert "'budget at most' <= 11,000,000" in error.remedies
    assert "'video floor' >= 4,000,000" in error.remedies
    for name in ("budget at most", "search floor", "video floor"):
        allocate(without(problem, name))
    assert "5,000,000" in str(error)


def test_limits_that_miss_each_other_by_one_unit_are_named() -> None:
    low, high = 9_000_000_000_001, 9_000_000_000_000
    spend = np.array([0, 10**13])
    curves = (Curve("search", spend, np.array([[0.0, 5.0]])),)
    limits = (
        Limit("floor", ("search",), ">=", low),
        Limit("ceiling", ("search",), "<=", high),
    )

    assert refused(Problem(curves, limits)).names == ("floor", "ceiling")


@pytest.mark.parametrize("risk", ["mean", "cvar", "p10"])
def test_a_target_out_of_reach_is_named_with_the_limits_that_put_it_there(risk) -> None:
    free = replace(random_problem(2, risk, draws=20), limits=())
    floors = (
        Limit("least budget", NAMES, ">=", 9_000_000),
        Limit("search ceiling", ("search",), "<=", 20_000_000),
        Limit("budget", NAMES, "<=", BUDGET),
    )
    # no channel's mean outcome, and so no lower one, is more for its spend than this
    best = max(float((c.outcome.mean(axis=0)[1:] / c.spend[1:]).max()) for c in free.curves)
    target = Target("dear", NAMES, "cac", 0.8 / best)
    problem = replace(free, limits=floors, targets=(target,))

    error = refused(problem)

    assert set(error.names) == {"dear", "least budget"}
    assert allocate(without(problem, "least budget")).spend
    (remedy,) = [text for text in error.remedies if text.startswith("'dear' <= ")]
    bound = float(remedy.split()[-1].replace(",", ""))
    mended = replace(problem, targets=(replace(target, bound=bound * (1 + 1e-5)),))
    assert allocate(mended).spend


def test_a_problem_that_contradicts_itself_is_refused() -> None:
    curves = random_curves(1)

    for wrong in (
        {"curves": (curves[0], curves[0])},
        {"curves": (replace(curves[0], outcome=curves[0].outcome * np.nan),)},
        {"curves": (replace(curves[0], spend=curves[0].spend[::-1]),)},
        {"curves": curves, "limits": (Limit("x", ("radio",), "<=", 1),)},
        {"curves": curves, "limits": (Limit("x", ("video",), "<=", 1.5),)},
        {"curves": curves, "targets": (Target("x", NAMES, "roas", 0.0),)},
    ):
        with pytest.raises(UsageError):
            Problem(**wrong)
