"""Judges statements in the order in which they were sent, and keeps the list of exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.analyzer import Analysis, Analyzer, NotGoogleSQLError
from tests.conformance.catalogue import Catalogue
from tests.conformance.statements import Sent

_MADE = re.compile(
    r"^\s*create or replace (?:view|table) `[^`]+`\.`([^`]+)`\.`([^`]+)`",
    re.IGNORECASE | re.MULTILINE,
)
_MISSING = re.compile(r"Table not found: ([\w.-]+)")

KNOWN = Path(__file__).with_name("known_differences.yaml")


@dataclass(frozen=True)
class Refusal:
    """A statement that the analyzer refused: its words, and the line that it points at."""

    sent: Sent
    message: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}\n    {self.message}"


@dataclass(frozen=True)
class Judged:
    """What became of some statements.

    Args:
        accepted: those that the analyzer took, with what it says they are.
        refused: the others.
        follow: those of the refused that only lack what another refused one would have made.
    """

    accepted: list[tuple[Sent, list[Analysis]]]
    refused: list[Refusal]
    follow: list[Refusal]


def judge(analyzer: Analyzer, catalogue: Catalogue, statements: Iterable[Sent]) -> Judged:
    """Analyse statements one by one; what one makes is there for the next."""
    accepted, refused = list[tuple[Sent, list[Analysis]]](), list[Refusal]()
    follow, lacking = list[Refusal](), set[str]()
    for sent in statements:
        if sent.makes is not None:
            catalogue.add(*sent.makes)
            continue
        try:
            accepted.append((sent, analyzer.analyze(sent.sql, catalogue, sent.params)))
        except NotGoogleSQLError as error:
            refusal = Refusal(sent, error.message, sent.place(error.line))
            missing = _MISSING.search(error.message)
            follows = missing and missing[1].removeprefix(f"{catalogue.project}.") in lacking
            (follow if follows else refused).append(refusal)
            lacking |= {".".join(made) for made in _MADE.findall(sent.sql)}
    return Judged(accepted, refused, follow)


def known(section: str) -> list[dict[str, Any]]:
    """A section of known_differences.yaml."""
    entries: list[dict[str, Any]] = yaml.safe_load(KNOWN.read_text())[section] or []
    return entries


def explains(entry: Mapping[str, Any], refusal: Refusal) -> bool:
    """Whether an entry of ``refused`` is about a refusal."""
    about = re.search(entry["statement"], refusal.sent.sql)
    return bool(about and re.search(entry["message"], refusal.message))


def unexplained(refusals: Iterable[Refusal]) -> list[str]:
    """The refusals that known_differences.yaml does not explain."""
    entries = known("refused")
    return [str(r) for r in refusals if not any(explains(entry, r) for entry in entries)]
