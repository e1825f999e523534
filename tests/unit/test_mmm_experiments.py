"""Experiments are placed beside a panel, believed as far as they reach, and reweight its draws."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import EngineName
from pipelines.jobs.mmm.answer import Answer, answer
from pipelines.jobs.mmm.calibration import Resampled, calibrate
from pipelines.jobs.mmm.engine import Engine, Fitted
from pipelines.jobs.mmm.experiments import (
    Experiment,
    LeftOut,
    Placed,
    Trust,
    place,
    read_experiments,
)
from pipelines.jobs.mmm.panel import Floats, Panel

MONDAY = date(2025, 1, 6)
WEEKS = 60
DECAY = 0.5


def panel(geos: tuple[str, ...] = ("all",), weekly: float = 700.0) -> Panel:
    """Weeks of even spend on one channel."""
    spend = np.full((len(geos), WEEKS, 1), weekly / len(geos))
    starts = tuple(MONDAY + timedelta(weeks=w) for w in range(WEEKS))
    outcome = np.ones((len(geos), WEEKS))
    return Panel(starts, geos, ("tv",), spend, outcome, np.zeros((len(geos), WEEKS, 0)))


@dataclass(frozen=True)
class Linear:
    """An engine whose draw k brings β_k times adstocked spend: every answer is known."""

    panel: Panel
    betas: Floats
    checks: Mapping[str, float]

    def brought(self, channel: int, spend: Floats) -> Floats:
        worked = np.zeros_like(spend)
        for week in range(spend.shape[1]):
            before = worked[:, week - 1] if week else 0
            worked[:, week] = spend[:, week] * (1 - DECAY) + DECAY * before
        return self.betas[:, None, None] * worked

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        each = [self.brought(channel, path)[:, :, -weeks:].sum(axis=(1, 2)) for path in paths]
        return np.stack(each, axis=1)

    def expected(self, later: Panel) -> Floats:
        return self.brought(0, later.spend[:, :, 0])


def linear(mean: float = 0.02, sd: float = 0.01, draws: int = 20_000, **of: Any) -> Linear:
    return Linear(panel(**of), np.random.default_rng(7).normal(mean, sd, draws), {"max_rhat": 1})


def trial(**changed: Any) -> Experiment:
    """A test of everybody: 1,400 more in four weeks that ended with the panel, counted so."""
    end = MONDAY + timedelta(weeks=WEEKS, days=-1)
    start = end - timedelta(days=27)
    spend = (2_800.0, 1_400.0, 1_400.0)
    made = Experiment("a/1", "tv", start, end, end, *spend, outcome="orders", effect=40.0, se=4.0)
    return replace(made, **changed)


def placed(experiment: Experiment, of: Panel) -> Placed:
    place_ = place(experiment, of, "orders")
    assert isinstance(place_, Placed)
    return place_


def test_spend_with_and_without_a_test_differs_by_what_the_test_changed() -> None:
    p = placed(trial(), panel())
    assert (p.tested - p.without).sum() == pytest.approx(1_400)
    assert p.tested[0, -4:] == pytest.approx([700] * 4)
    assert p.without[0, :-4] == pytest.approx(p.tested[0, :-4])
    # of a difference alone, the panel says what was spent with it
    alone = placed(trial(test=None, baseline=None), panel())
    assert alone.paths == pytest.approx(p.paths)


def test_a_week_that_a_test_has_some_days_of_keeps_the_spend_of_its_others() -> None:
    start = MONDAY + timedelta(weeks=10, days=3)
    days = {"start": start, "end": start + timedelta(days=6)}
    p = placed(trial(**days, test=0.0, baseline=700.0, delta=-700.0), panel())
    assert p.tested[0, 9:12] == pytest.approx([700, 300, 400])
    assert p.without[0, 9:12] == pytest.approx([700] * 3)


def test_a_quarter_of_the_population_stands_for_all_and_brings_a_quarter() -> None:
    # spend on the tested was nothing and would have been 700 of the 2,800
    held = trial(share=0.25, test=0.0, baseline=700.0, delta=-700.0)
    p = placed(held, panel())
    assert p.without[0, -4:].sum() == pytest.approx(2_800)
    assert p.tested[0, -4:].sum() == 0
    lift = calibrate(linear(draws=10), [held]).comparisons[0].lift
    whole = (
        calibrate(linear(draws=10), [trial(test=0.0, baseline=2_800.0, delta=-2_800.0)])
        .comparisons[0]
        .lift
    )
    assert lift == pytest.approx(whole / 4)


def test_a_test_of_one_geo_changes_that_geo_alone() -> None:
    geo = trial(geos=("north",), share=None, test=1_400.0, baseline=0.0)
    p = placed(geo, panel(("north", "south")))
    assert p.without[:, -1] == pytest.approx([0, 0])
    assert p.tested[:, -1] == pytest.approx([350, 0])
    assert p.scale == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"outcome": "revenue"}, "it counted revenue, and the model explains orders"),
        ({"channel": "radio"}, "the model has no channel radio"),
        ({"start": MONDAY - timedelta(days=1)}, "are not all within"),
        ({"counted_to": MONDAY + timedelta(weeks=WEEKS)}, "are not all within"),
        ({"share": None}, "which share of the population"),
        ({"test": 9_000.0}, "it tells of a spend of +9,000, and the channel spent 2,800"),
        ({"test": None, "delta": 3_000.0}, "it tells of a spend of +3,000"),
    ],
    ids=["outcome", "channel", "before", "after", "share", "spent", "delta"],
)
def test_an_experiment_without_a_place_is_left_out_and_says_why(
    changed: dict[str, Any], reason: str
) -> None:
    left = place(trial(**changed), panel(), "orders")
    assert isinstance(left, LeftOut)
    assert reason in left.reason


def test_weights_give_the_posterior_of_a_normal_prior_and_likelihood() -> None:
    fitted = linear()
    calibration = calibrate(fitted, [trial()])
    (comparison,) = calibration.comparisons
    # worked out by hand: four weeks of 350 through an adstock that keeps half of each
    reach = sum(350 * (1 - DECAY ** (4 - week)) for week in range(4))
    assert comparison.lift == pytest.approx(fitted.betas * reach)
    precision = 1 / 0.01**2 + (reach / comparison.sd) ** 2
    mean = (0.02 / 0.01**2 + reach * 40 / comparison.sd**2) / precision
    assert np.average(fitted.betas, weights=calibration.weights) == pytest.approx(mean, rel=0.01)
    assert calibration.doubts == ()
    assert all(row["passed"] for row in calibration.checks())


def test_resampled_draws_are_as_many_as_they_weigh_and_the_same_each_time() -> None:
    fitted = linear()
    calibration = calibrate(fitted, [trial()])
    chosen = calibration.indices(seed=3)
    assert (chosen == calibration.indices(seed=3)).all()
    mean = np.average(fitted.betas, weights=calibration.weights)
    assert fitted.betas[chosen].mean() == pytest.approx(mean, rel=1e-3)
    answers: Fitted = Resampled(fitted, chosen)
    spend = fitted.panel.spend[:, :, 0]
    whole = fitted.totals(0, spend[None], 4)
    assert answers.totals(0, spend[None], 4) == pytest.approx(whole[chosen])


def test_a_lift_may_be_negative_and_is_no_conflict_where_spend_was_cut() -> None:
    cut = trial(test=0.0, baseline=2_800.0, delta=-2_800.0, effect=-35.0)
    (comparison,) = calibrate(linear(), [cut]).comparisons
    assert np.median(comparison.lift) < 0
    assert not comparison.conflicts


def test_an_experiment_that_the_model_rules_out_is_a_conflict_with_both_numbers() -> None:
    calibration = calibrate(linear(), [trial(effect=-60.0)])
    conflict, few = calibration.doubts
    assert "experiment_conflict: experiment a/1 (tv) measured -60.0 orders" in conflict
    assert "the model expects +21." in conflict
    assert "add the engine ensemble, which fits them" in few
    failed = {row["name"] for row in calibration.checks() if not row["passed"]}
    assert failed == {"experiment_conflict_a/1", "experiment_effective_draws"}


def test_draws_that_have_experiments_in_them_are_compared_and_weigh_the_same() -> None:
    calibration = calibrate(linear(draws=500), [trial(effect=-60.0)], included=True)
    assert calibration.effective_draws == pytest.approx(500)
    (conflict,) = calibration.doubts
    assert conflict.startswith("experiment_conflict")


def test_an_engine_that_experiments_contradict_isnt_pooled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits = {"lightweight": linear(draws=2_000), "validator": linear(mean=0.2, draws=2_000)}

    def engine_of(name: str) -> Engine:
        return lambda panel, seed, experiments=(): replace(fits[name], panel=panel)

    def said(*engines: EngineName) -> Answer:
        return answer(panel(), engines, 4, 1, lambda _: None, experiments=[trial()])

    monkeypatch.setattr("pipelines.jobs.mmm.answer.engine_of", engine_of)
    both = said("lightweight", "validator")
    assert list(both.weights) == ["lightweight"]
    spend = panel().spend[None, :, :, 0]
    before = fits["lightweight"].totals(0, spend, 4).mean()
    assert before * 1.1 < both.fitted.totals(0, spend, 4).mean()
    checks = list(both.experiment_checks(()))
    assert not any(c.doubt for c in checks)
    (beside,) = [c for c in checks if c.name == "engine_beside_experiments_validator"]
    assert "validator isn't pooled: experiment_conflict" in str(beside.message)
    alone = said("validator").experiment_checks(())
    assert any("experiment_conflict" in str(c.doubt) for c in alone)


def test_without_an_experiment_every_draw_weighs_the_same() -> None:
    calibration = calibrate(linear(draws=500), [trial(channel="radio")])
    assert calibration.effective_draws == pytest.approx(500)
    assert (calibration.doubts, calibration.checks()) == ((), [])
    assert [left.experiment_id for left in calibration.left_out] == ["a/1"]


def test_an_error_grows_with_age_with_other_spend_and_with_what_came_after_the_count() -> None:
    assert Trust(0, 0, 0).widened(5) == 5
    assert Trust(recency=3, spend=0, lacking=0).widened(5) == 10
    recent = calibrate(linear(draws=10), [trial()]).comparisons[0]
    a_year = timedelta(weeks=52)
    old = trial(
        **{name: getattr(trial(), name) - a_year for name in ("start", "end", "counted_to")}
    )
    assert recent.trust.recency == 0
    assert calibrate(linear(draws=10), [old]).comparisons[0].trust.recency == pytest.approx(1)
    # half of each week's effect is that week's: of four weeks, this came in time
    captured = sum(1 - DECAY ** (4 - week) for week in range(4)) / 4
    assert recent.trust.lacking == pytest.approx(1 / captured - 1, abs=1e-3)
    assert recent.trust.spend == pytest.approx(np.log((350 + 700) / 2 / 700) ** 2)
    later = replace(old, counted_to=old.counted_to + timedelta(weeks=4))
    counted = calibrate(linear(draws=10), [later]).comparisons[0]
    assert counted.trust.lacking < recent.trust.lacking / 10


def test_rows_of_the_mart_are_experiments_in_money_and_one_without_a_rate_is_left_out() -> None:
    row = {
        "account_id": "growth",
        "experiment_id": "x",
        "channel": "google_ads:brand",
        "start_date": MONDAY,
        "end_date": MONDAY + timedelta(days=6),
        "counted_to": MONDAY + timedelta(days=13),
        "spend_test_micros": None,
        "spend_baseline_micros": None,
        "spend_delta_micros": -2_500_000,
        "outcome": "orders",
        "effect": -3.0,
        "standard_error": 1.0,
        "population_share": None,
        "geos": "Oslo\nBergen",
        "currency_code": "USD",
    }
    unknown = row | {"experiment_id": "y", "spend_delta_micros": None}
    (made,), (left,) = read_experiments(pa.Table.from_pylist([row, unknown]))
    assert (made.experiment_id, made.delta, made.share) == ("growth/x", -2.5, None)
    assert made.geos == ("Oslo", "Bergen")
    assert (left.experiment_id, "no exchange rate to USD" in left.reason) == ("growth/y", True)
