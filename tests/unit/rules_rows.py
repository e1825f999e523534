"""Features of a small account for the tests of rules, and units made of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.jobs.rules.allocate import Unit
from pipelines.jobs.rules.features import COLUMNS, values_of
from pipelines.jobs.rules.rulebook import RuleBook

AS_OF = date(2026, 6, 17)  # a Wednesday: the budget is for a Thursday
# an ad set like any other: no rule of decision holds
USUAL: dict[str, Any] = {
    **dict.fromkeys(COLUMNS),
    "learning_phase": "LEARNED",
    "daily_budget_micros": 100_000_000,
    "cost_micros_7d": 630_000_000,
    "conversions_28d": 60.0,
    "days_with_spend_28d": 28,
    "days_since_delivery": 0,
    "days_since_launch": 60,
    "days_since_edit": 60,
    "claimed_per_order_28d": 2.0,
    "conversions_change_7d": 0.0,
    "cost_change_7d": 0.0,
    "ctr_change_7d": 0.0,
    "cpm_change_7d": 0.0,
    "roas_change_7d": 0.0,
    "roas_14d": 2.0,
    "roas_slope_14d": 0.0,
    "roas_volatility_14d": 0.5,
    "roas_index_28d": 1.0,
    "order_roas_index_28d": 1.0,
    "budget_used_7d": 0.9,
    "share_of_account_cost": 0.2,
    "tomorrow_weekday_index": 1.0,
    "maturity_7d": 0.8,
}
ACCOUNT = {**USUAL, "level": "account", "cost_micros_28d": 0}


def unit(name: str = "s1", budget: float = 100.0, as_of: date = AS_OF, **changed: Any) -> Unit:
    """A usual ad set, but for what is given."""
    return Unit("meta_ads", "a", "c", name, budget, values_of({**USUAL, **changed}, ACCOUNT, as_of))


def book(**rules: dict[str, Any]) -> RuleBook:
    """A rulebook of these rules, with one parameter, which they have to name."""
    reason = {"reason": "because it is so"}
    return RuleBook.model_validate(
        {
            "version": 1,
            "parameters": {"step": {"value": 1.2, "low": 1.0, "high": 2.0}},
            "rules": {name: reason | rule for name, rule in rules.items()},
        }
    )
