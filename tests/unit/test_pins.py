"""What is held back is held for a reason that is written down."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PAGE = (ROOT / "docs" / "upgrades.md").read_text()
HELD = ("==", "<", "<=", "~=")


def held_back() -> set[str]:
    """Every requirement with an upper bound: its name and that bound."""
    stated = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["dependency-groups"]["dev"],
        *PROJECT["tool"]["uv"]["constraint-dependencies"],
    ]
    return {
        f"{requirement.name}{bound}"
        for requirement in map(Requirement, stated)
        for bound in requirement.specifier
        if bound.operator in HELD
    }


def test_every_package_that_is_held_back_has_its_reason_and_every_reason_its_package() -> None:
    rows = [row for row in PAGE.splitlines() if row.startswith("| `")]
    written = {held for row in rows for held in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert written == held_back()
    assert all(row.split("|")[2].strip() for row in rows)


def test_what_a_reason_refers_to_is_there() -> None:
    named = re.findall(r"\b(?:findings|tests|pipelines|docs)/[\w/.]+\w", PAGE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
