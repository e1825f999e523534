"""Budgets from rules: safety first, then the decision, then what becomes of it.

A function of the units of one account, their features and a rulebook; the trace holds every rule
with whether it held, and the budget after each layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from pipelines.jobs.rules.conditions import Expression, Value, filled
from pipelines.jobs.rules.rulebook import LAYERS, Action, Layer, RuleBook


@dataclass(frozen=True)
class Unit:
    """What holds a budget: an ad set, or a campaign whose ad groups hold none.

    ``budget`` is a day's, in units of the account's currency; ``values`` what rules may name.
    """

    platform: str
    account_id: str
    campaign_id: str
    adgroup_id: str
    budget: float
    values: Mapping[str, Value]

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.platform, self.account_id, self.campaign_id, self.adgroup_id


@dataclass(frozen=True)
class Asked:
    """A rule as it was asked of a unit. ``held`` is None where something it needs isn't known.

    ``counted`` is whether it had a part in the budget: a rule that holds doesn't where an earlier
    one of its group did, or where the unit is frozen.
    """

    rule: str
    layer: Layer
    action: Action
    held: bool | None
    counted: bool
    amount: float | None
    reason: str


@dataclass
class Trace:
    """What the rules made of a unit's budget, in units of the account's currency."""

    unit: Unit
    asked: list[Asked] = field(default_factory=list)
    frozen: bool = False
    lower: float = 0.0
    upper: float = inf
    after: dict[Layer, float] = field(default_factory=dict)

    @property
    def budget(self) -> float:
        """The budget after all layers."""
        return self.after["post"]

    def bounded(self, budget: float) -> float:
        """A budget within the bounds of safety; a ceiling is stronger than a floor."""
        return min(max(budget, self.lower), self.upper)

    @property
    def counted(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.counted]


@dataclass(frozen=True)
class _Compiled:
    """A rule that can be asked."""

    name: str
    layer: Layer
    group: str
    action: Action
    when: Expression
    amount: Expression | None
    reason: str


class Allocator:
    """A rulebook, compiled."""

    def __init__(self, book: RuleBook) -> None:
        self._rules = {
            layer: [
                _Compiled(n, layer, r.group, r.action, *book.compiled(r), reason=r.reason)
                for n, r in book.layer(layer)
            ]
            for layer in LAYERS
        }
        self.parameters: Mapping[str, float] = book.values

    def with_parameters(self, parameters: Mapping[str, float]) -> Allocator:
        """The same rules with other values; compiled once."""
        other = object.__new__(Allocator)
        other._rules, other.parameters = self._rules, {**self.parameters, **parameters}
        return other

    def allocate(self, units: Sequence[Unit], left: float | None, days_left: int) -> list[Trace]:
        """Budgets of one account's units, in their order.

        Args:
            left: what is left of the account's money for the rest of the month, from the day on
                that the budgets are for; None where no plan is known.
            days_left: days of the month from that day on.
        """
        traces = [self._decide(unit) for unit in units]
        for rule in self._rules["post"]:
            self._modify(traces, rule, left, days_left)
        for trace in traces:
            trace.after.setdefault("post", trace.after["decision"])
        return traces

    def _decide(self, unit: Unit) -> Trace:
        trace, values = Trace(unit), {**unit.values, **self.parameters}
        bounds: list[Asked] = []
        for rule in self._rules["safety"]:
            held, amount = _ask(rule, values)
            freezes = bool(held) and rule.action == "freeze"
            asked = _asked(rule, held, freezes, amount, values)
            trace.asked.append(asked)
            trace.frozen |= freezes
            if amount is not None:
                bounds.append(asked)
        trace.upper = min((b.amount or 0.0 for b in bounds if b.action == "at_most"), default=inf)
        trace.lower = max((b.amount or 0.0 for b in bounds if b.action == "at_least"), default=0.0)
        budget = unit.budget if trace.frozen else trace.bounded(unit.budget)
        settled: set[str] = set()
        factor = 1.0
        for rule in self._rules["decision"]:
            held, amount = _ask(rule, values)
            counts = amount is not None and not trace.frozen and rule.group not in settled
            trace.asked.append(_asked(rule, held, counts, amount, values))
            if counts and amount is not None:
                settled.add(rule.group)
                factor *= amount
        wanted = budget if trace.frozen else budget * factor
        trace.after["safety"] = budget
        trace.after["decision"] = budget if trace.frozen else trace.bounded(wanted)
        binding = {b.rule for b in bounds if not trace.frozen and _binds(b, unit.budget, wanted)}
        trace.asked = [replace(a, counted=a.counted or a.rule in binding) for a in trace.asked]
        return trace

    def _modify(
        self, traces: list[Trace], rule: _Compiled, left: float | None, days_left: int
    ) -> None:
        before = [trace.after.get("post", trace.after["decision"]) for trace in traces]
        values = [{**trace.unit.values, **self.parameters} for trace in traces]
        answers = [_ask(rule, own) for own in values]
        if rule.action == "account_total":
            after = _neutral(traces, before)
        elif rule.action == "month_left":
            after = _affordable(before, left, days_left)
        else:
            after = [
                budget
                if trace.frozen or not held or amount is None
                else trace.bounded(_stepped(rule.action, trace.unit.budget, budget, amount))
                for trace, budget, (held, amount) in zip(traces, before, answers, strict=True)
            ]
        for trace, old, new, (held, amount), own in zip(
            traces, before, after, answers, values, strict=True
        ):
            trace.after["post"] = new
            trace.asked.append(_asked(rule, held, abs(new - old) > 1e-9, amount, own))


def _ask(rule: _Compiled, values: Mapping[str, Value]) -> tuple[bool | None, float | None]:
    held = rule.when.holds(values)
    return held, rule.amount.amount(values) if held and rule.amount else None


def _asked(
    rule: _Compiled,
    held: bool | None,
    counted: bool,
    amount: float | None,
    values: Mapping[str, Value],
) -> Asked:
    reason = filled(rule.reason, values) if held else ""
    return Asked(rule.name, rule.layer, rule.action, held, counted, amount, reason)


def _binds(bound: Asked, *budgets: float) -> bool:
    """Whether a bound of safety keeps one of some budgets from being what it would be."""
    assert bound.amount is not None
    if bound.action == "at_most":
        return max(budgets) > bound.amount
    return min(budgets) < bound.amount


def _stepped(action: Action, current: float, target: float, amount: float) -> float:
    """A target after a step rule."""
    if action == "smooth":
        return current + amount * (target - current)
    if action == "max_step":
        return min(max(target, current * (1 - amount)), current * (1 + amount))
    if action == "ignore_below":
        return current if abs(target - current) < amount * current else target
    return max(target, amount)


def _neutral(traces: Sequence[Trace], budgets: Sequence[float]) -> list[float]:
    """Budgets whose additions are as large as their cuts: the larger side is scaled down."""
    changes = [budget - trace.unit.budget for trace, budget in zip(traces, budgets, strict=True)]
    added = sum(change for change in changes if change > 0)
    cut = -sum(change for change in changes if change < 0)
    moved = min(added, cut)
    shares = (moved / added if added else 0.0, moved / cut if cut else 0.0)
    return [
        trace.unit.budget + change * shares[change < 0]
        for trace, change in zip(traces, changes, strict=True)
    ]


def _affordable(budgets: Sequence[float], left: float | None, days_left: int) -> list[float]:
    """Budgets that spend no more than ``left`` in ``days_left`` days: all are cut alike."""
    planned = sum(budgets) * days_left
    if left is None or planned <= left:
        return list(budgets)
    share = max(left, 0.0) / planned
    return [budget * share for budget in budgets]
