"""Tuned rules are believed on weeks that tuning didn't see, segments where another half tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipelines.errors import UsageError
from pipelines.evaluate.rules import HISTORY, episodes_of_market, score_rules
from pipelines.jobs.rules.allocate import Allocator
from pipelines.jobs.rules.backtest import (
    EMBARGO_DAYS,
    Episode,
    episodes_of,
    equal_split,
    replay,
)
from pipelines.jobs.rules.discover import discover
from pipelines.jobs.rules.rulebook import load_rulebooks
from pipelines.jobs.rules.tune import override, split, tune
from pipelines.sandbox.market.adset_market import STEP, AdSetMarket
from tests.unit.rules_rows import ACCOUNT, AS_OF, USUAL, unit

BOOK = load_rulebooks()["default"]


def episodes(seed: int = 1, *, signal: bool = True, weeks: int = 40) -> list[Episode]:
    market = AdSetMarket(seed, weeks, ad_sets=6, signal=signal)
    return episodes_of_market([market.run(week, market.start) for week in range(weeks)])


def week(spend: tuple[float, float], value: tuple[float, float], used: float = 1.0) -> Episode:
    good, bad = unit("good", order_roas_index_28d=2.0), unit("bad", order_roas_index_28d=0.5)
    ones = np.ones(2)
    return Episode(AS_OF, (good, bad), np.array(spend) * used, np.array(value), ones, ones * 100)


def test_a_budget_that_was_not_tried_earns_on_a_concave_curve_through_what_was() -> None:
    """100 more, and as much less, of 700 each: 2 and 0.5 for the money."""
    score = replay([week((700, 700), (1400, 350))], Allocator(BOOK), elasticity=1.0)
    assert score.moved[0] == pytest.approx(0.14)
    moved = 0.14
    assert score.value[0] == pytest.approx((1400 * (1 + moved) + 350 * (1 - moved)) / 1750)
    concave = replay([week((700, 700), (1400, 350))], Allocator(BOOK), elasticity=0.5)
    assert 1 < concave.value[0] < score.value[0]


def test_budget_that_is_not_spent_earns_nothing_more() -> None:
    idle = replay([week((700, 700), (1400, 350), used=0.5)], Allocator(BOOK), elasticity=1.0)
    assert idle.value[0] < replay([week((700, 700), (1400, 350))], Allocator(BOOK), 1.0).value[0]


def test_the_weeks_that_judge_begin_an_embargo_after_those_that_tune() -> None:
    tuning, held_out = split(episodes())
    gap = min(e.day for e in held_out) - max(e.day for e in tuning)
    assert gap >= timedelta(days=EMBARGO_DAYS)
    with pytest.raises(UsageError, match="tuning needs 16"):
        split(episodes(weeks=18))


def test_a_run_that_goes_on_ends_as_one_that_did_not_stop(tmp_path: Path) -> None:
    given = episodes()[:20]
    whole = tune(BOOK, given, iterations=4, seed=3)
    tune(BOOK, given, iterations=2, seed=3, journal=tmp_path / "trials.log")
    assert tune(BOOK, given, iterations=4, seed=3, journal=tmp_path / "trials.log") == whole
    assert tune(BOOK, given, iterations=4, seed=4) != whole


def test_trials_of_other_weeks_or_draws_in_the_same_folder_count_for_nothing(
    tmp_path: Path,
) -> None:
    given, journal = episodes(), tmp_path / "trials.log"
    for own, seed in ((given[:20], 3), (given[1:21], 3), (given[:20], 4)):
        alone = tune(BOOK, own, iterations=2, seed=seed)
        assert tune(BOOK, own, iterations=2, seed=seed, journal=journal) == alone


def test_an_override_names_only_what_differs_and_can_be_loaded(tmp_path: Path) -> None:
    values = {name: p.value for name, p in BOOK.tunable.items()} | {"excellent_step": 1.31}
    text = yaml.safe_dump(override(BOOK, values))
    assert text == "parameters:\n  excellent_step:\n    value: 1.31\n"
    (tmp_path / "meta_ads.yaml").write_text(text)
    assert load_rulebooks(tmp_path)["meta_ads"].values["excellent_step"] == 1.31


@pytest.mark.slow
def test_without_a_signal_the_default_stays() -> None:
    (score,) = score_rules([300], weeks=2, iterations=3, signal=False)
    assert not score.tuned.better
    assert score.tuned.reason.startswith("No better than the default, which stays")
    assert score.orders["tuned"] == score.orders["default"]


@pytest.mark.slow
def test_the_default_rules_save_most_of_the_regret_of_an_equal_split() -> None:
    (score,) = score_rules([203], weeks=12, iterations=1)
    assert score.reduction("default") > 0.5
    assert score.reduction("oracle") == 1.0


def test_the_oracle_moves_no_budget_further_than_a_step_and_spends_the_same() -> None:
    market = AdSetMarket(5, HISTORY)
    best = market.best(10, market.start)
    assert best.sum() == pytest.approx(market.start.sum())
    assert (np.abs(best / market.start - 1) <= STEP + 0.01).all()
    assert market.true_orders(10, best).sum() > market.true_orders(10, market.start).sum()
    assert equal_split(episodes()).moved.mean() > 0


@pytest.mark.slow
def test_segments_are_found_where_they_are_and_not_where_outcomes_are_shuffled() -> None:
    given = episodes(seed=2, weeks=44)
    segments, tested = discover(given, seed=2)
    assert tested >= len(segments) > 0
    assert any("roas" in segment.when for segment in segments)
    rule = segments[0].rule(50)
    BOOK.compiled(rule)  # a rule that can be asked
    rng = np.random.default_rng(2)
    shuffled = [replace(e, value=rng.permutation(e.value / e.spend) * e.spend) for e in given]
    assert discover(shuffled, seed=2)[0] == []


def test_too_few_weeks_find_nothing_and_say_so() -> None:
    with pytest.raises(UsageError, match="too few to find segments"):
        discover(episodes()[:5], seed=1)


def test_an_episode_has_what_each_unit_earned_in_the_week_after() -> None:
    keys = {"platform": "meta_ads", "account_id": "a", "currency_code": "USD", "date": AS_OF}
    after = {"next_clicks": 7, "next_impressions": 700, "next_cost_micros": 70_000_000}

    def row(level: str, adgroup: str = "(all)", **own: object) -> dict[str, object]:
        ids = {"campaign_id": "c" if adgroup != "(all)" else "(all)", "adgroup_id": adgroup}
        base = {**USUAL, **ACCOUNT, **keys, **ids, **after, "level": level, "month_cost_micros": 0}
        return base | {"next_value_micros": 140_000_000.0} | own

    rows = [
        row("account", daily_budget_micros=None),
        row("adgroup", "s1"),
        row("adgroup", "s2", next_value_micros=35_000_000.0),
        row("adgroup", "gone", next_cost_micros=None),
        row("account", date=date(2026, 6, 24), daily_budget_micros=None),
        row("adgroup", "s1", date=date(2026, 6, 24)),
    ]
    # a unit without the week after is left out, and so is an account with one unit
    (episode,) = episodes_of(rows)
    assert [u.adgroup_id for u in episode.units] == ["s1", "s2"]
    assert (episode.spend.tolist(), episode.value.tolist()) == ([70.0, 70.0], [140.0, 35.0])
