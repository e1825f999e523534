"""Safety comes before the decision and steps after it; nothing is added to an account."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.jobs.rules.allocate import Allocator, Trace
from pipelines.jobs.rules.rulebook import load_rulebooks
from tests.unit.rules_rows import book, unit

RULES = load_rulebooks()["default"]
DEFAULT = Allocator(RULES)
TOLERANCE = 1e-6


def only(trace: Trace, layer: str) -> set[str]:
    return {asked.rule for asked in trace.counted if asked.layer == layer}


def test_a_usual_ad_set_keeps_its_budget() -> None:
    (trace,) = DEFAULT.allocate([unit()], None, 10)
    assert trace.counted == []
    assert (trace.budget, trace.frozen) == (100.0, False)


def test_what_the_good_get_the_bad_give() -> None:
    good = unit("good", order_roas_index_28d=1.7)
    bad = unit("bad", budget=200.0, order_roas_index_28d=0.6)
    up, down = DEFAULT.allocate([good, bad], None, 10)
    assert only(up, "decision") == {"excellent"}
    assert only(down, "decision") == {"poor"}
    assert up.after["decision"] == pytest.approx(120.0)
    # 70% of 20% is 14 more; 70% of 12% is 16.8 less: no more is cut than is needed
    assert (up.budget, down.budget) == (pytest.approx(114.0), pytest.approx(186.0))
    assert "account_total" in only(down, "post")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"learning_phase": "LEARNING"}, "freeze_learning"),
        ({"days_since_edit": 1}, "freeze_after_edit"),
        ({"days_since_budget_change": 1}, "freeze_after_budget_change"),
        ({"days_since_launch": 3}, "freeze_young"),
        ({"days_with_spend_28d": 4}, "freeze_few_days"),
        ({"conversions_28d": 3.0}, "freeze_thin"),
        ({"maturity_7d": 0.2}, "freeze_immature"),
        ({"days_since_delivery": 5}, "freeze_idle"),
        ({"claimed_per_order_28d": 80.0}, "freeze_overclaiming"),
        ({"conversions_change_7d": -0.9}, "freeze_tracking_lost"),
        ({"roas_volatility_14d": 3.0}, "freeze_volatile"),
    ],
)
def test_a_frozen_ad_set_keeps_its_budget_whatever_its_return(
    changed: dict[str, float | str], rule: str
) -> None:
    frozen = unit("frozen", order_roas_index_28d=3.0, **changed)
    trace, other = DEFAULT.allocate([frozen, unit("other", order_roas_index_28d=0.6)], None, 10)
    assert trace.frozen
    assert rule in only(trace, "safety")
    assert (trace.budget, other.budget) == (100.0, 100.0)


def test_a_bound_of_safety_is_told_where_it_binds() -> None:
    """What doesn't use its budget gets no more, however good it is."""
    idle = unit("idle", order_roas_index_28d=1.7, budget_used_7d=0.4)
    trace, _ = DEFAULT.allocate([idle, unit("bad", order_roas_index_28d=0.6)], None, 10)
    assert only(trace, "safety") == {"cap_underused"}
    assert trace.after["decision"] == 100.0


def test_a_rule_that_needs_an_unknown_feature_does_not_count() -> None:
    (trace,) = DEFAULT.allocate([unit(order_roas_index_28d=None)], None, 10)
    held = {asked.rule: asked.held for asked in trace.asked}
    assert held["excellent"] is None
    assert trace.budget == 100.0


def test_no_more_is_planned_than_is_left_of_the_month() -> None:
    units = [unit("a"), unit("b", learning_phase="LEARNING")]
    traces = DEFAULT.allocate(units, 1000.0, 10)
    assert [t.budget for t in traces] == [pytest.approx(50.0)] * 2
    assert {"month_left"} == only(traces[0], "post")
    # on the last day all that is left may go; when nothing is, nothing may
    assert sum(t.budget for t in DEFAULT.allocate(units, 150.0, 1)) == pytest.approx(150.0)
    assert [t.budget for t in DEFAULT.allocate(units, -5.0, 1)] == [0.0, 0.0]


def test_of_a_group_the_first_that_holds_counts_and_groups_multiply() -> None:
    def factor(group: str, priority: int, amount: str) -> dict[str, object]:
        own = {"layer": "decision", "action": "multiply", "when": "conversions_28d > 1"}
        return own | {"group": group, "priority": priority, "amount": amount}

    rules = book(
        first=factor("one", 1, "step"), second=factor("one", 2, "9"), third=factor("two", 3, "0.5")
    )
    (trace,) = Allocator(rules).allocate([unit()], None, 10)
    assert only(trace, "decision") == {"first", "third"}
    assert trace.budget == pytest.approx(60.0)
    (other,) = Allocator(rules).with_parameters({"step": 2.0}).allocate([unit()], None, 10)
    assert other.budget == pytest.approx(100.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0.01, 10_000),
            st.one_of(st.none(), st.floats(0, 5)),
            st.floats(0, 3),
            st.floats(-1, 3),
            st.sampled_from(["LEARNED", "LEARNING", "LIMITED", None]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.one_of(st.none(), st.floats(-100, 100_000)),
    st.integers(1, 31),
)
def test_an_account_never_spends_more_and_no_budget_leaves_its_bounds(
    given_units: list[tuple[float, float | None, float, float, str | None]],
    left: float | None,
    days_left: int,
) -> None:
    units = [
        unit(
            str(n),
            budget=budget,
            daily_budget_micros=budget * 1e6,
            order_roas_index_28d=index,
            budget_used_7d=used,
            roas_change_7d=change,
            learning_phase=phase,
        )
        for n, (budget, index, used, change, phase) in enumerate(given_units)
    ]
    traces = DEFAULT.allocate(units, left, days_left)
    before = sum(u.budget for u in units)
    after = sum(t.budget for t in traces)
    assert after <= before * (1 + TOLERANCE) + TOLERANCE
    if left is not None:
        assert after * days_left <= max(left, 0.0) * (1 + TOLERANCE) + TOLERANCE
    step = RULES.values["max_step_share"]
    for trace in traces:
        assert 0 <= trace.budget <= trace.unit.budget * (1 + step) * (1 + TOLERANCE) + 1
        if left is None and trace.frozen:
            assert trace.budget == trace.unit.budget
