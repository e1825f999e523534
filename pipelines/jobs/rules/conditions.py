"""Conditions and amounts of rules: expressions over named values, by rule-engine.

An expression is typed when it is read: a name or a comparison that can't be is refused there. It
computes in decimals. What isn't known is NULL; what needs it is unknown, neither true nor false.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from rule_engine import Context, DataType, Rule, type_resolver_from_dict
from rule_engine.errors import EngineError, EvaluationError

Value = float | str | bool | None
Values = Mapping[str, Value]
Kinds = Mapping[str, type]
"""What each name holds: float, str or bool."""

_TYPES = {float: DataType.FLOAT, str: DataType.STRING, bool: DataType.BOOLEAN}
_NAME = re.compile(r"\{([a-z_0-9]+)(?::(\+?%))?\}")


class ExpressionError(ValueError):
    """An expression can't be read, or names what there isn't; its text says which and why."""


@dataclass(frozen=True)
class Expression:
    """A condition or an amount over the names of ``kinds``.

    Raises:
        ExpressionError: it isn't one, compares what can't be, or names what isn't in ``kinds``.
    """

    text: str
    kinds: Kinds
    _rule: Rule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        types = {name: _TYPES[kind] for name, kind in self.kinds.items()}
        context = Context(type_resolver=type_resolver_from_dict(types))
        try:
            rule = Rule(self.text, context=context)
        except EngineError as error:
            raise ExpressionError(f"'{self.text}': {error.message}") from error
        object.__setattr__(self, "_rule", rule)

    def holds(self, values: Values) -> bool | None:
        """Whether it is true; None where something that it needs isn't known."""
        try:
            return bool(self._rule.matches(values))
        except EvaluationError:
            return None

    def amount(self, values: Values) -> float | None:
        """The number that it is; None where something that it needs isn't known."""
        try:
            value = self._rule.evaluate(values)
        except EvaluationError:
            return None
        return float(value) if isinstance(value, int | float | Decimal) else None


def filled(template: str, values: Values) -> str:
    """A reason with the values of the names that stand in braces: numbers to three digits, as
    percent after ``:%``, with their sign after ``:+%``."""
    return _NAME.sub(lambda match: shown(values.get(match[1]), match[2]), template)


def names_in(template: str) -> set[str]:
    """The names that stand in braces."""
    return {name for name, _ in _NAME.findall(template)}


def shown(value: Value, percent: str | None = None) -> str:
    """A value as a person reads it; ``percent`` is %, +% or None."""
    if value is None:
        return "unknown"
    if isinstance(value, str | bool):
        return str(value)
    if percent:
        return f"{value:+.0%}" if percent == "+%" else f"{value:.0%}"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
