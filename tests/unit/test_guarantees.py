"""docs/ingestion-guarantees.md names tests that exist, and all fifteen faults."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "ingestion-guarantees.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


def defined(path: str) -> set[str]:
    """The test functions of a module, without importing it."""
    tree = ast.parse((TESTS / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_every_test_that_the_page_names_exists(path: str) -> None:
    assert {name for of, name in NAMED if of == path} - defined(path) == set()


def test_every_row_of_a_guarantee_names_a_test() -> None:
    rows = [row for row in ROWS if not re.match(r"\|(-|\s*guarantee|\s*fault)", row)]
    assert len(rows) > 80
    assert [row for row in rows if "::test_" not in row] == []
    assert PAGE.count("::test_") == len(re.findall(r"`[\w/]+\.py::test_\w+`", PAGE))


def test_each_of_the_fifteen_faults_is_on_the_page() -> None:
    numbered = [int(found[1]) for row in ROWS if (found := re.match(r"\| (\d+) \|", row))]
    assert numbered == list(range(1, 16))
