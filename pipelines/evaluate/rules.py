"""Scores rules, default and tuned, on simulated accounts whose true response is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from pipelines.jobs.rules.allocate import Allocator, Unit
from pipelines.jobs.rules.backtest import Episode, Floats
from pipelines.jobs.rules.conditions import Value
from pipelines.jobs.rules.features import KINDS
from pipelines.jobs.rules.rulebook import DEFAULT, RuleBook, load_rulebooks
from pipelines.jobs.rules.tune import Tuned, tune
from pipelines.sandbox.market.adset_market import AdSetMarket, Week

HISTORY = 60
"""Weeks before the first decision, under budgets that nobody changes: rules are tuned on them."""
_VALUE = 80.0  # currency units an order
_FIRST = date(2025, 1, 6)


@dataclass(frozen=True)
class RulesScore:
    """True orders of the weeks by arm, of one account; and what tuning said of itself."""

    seed: int
    orders: Mapping[str, float]
    tuned: Tuned

    def regret(self, arm: str) -> float:
        """What the arm brought less than the oracle, as a share of the oracle's."""
        return 1 - self.orders[arm] / self.orders["oracle"]

    def reduction(self, arm: str) -> float:
        """Share of the equal split's regret that the arm doesn't have."""
        return 1 - self.regret(arm) / self.regret("equal")


def score_rules(
    seeds: Sequence[int],
    weeks: int,
    iterations: int,
    *,
    signal: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> list[RulesScore]:
    """One account a seed: tuned on its past, then every arm runs on from its last week.

    Args:
        weeks: that the arms run.
        iterations: sets of parameters that tuning tries.
        signal: without it all ad sets are alike.
    """
    book = load_rulebooks()[DEFAULT]
    scores = []
    for seed in seeds:
        market = AdSetMarket(seed, HISTORY + weeks, signal=signal)
        past = [market.run(week, market.start) for week in range(HISTORY)]
        tuned = tune(book, episodes_of_market(past), iterations=iterations, seed=seed)
        scores.append(RulesScore(seed, _arms(market, past, weeks, book, tuned), tuned))
        progress(f"seed {seed}: {tuned.reason}")
    return scores


def _arms(
    market: AdSetMarket, past: Sequence[Week], weeks: int, book: RuleBook, tuned: Tuned
) -> dict[str, float]:
    default = Allocator(book)
    values = tuned.chosen.values if tuned.better else {}
    arms: dict[str, Callable[[_Run], Floats]] = {
        "status quo": lambda run: run.budgets,
        "equal": lambda run: np.full(market.ad_sets, market.start.mean()),
        "default": lambda run: run.ruled(default),
        "tuned": lambda run: run.ruled(default.with_parameters(values)),
        "chosen": lambda run: run.ruled(default.with_parameters(tuned.chosen.values)),
        "oracle": lambda run: market.best(HISTORY + len(run.weeks) - len(past), run.budgets),
    }
    return {name: _run(market, past, weeks, decide) for name, decide in arms.items()}


@dataclass
class _Run:
    """An arm under way: every week so far, and its budgets."""

    weeks: list[Week]
    budgets: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.budgets = self.weeks[-1].budgets

    def ruled(self, allocator: Allocator) -> Floats:
        units = _units(self.weeks)
        return np.array([trace.budget for trace in allocator.allocate(units, None, 7)])


def _run(
    market: AdSetMarket, past: Sequence[Week], weeks: int, decide: Callable[[_Run], Floats]
) -> float:
    run, orders = _Run(list(past)), 0.0
    for week in range(HISTORY, HISTORY + weeks):
        run.budgets = decide(run)
        run.weeks.append(market.run(week, run.budgets))
        orders += float(run.weeks[-1].true_orders.sum())
    return orders


def episodes_of_market(past: Sequence[Week]) -> list[Episode]:
    """A decision after every week of a market from the fourth on, but the last."""
    return [
        Episode(
            day=_FIRST + timedelta(weeks=week),
            units=tuple(_units(past[: week + 1])),
            spend=past[week + 1].spend,
            value=past[week + 1].ordered * _VALUE,
            clicks=past[week + 1].clicks,
            impressions=past[week + 1].impressions,
        )
        for week in range(4, len(past) - 1)
    ]


def _units(weeks: Sequence[Week]) -> list[Unit]:
    """The ad sets with their features, which are those of marts.ad_features_daily as far as an
    account of weeks has them; the rest is unknown."""
    now, before, month = weeks[-1], weeks[-2], weeks[-4:]
    cost, claimed, ordered = (
        np.sum([getattr(week, name) for week in month], axis=0)
        for name in ("spend", "claimed", "ordered")
    )
    roas, roas_before = (w.claimed * _VALUE / w.spend for w in (now, before))
    fortnight = (now.claimed + before.claimed) * _VALUE / (now.spend + before.spend)
    ctr, ctr_before = (w.clicks / w.impressions for w in (now, before))
    cpm, cpm_before = (w.spend / w.impressions for w in (now, before))
    columns: dict[str, Floats | float] = {
        "daily_budget": now.budgets,
        "cost_7d": now.spend,
        "cost_28d": cost,
        "conversions_28d": claimed,
        "roas_7d": roas,
        "roas_14d": fortnight,
        "roas_28d": claimed * _VALUE / cost,
        "roas_index_28d": claimed / cost / (claimed.sum() / cost.sum()),
        "order_roas_28d": ordered * _VALUE / cost,
        "order_roas_index_28d": ordered / cost / (ordered.sum() / cost.sum()),
        "claimed_per_order_28d": claimed / np.maximum(ordered, 1),
        "cost_change_7d": now.spend / before.spend - 1,
        "conversions_change_7d": now.claimed / np.maximum(before.claimed, 1) - 1,
        "roas_change_7d": roas / np.maximum(roas_before, 1e-9) - 1,
        "roas_slope_14d": (roas - roas_before) / 7,
        "ctr_change_7d": ctr / ctr_before - 1,
        "cpm_change_7d": cpm / cpm_before - 1,
        "share_of_account_cost": cost / cost.sum(),
        "budget_used_7d": now.spend / (7 * now.budgets),
        "roas_volatility_14d": 0.5,
        "tomorrow_weekday_index": 1.0,
        "maturity_7d": 0.8,
        "days_with_spend_28d": 28.0,
        "days_since_delivery": 0.0,
        "days_since_launch": 7.0 * len(weeks),
        "account_conversions_change_7d": float(now.claimed.sum() / before.claimed.sum() - 1),
    }
    return [
        Unit("simulated", "account", "campaign", f"set-{n}", float(now.budgets[n]), values)
        for n in range(len(now.budgets))
        for values in [_values(columns, n)]
    ]


def _values(columns: Mapping[str, Floats | float], n: int) -> dict[str, Value]:
    known: dict[str, Value] = {
        name: float(column if isinstance(column, float) else column[n])
        for name, column in columns.items()
    }
    return {**dict.fromkeys(KINDS), **known, "weekday": 2.0, "is_weekend": False}
