"""What the mmm job makes of engines' answers, on engines whose answers are known by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import Segment
from pipelines.jobs.mmm.backtest import Backtest, backtest, origin_weeks, predict
from pipelines.jobs.mmm.combine import combine, disagreement, opinion_weights
from pipelines.jobs.mmm.controls import Controls, control_signs, controls_of
from pipelines.jobs.mmm.diagnostics import collinearity, outlier, trend_break
from pipelines.jobs.mmm.engine import Engine
from pipelines.jobs.mmm.ensemble import fit_ensemble, sampler
from pipelines.jobs.mmm.experiment import experiment
from pipelines.jobs.mmm.experiments import Experiment
from pipelines.jobs.mmm.forward import ahead, following, steady
from pipelines.jobs.mmm.panel import Floats, Panel
from pipelines.jobs.mmm.segments import empty_segments
from pipelines.jobs.mmm.stability import Earlier, earlier_answers, stability, surprise
from pipelines.jobs.mmm.weeks import Weeks

FIRST = date(2025, 1, 6)
COUNT = 80
PAST = Backtest((), (), 0.0, 0.8, 0.0, 0.0, np.zeros(0))


@dataclass(frozen=True)
class Proportional:
    """Brings so many orders for each unit of money in the same week, on top of a level."""

    panel: Panel
    slopes: Floats
    level: float = 100.0
    checks: Mapping[str, float] = field(default_factory=dict)

    def brought(self, channel: int, spend: Floats) -> Floats:
        return self.slopes[:, channel, None, None] * spend

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        return self.slopes[:, channel, None] * paths[:, :, -weeks:].sum(axis=(1, 2))

    def expected(self, later: Panel) -> Floats:
        return self.level + np.einsum("kc,gwc->kgw", self.slopes, later.spend)


def panel(slopes: tuple[float, ...] = (2.0, 1.0), noise: float = 5.0, weeks: int = COUNT) -> Panel:
    random = np.random.default_rng(3)
    spend = random.gamma(6.0, 5.0, (1, weeks, len(slopes)))
    outcome = 100 + spend @ np.array(slopes) + noise * random.standard_normal((1, weeks))
    return Panel(
        starts=tuple(FIRST + timedelta(weeks=i) for i in range(weeks)),
        geos=("all",),
        channels=("search", "social")[: len(slopes)],
        spend=spend,
        outcome=outcome,
        controls=np.zeros((1, weeks, 0)),
    )


def slopes(first: float, second: float, spread: float = 0.1, draws: int = 400) -> Floats:
    random = np.random.default_rng(5)
    return np.array([first, second]) + spread * random.standard_normal((draws, 2))


def weeks_of(panel: Panel) -> Weeks:
    count = len(panel.starts)
    return Weeks(
        starts=panel.starts,
        channels=panel.channels,
        spend_micros=np.rint(panel.spend[0] * 1e6).astype(np.int64),
        orders=np.rint(panel.outcome[0]).astype(np.int64),
        revenue_micros=np.full(count, 10**9, dtype=np.int64),
        currency_code="EUR",
    )


def engine_with(drawn: Floats) -> Engine:
    """Fits the same draws to every panel."""
    return lambda panel, seed, experiments=(): Proportional(panel, drawn)


def quiet(_: str) -> None:
    """Says nothing of the progress."""


def test_engines_that_disagree_widen_the_interval_to_both_their_answers() -> None:
    data = panel()
    one, other = Proportional(data, slopes(1.0, 1.0)), Proportional(data, slopes(3.0, 1.0))
    pool = combine({"ensemble": one, "validator": other}, {"ensemble": 0.5, "validator": 0.5})

    low, high = np.quantile(steady(pool, 0, np.array([10.0]))[:, 0], (0.1, 0.9))
    assert low < 11
    assert high > 29
    alone = np.ptp(np.quantile(steady(one, 0, np.array([10.0])), (0.1, 0.9)))
    assert high - low > 5 * alone
    assert len(pool.expected(data)) == len(pool.totals(1, data.spend[None, :, :, 1], 4))
    together = pool.totals(0, data.spend[None, :, :, 0], 4) / data.spend[0, -4:, 0].sum()
    assert (together > 2).mean() == pytest.approx(0.5, abs=0.02)


def test_a_pool_has_the_worst_of_its_engines_checks() -> None:
    data = panel()
    first = Proportional(data, slopes(1, 1), checks={"max_rhat": 1.0, "divergences": 2})
    second = Proportional(
        data, slopes(1, 1), checks={"max_rhat": 1.3, "min_ess": 50, "divergences": 1}
    )
    pool = combine({"a": first, "b": second}, {"a": 0.5, "b": 0.5})

    assert pool.checks == {"max_rhat": 1.3, "min_ess": 50, "divergences": 3}


def test_engines_that_predict_alike_weigh_alike_and_a_worse_one_weighs_less() -> None:
    same = np.full(8, -3.0)
    assert opinion_weights({"lightweight": same, "validator": same}) == pytest.approx(
        {"lightweight": 0.5, "validator": 0.5}
    )
    worse = opinion_weights({"lightweight": same, "validator": same - 4.0})
    assert worse["validator"] == pytest.approx(4 / 16, abs=0.03)
    assert sum(worse.values()) == pytest.approx(1)


def test_the_ensemble_is_never_weighed_less_than_equally() -> None:
    weights = opinion_weights({"ensemble": np.full(8, -9.0), "validator": np.full(8, -3.0)})
    assert weights == pytest.approx({"ensemble": 0.5, "validator": 0.5})


def test_agreement_is_measured_on_what_each_channel_brings() -> None:
    data = panel()
    one, twin = Proportional(data, slopes(2, 1)), Proportional(data, slopes(2, 1))
    other = Proportional(data, slopes(0.2, 3))

    assert disagreement({"a": one, "b": twin}) == pytest.approx((0.0, 1.0))
    distance, overlap = disagreement({"a": one, "b": twin, "c": other})
    assert distance > 0.5
    assert overlap == 0


def test_origins_predict_weeks_that_their_fit_has_not_seen() -> None:
    data, seen = panel(), []

    def engine(known: Panel, seed: int, experiments: Sequence[Experiment] = ()) -> Proportional:
        seen.append(len(known.starts))
        return Proportional(known, slopes(2, 1, spread=0.01))

    origins = predict(engine, data, origin_weeks(COUNT, 8), 1, quiet)
    past = backtest(data, origins, 1)

    assert seen == [65, 67, 69, 71, 73, 75, 77, 79]
    assert [len(o.actual) for o in origins] == [4, 4, 4, 4, 4, 4, 3, 1]
    assert past.mape < 0.04
    assert 0.65 < past.coverage_80 < 0.95
    assert past.noise == pytest.approx(5, rel=0.3)
    assert past.skill > 0.5


def test_an_engine_that_predicts_worse_has_lower_scores() -> None:
    data = panel()
    weeks = origin_weeks(COUNT, 8)
    good, bad = (
        backtest(
            data, predict(lambda p, s, e=(), v=v: Proportional(p, v), data, weeks, 1, quiet), 1
        )
        for v in (slopes(2, 1), slopes(0, 1))
    )
    assert good.log_scores.mean() > bad.log_scores.mean() + 1
    assert good.crps < bad.crps / 2


def test_a_channel_that_began_after_an_origin_is_left_out_there() -> None:
    data = panel()
    data.spend[:, :70, 1] = 0

    def engine(known: Panel, seed: int, experiments: Sequence[Experiment] = ()) -> Proportional:
        return Proportional(known, np.ones((10, len(known.channels))))

    origins = predict(engine, data, [69, 75], 1, quiet)
    assert [o.fitted.panel.channels for o in origins] == [("search",), ("search", "social")]


def test_an_answer_that_stays_is_stable_and_one_that_moves_says_from_where_to_where() -> None:
    data = panel()
    weeks, before = weeks_of(data), Proportional(data, slopes(2, 1))
    past = earlier_answers(before, weeks)

    assert all(c.passed for c in stability("refit", past, before, "last week", None))
    after = Proportional(data, slopes(2, 1.5))
    moved = [c for c in stability("refit", past, after, "last week", None) if not c.passed]
    assert [(c.name, c.channel, c.refuses) for c in moved] == [("refit_social", "social", True)]
    money = weeks.typical_money(1)
    assert f"social brought {money:.0f} orders a week" in str(moved[0].doubt)


def test_channels_that_change_places_are_refused_unless_a_week_explains_it() -> None:
    data = panel()
    past = earlier_answers(Proportional(data, slopes(2, 1)), weeks_of(data))
    flipped = Proportional(data, slopes(1, 2))

    checks = {c.name: c for c in stability("refit", past, flipped, "last week", None)}
    assert "search and social have changed places" in str(checks["refit_flips"].doubt)
    explanation = surprise(FIRST, actual=400, expected=150, noise=20)
    assert explanation is not None
    explained = {c.name: c for c in stability("refit", past, flipped, "last week", explanation)}
    assert not explained["refit_flips"].passed
    assert explained["refit_flips"].doubt is None
    assert "had 400 orders where 150 were expected" in str(explained["refit_flips"].message)
    assert surprise(FIRST, actual=190, expected=150, noise=20) is None


def test_a_channel_that_the_earlier_answer_lacks_is_not_compared() -> None:
    fitted = Proportional(panel(), slopes(2, 1))
    past = [Earlier("closed", 10.0, (1.0, 2.0, 3.0), (0.1, 0.2, 0.3))]
    assert [c.name for c in stability("refit", past, fitted, "last week", None)] == ["refit_flips"]


def test_an_experiment_grows_with_the_noise_until_it_is_not_enough() -> None:
    fitted = Proportional(panel(), slopes(2, 1, spread=0.4))
    made = [experiment(fitted, 0, 30.0, noise) for noise in (0.5, 15.0, 400.0)]

    cost = [abs(e.change) * e.weeks for e in made]
    assert cost[0] <= cost[1]
    assert [e.enough for e in made] == [True, True, False]
    assert "raise the spend of search by half for 2 weeks" in str(made[0])
    assert "at least, better in several regions" in str(made[2])
    # the effect of stopping or halving a proportional channel is known by hand
    expected = 2.0 * 30.0 * made[1].change * made[1].weeks
    assert made[1].effect == pytest.approx(expected, rel=0.05)


def test_what_an_experiment_leaves_is_what_measuring_it_leaves() -> None:
    """Simulated: orders of the test's weeks are seen with their noise, and draws reweighted."""
    fitted = Proportional(panel(), slopes(2, 1, spread=0.4, draws=4000))
    made = experiment(fitted, 0, 30.0, 15.0)
    theta = fitted.slopes[:, 0] * 30 * made.weeks
    span = made.weeks + 4
    error = 15.0 * np.sqrt(span * (1 + span / 26))
    random = np.random.default_rng(1)
    spreads = []
    for truth in random.choice(theta, 40):
        measured = truth * made.change + error * random.standard_normal()
        weights = np.exp(-0.5 * ((theta * made.change - measured) / error) ** 2)
        weights /= weights.sum()
        spreads.append(np.sqrt(weights @ theta**2 - (weights @ theta) ** 2))
    assert np.mean(spreads) / theta.std() == pytest.approx(made.left, rel=0.1)


def test_spend_that_moves_together_is_collinear_and_other_spend_is_not() -> None:
    data = panel()
    assert collinearity(data).max() < 2
    data.spend[:, :, 1] = 3 * data.spend[:, :, 0] + 0.1 * data.spend[:, :, 1]
    assert collinearity(data).min() > 10


def test_a_week_of_tenfold_spend_is_an_outlier_and_a_pause_is_not() -> None:
    spend = panel().spend[0, :, 0]
    assert outlier(spend)[1] < 5
    spend[20:24] = 0
    assert outlier(spend)[1] < 5
    spend[33] = 10 * np.median(spend)
    week, size = outlier(spend)
    assert week == 33
    assert size > 5


def test_a_step_in_the_level_is_a_trend_break_and_a_season_is_not() -> None:
    data = panel(slopes=(0.0, 0.0))
    season = 20 * np.sin(2 * np.pi * np.arange(COUNT) / 52.18)
    assert trend_break(data, data.outcome[0] + season)[1] < 18
    week, size = trend_break(data, data.outcome[0] + season + 25 * (np.arange(COUNT) >= 47))
    assert abs(week - 47) <= 1
    assert size > 18


def test_the_weeks_to_come_carry_on_from_the_history_and_know_its_calendar() -> None:
    data = panel()
    rows = [
        {
            "week_start": FIRST + timedelta(weeks=week),
            "name": name,
            "value": float(week in weeks),
            "expected_sign": None,
            "known_in_advance": known,
        }
        for name, weeks, known in (
            ("sale", (10, 81), True),
            ("weather", (12, 81), False),
            ("opening", (81,), True),
        )
        for week in range(COUNT + 4)
    ]
    controls = controls_of(pa.Table.from_pylist(rows), data.starts)
    assert controls.names == ("sale", "weather")  # what never was tells nothing
    coming = [FIRST + timedelta(weeks=COUNT + i) for i in range(3)]
    # what isn't known in advance comes as often as it used to, and that is said
    assert controls.of(coming)[0].tolist() == [[0, 1 / 80], [1, 1 / 80], [0, 1 / 80]]
    assert controls.of(data.starts)[0, 12].tolist() == [0, 1]
    (usual,) = controls.checks()
    assert (usual.name, usual.value, usual.doubt) == ("control_usual_weather", 1 / 80, None)
    assert "weather isn't known in advance: the weeks to come get its mean" in str(usual.message)

    later = ahead(data, np.array([7.0, 0.0]), np.zeros((1, 3, 0)), 3)
    assert later.starts[-1] == FIRST + timedelta(weeks=COUNT + 2)
    assert later.spend[0, -3:].tolist() == [[7.0, 0.0]] * 3
    assert np.isnan(later.outcome[0, -3:]).all()
    fitted = Proportional(data, slopes(2, 1))
    weekly = following(fitted, 0, np.array([0.0, 7.0]), 3)
    assert weekly[:, 0].max() == 0
    assert weekly[:, 1] == pytest.approx(7 * fitted.slopes[:, 0])


def test_a_control_that_does_the_reverse_of_what_the_calendar_expects_is_told() -> None:
    """A sale that brought orders, a stock-out that cost some, and what made no difference."""
    data, random = panel(noise=4.0), np.random.default_rng(8)
    controls = (random.random((1, COUNT, 3)) < 0.2).astype(float)
    outcome = data.outcome + 12 * controls[:, :, 0] - 12 * controls[:, :, 1]
    names = ("sale", "stock_out", "weather")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "WARMUP", 40)
        patch.setattr(sampler, "SWEEPS", 60)
        fitted = fit_ensemble(
            replace(data, outcome=outcome, controls=controls, control_names=names), 1
        )
    positive = fitted.positive_controls()

    assert positive["sale"] > 0.99
    assert positive["stock_out"] < 0.01
    assert 0.02 < positive["weather"] < 0.98
    expected = Controls(names, signs={"sale": -1, "stock_out": -1, "weather": 1})
    checks = {check.name: check for check in control_signs(fitted, expected)}
    assert [c.passed for c in checks.values()] == [False, True, True]
    assert checks["control_sign_sale"].doubt is None  # it informs, and refuses nothing
    message = str(checks["control_sign_sale"].message)
    assert "expects sale to cost some, and the fit says that it would bring orders" in message


def test_a_segment_without_campaigns_is_told_with_the_labels_that_are_like_its_own() -> None:
    rows = [
        {"platform": "google_ads", "mmm_channel": "google_ads", "labels": "Brand Search\nDE"},
        {"platform": "google_ads", "mmm_channel": "google_ads:generic", "labels": "generic"},
        {"platform": "meta_ads", "mmm_channel": "meta_ads", "labels": ""},
    ]
    segments = (
        Segment(channel="google_ads", name="generic", labels=("generic",)),
        Segment(channel="google_ads", name="brand", labels=("brnad search",)),
        Segment(channel="google_ads", name="late", labels=("Generic",)),
        Segment(channel="meta_ads", name="again", labels=("warm",), name_contains=("| re |",)),
        Segment(channel="tiktok_ads", name="all"),
    )
    empty = empty_segments(segments, pa.Table.from_pylist(rows))
    said = {check.channel: str(check.message) for check in empty}

    assert [check.name for check in empty] == [
        "campaigns_google_ads:brand",
        "campaigns_google_ads:late",
        "campaigns_meta_ads:again",
        "campaigns_tiktok_ads:all",
    ]
    assert "is labelled 'brnad search' (labels like it: 'Brand Search')" in said["google_ads:brand"]
    assert "'Generic' are all of segments before it" in said["google_ads:late"]
    assert "'warm' (its campaigns have no labels)" in said["meta_ads:again"]
    assert "name contains '| re |'" in said["meta_ads:again"]
    assert "no campaign of tiktok_ads is known" in said["tiktok_ads:all"]
    assert all(not check.passed and check.doubt is None for check in empty)
