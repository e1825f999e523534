"""The part of the Google Ads Query Language that adcanary's queries use, parsed.

Grammar: https://developers.google.com/google-ads/api/docs/query/grammar (SELECT, FROM, WHERE
with =, !=, IN, NOT IN, BETWEEN, comparisons and AND). Anything else is refused as the real
service refuses what it can't read.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?: (?P<string>'[^']*'|"[^"]*")
             | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
             | (?P<number>-?\d+(?:\.\d+)?)
             | (?P<symbol><=|>=|!=|[=<>(),]) )""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class GaqlError(Exception):
    """A query the service refuses.

    Args:
        code: a name of QueryErrorEnum, such as UNRECOGNIZED_FIELD, or of ``category``'s enum.
        category: field of ErrorCode.
    """

    def __init__(self, code: str, message: str, category: str = "query_error") -> None:
        super().__init__(message)
        self.code = f"{category}.{code}"


@dataclass(frozen=True)
class Condition:
    """``field operator values``; BETWEEN has two values, IN any number, the others one."""

    field: str
    operator: str
    values: tuple[str, ...]

    def holds(self, value: str | int | float | bool) -> bool:
        """Whether a row's value meets it; values compare as the row's own type."""
        wanted = [_as_type_of(value, v, self) for v in self.values]
        if self.operator == "IN":
            return value in wanted
        if self.operator == "NOT IN":
            return value not in wanted
        if self.operator == "BETWEEN":
            return bool(wanted[0] <= value <= wanted[1])
        return _COMPARE[self.operator](value, wanted[0])


@dataclass(frozen=True)
class Query:
    """One parsed query: dotted field names, the resource, and conditions joined by AND."""

    select: tuple[str, ...]
    resource: str
    where: tuple[Condition, ...]

    def range_of(self, field: str) -> tuple[str, str] | None:
        """First and last value of ``field`` that the conditions leave, where they bound both."""
        low: list[str] = []
        high: list[str] = []
        for condition in self.where:
            if condition.field != field:
                continue
            if condition.operator in ("BETWEEN", "=", ">="):
                low.append(condition.values[0])
            if condition.operator in ("BETWEEN", "=", "<="):
                high.append(condition.values[-1])
        return (max(low), min(high)) if low and high else None


def parse(text: str) -> Query:
    """Parse one query.

    Raises:
        GaqlError: with the code the real service would answer.
    """
    tokens = _Tokens(text)
    tokens.keyword("SELECT", "EXPECTED_SELECT")
    select = [tokens.name()]
    while tokens.skip(","):
        select.append(tokens.name())
    tokens.keyword("FROM", "EXPECTED_FROM")
    resource = tokens.name()
    where = []
    if tokens.skip("WHERE"):
        where.append(_condition(tokens))
        while tokens.skip("AND"):
            where.append(_condition(tokens))
    if tokens.peek() is not None:
        raise GaqlError("UNEXPECTED_INPUT", f"Error in query: unexpected input {tokens.peek()}.")
    return Query(tuple(select), resource, tuple(where))


def _condition(tokens: _Tokens) -> Condition:
    field = tokens.name()
    if tokens.skip("BETWEEN"):
        low = tokens.value()
        tokens.keyword("AND", "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")
        return Condition(field, "BETWEEN", (low, tokens.value()))
    negated = tokens.skip("NOT")
    if tokens.skip("IN"):
        return Condition(field, "NOT IN" if negated else "IN", tokens.values())
    symbol = tokens.next()
    if symbol not in _COMPARE:
        raise GaqlError("BAD_OPERATOR", f"Error in query: {symbol!r} is not a known operator.")
    return Condition(field, symbol, (tokens.value(),))


class _Tokens:
    """The query's tokens, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        self._at = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise GaqlError("BAD_SYMBOL", f"Error in query: unexpected {text[position]!r}.")
            self._tokens.append(match[0].strip())
            position = match.end()

    def peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def next(self) -> str:
        token = self.peek()
        if token is None:
            raise GaqlError("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        self._at += 1
        return token

    def skip(self, word: str) -> bool:
        token = self.peek()
        is_next = token is not None and token.upper() == word
        self._at += is_next
        return is_next

    def keyword(self, word: str, code: str) -> None:
        if not self.skip(word):
            raise GaqlError(code, f"Error in query: expected {word} before {self.peek()!r}.")

    def name(self) -> str:
        token = self.next()
        if not re.fullmatch(r"[a-z_][a-z0-9_.]*", token):
            raise GaqlError("BAD_FIELD_NAME", f"Error in query: bad field name {token!r}.")
        return token

    def value(self) -> str:
        token = self.next()
        if token[0] in "'\"":
            return token[1:-1]
        if re.fullmatch(r"[A-Za-z0-9_.-]+", token):
            return token
        raise GaqlError("BAD_VALUE", f"Error in query: bad value {token!r}.")

    def values(self) -> tuple[str, ...]:
        if not self.skip("("):
            raise GaqlError("EXPECTED_LIST", "Error in query: expected a list after IN.")
        members = [self.value()]
        while self.skip(","):
            members.append(self.value())
        if not self.skip(")"):
            raise GaqlError("EXPECTED_LIST", "Error in query: the list after IN is not closed.")
        return tuple(members)


def _as_type_of(value: str | int | float | bool, text: str, condition: Condition) -> Any:
    try:
        if isinstance(value, bool):
            return {"true": True, "false": False}[text.lower()]
        return type(value)(text)
    except (ValueError, KeyError) as error:
        raise GaqlError(
            "BAD_VALUE", f"Invalid value {text!r} for the field '{condition.field}'."
        ) from error
