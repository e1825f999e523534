"""As much of GraphQL as a simulated shop needs: parse a document, pick the fields it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|\$?\w+|[{}()\[\]:!=,|]')


class QueryError(Exception):
    """The document can't be parsed, or asks for a field that its type hasn't."""


@dataclass
class Selection:
    """A field that is asked for: its arguments and the fields below it."""

    arguments: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Selection] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """An operation: ``query`` or ``mutation``, and its root fields."""

    kind: str
    fields: dict[str, Selection]


def parse(text: str, variables: dict[str, Any] | None = None) -> Document:
    """Parse a document of one operation; inline fragments are taken as part of their parent.

    Raises:
        QueryError: it is not of the GraphQL that is understood here.
    """
    tokens = _Tokens(text, variables or {})
    kind = "query"
    if tokens.next_is("query", "mutation", "subscription"):
        kind = tokens.take()
        while not tokens.next_is("{"):
            tokens.take()
    return Document(kind, tokens.selections())


def pick(value: Any, asked: dict[str, Selection], type_name: str) -> Any:
    """A value with just the fields that are asked for, lists element by element.

    Raises:
        QueryError: a field isn't there.
    """
    if not asked or value is None:
        return value
    if isinstance(value, list):
        return [pick(item, asked, type_name) for item in value]
    for name in asked:
        if name not in value:
            raise QueryError(f"Field '{name}' doesn't exist on type '{type_name}'")
    return {name: pick(value[name], below.fields, name) for name, below in asked.items()}


class _Tokens:
    def __init__(self, text: str, variables: dict[str, Any]) -> None:
        self._left: Iterator[str] = iter(_TOKEN.findall(text))
        self._variables = variables
        self._next = next(self._left, "")

    def take(self, wanted: str | None = None) -> str:
        token = self._next
        if not token or wanted not in (None, token):
            raise QueryError(f"syntax error, unexpected {token or 'end of file'}")
        self._next = next(self._left, "")
        return token

    def next_is(self, *tokens: str) -> bool:
        return self._next in tokens

    def selections(self) -> dict[str, Selection]:
        selections: dict[str, Selection] = {}
        self.take("{")
        while not self.next_is("}"):
            name = self.take()
            if name == "...":
                self.take("on")
                self.take()
                selections |= self.selections()
                continue
            selections[name] = Selection()
            if self.next_is("("):
                selections[name].arguments = self._arguments()
            if self.next_is("{"):
                selections[name].fields = self.selections()
        self.take("}")
        return selections

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        self.take("(")
        while not self.next_is(")"):
            name = self.take()
            self.take(":")
            value = self.take()
            if value.startswith("$"):
                arguments[name] = self._variables.get(value[1:])
            else:
                arguments[name] = json.loads(value) if value.startswith('"') else value
            if self.next_is(","):
                self.take()
        self.take(")")
        return arguments
