"""A rulebook: rules as data, from a default file and overrides that change only what they name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipelines.errors import ConfigError
from pipelines.jobs.rules.conditions import Expression, ExpressionError, names_in
from pipelines.jobs.rules.features import KINDS
from pipelines.shipped import shipped
from pipelines.source_settings import Section
from pipelines.yaml_files import read_mapping, validated

DEFAULT = "default"
SCHEMA = "rules.schema.json"
FIX = "Correct the file; infra/rules/rules.schema.json says what it may hold."

Layer = Literal["safety", "decision", "post"]
LAYERS: tuple[Layer, ...] = ("safety", "decision", "post")
Action = Literal[
    "freeze",
    "at_most",
    "at_least",
    "multiply",
    "smooth",
    "max_step",
    "ignore_below",
    "account_total",
    "month_left",
]
_OF_LAYER: Mapping[Layer, tuple[Action, ...]] = {
    "safety": ("freeze", "at_most", "at_least"),
    "decision": ("multiply",),
    "post": ("smooth", "max_step", "ignore_below", "at_least", "account_total", "month_left"),
}
WITHOUT_AMOUNT: tuple[Action, ...] = ("freeze", "account_total", "month_left")


class Parameter(Section):
    """A number that rules name. Tuning may set it from ``low`` to ``high``; without them it is
    fixed: a matter of risk, not of return."""

    value: float
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _within(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("give both low and high, or neither")
        if self.low is not None and self.high is not None:
            if not self.low < self.high:
                raise ValueError("low must be below high")
            if not self.low <= self.value <= self.high:
                raise ValueError(f"{self.value} is not from {self.low} to {self.high}")
        return self


class Rule(Section):
    """One rule. In the decision layer the first of a ``group`` that holds counts, by ``priority``,
    and factors of several groups multiply. In the other layers every rule that holds counts.

    ``when`` is a condition over features and parameters, ``amount`` an expression of the same
    (money in units of the account's currency); ``reason`` is shown with the values of names that
    stand in braces.
    """

    layer: Layer
    group: str = Field(pattern=r"^[a-z_]+$")
    priority: int = Field(ge=0)
    when: str = "true"
    action: Action
    amount: str | None = None
    reason: str = Field(min_length=10)
    enabled: bool = True

    @model_validator(mode="after")
    def _action_fits(self) -> Self:
        if self.action not in _OF_LAYER[self.layer]:
            known = ", ".join(_OF_LAYER[self.layer])
            raise ValueError(f"the layer {self.layer} has the actions {known}, not {self.action}")
        if (self.amount is None) != (self.action in WITHOUT_AMOUNT):
            needs = "takes no" if self.action in WITHOUT_AMOUNT else "needs an"
            raise ValueError(f"{self.action} {needs} amount")
        return self


class RuleBook(Section):
    """Parameters and rules by name; what a rule says is checked with what it may name."""

    version: Literal[1]
    parameters: dict[str, Parameter]
    rules: dict[str, Rule]

    @model_validator(mode="after")
    def _rules_can_be_read(self) -> Self:
        if clash := sorted(set(self.parameters) & set(KINDS)):
            raise ValueError(f"parameters are named like features: {', '.join(clash)}")
        for name, rule in self.rules.items():
            try:
                self.compiled(rule)
            except ExpressionError as error:
                raise ValueError(f"rule {name}: {error}") from error
            if unknown := sorted(names_in(rule.reason) - set(self.kinds)):
                raise ValueError(f"rule {name}: its reason names {', '.join(unknown)}")
        used = "\n".join(f"{r.when} {r.amount or ''}" for r in self.rules.values())
        if idle := [name for name in self.parameters if name not in used]:
            raise ValueError(f"no rule names the parameters {', '.join(idle)}")
        return self

    @property
    def kinds(self) -> dict[str, type]:
        """What a rule may name, and what that holds."""
        return {**KINDS, **dict.fromkeys(self.parameters, float)}

    @property
    def values(self) -> dict[str, float]:
        """The parameters' values."""
        return {name: parameter.value for name, parameter in self.parameters.items()}

    @property
    def tunable(self) -> dict[str, Parameter]:
        """Parameters that tuning may set."""
        return {n: p for n, p in self.parameters.items() if p.low is not None}

    def compiled(self, rule: Rule) -> tuple[Expression, Expression | None]:
        """A rule's condition and amount."""
        amount = rule.amount
        kinds = self.kinds
        return Expression(rule.when, kinds), None if amount is None else Expression(amount, kinds)

    def layer(self, layer: Layer) -> Iterator[tuple[str, Rule]]:
        """The rules of a layer that are enabled, in the order in which they are asked."""
        own = ((n, r) for n, r in self.rules.items() if r.layer == layer and r.enabled)
        return iter(sorted(own, key=lambda named: (named[1].priority, named[0])))

    def with_values(self, values: Mapping[str, float]) -> RuleBook:
        """The same rules with other values of some parameters."""
        changed = {
            n: p.model_copy(update={"value": values.get(n, p.value)})
            for n, p in self.parameters.items()
        }
        return self.model_copy(update={"parameters": changed})


def load_rulebooks(folder: Path | None = None) -> dict[str, RuleBook]:
    """The default rulebook, and one for each override: ``<platform>.yaml`` or
    ``<platform>.<account>.yaml``, which holds only what it changes.

    Args:
        folder: of the files; what is not there is as shipped in infra/rules.

    Returns:
        Books by ``default``, ``<platform>`` and ``<platform>.<account>``; an account's override
        changes its platform's book.

    Raises:
        ConfigError: a file can't be read, or would name what there isn't; gives its line.
    """
    own = {path.stem: path for path in sorted((folder or Path()).glob("*.yaml"))} if folder else {}
    if folder and not folder.is_dir():
        raise ConfigError(
            f"There is no folder {folder} for jobs.rules.folder.",
            kept="nothing was computed.",
            fix="Make it, or leave the setting out for the rules that ship with adcanary.",
        )
    path = own.pop(DEFAULT, None) or shipped("infra") / "rules" / f"{DEFAULT}.yaml"
    base, tree = read_mapping(path, FIX)
    books = {DEFAULT: validated(RuleBook, base, path, tree, fix=FIX)}
    given = {DEFAULT: base}
    for name in sorted(own, key=lambda n: (n.count("."), n)):
        above = next(n for n in (name.partition(".")[0], DEFAULT) if n in given and n != name)
        changes, tree = read_mapping(own[name], FIX)
        given[name] = _merged(given[above], changes)
        books[name] = validated(RuleBook, given[name], own[name], tree, fix=FIX)
    return books


def book_for(books: Mapping[str, RuleBook], platform: str, account_id: str) -> tuple[str, RuleBook]:
    """The book of an account, with its name."""
    name = next(n for n in (f"{platform}.{account_id}", platform, DEFAULT) if n in books)
    return name, books[name]


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the keys that ``changes`` names, at any depth."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = (
            _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


if __name__ == "__main__":
    print(json.dumps(RuleBook.model_json_schema(), indent=2))
