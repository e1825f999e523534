"""Conditions are typed when they are read, and unknown where what they need isn't known."""

from __future__ import annotations

import pytest

from pipelines.jobs.rules.conditions import Expression, ExpressionError, filled

KINDS = {"roas": float, "floor": float, "phase": str, "is_weekend": bool}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("roass > 1", "roass"),
        ("roas > 'high'", "data type mismatch"),
        ("phase.format(roas)", "format"),
        ("__import__('os')", "unknown symbol"),
        ("roas >", "syntax error"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_read(text: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why):
        Expression(text, KINDS)


def test_what_needs_an_unknown_feature_is_unknown() -> None:
    condition = Expression("roas > 1.5 and phase == 'LEARNED'", KINDS)
    assert condition.holds({"roas": 2.0, "phase": "LEARNED"}) is True
    assert condition.holds({"roas": None, "phase": "LEARNED"}) is None
    # what is false whatever the unknown is needs no knowing
    assert (
        Expression("is_weekend and roas > 1", KINDS).holds({"is_weekend": False, "roas": None})
        is False
    )
    assert Expression("roas * 2", KINDS).amount({"roas": None}) is None
    assert Expression("floor * 1.5", KINDS).amount({"floor": 2.0}) == 3.0


def test_decimals_compare_as_a_person_reckons() -> None:
    """1.5 × 0.8 is 1.2: in floats it is more."""
    assert Expression("roas < floor * 0.8", KINDS).holds({"roas": 1.2, "floor": 1.5}) is False


def test_a_reason_shows_values_and_nothing_else_of_them() -> None:
    values = {"roas": 1.23456, "cost": 12345.6, "days": 3.0, "phase": "LEARNED", "gone": None}
    text = "{roas}, {cost}, {days}, {phase}, {gone}, {gone:%}, {roas.__class__}, {roas!r}"
    shown = "1.23, 12,346, 3, LEARNED, unknown, unknown, {roas.__class__}, {roas!r}"
    assert filled(text, values) == shown
    assert filled("{share:%} {share:+%}", {"share": 0.314}) == "31% +31%"
