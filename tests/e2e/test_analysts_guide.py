"""docs/analysts.md: every query runs and finds something, on the sandbox's data."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Platform

pytestmark = pytest.mark.xdist_group("daily")

GUIDE = (Path(__file__).parents[2] / "docs" / "analysts.md").read_text()
QUERIES = [
    (section.split("\n", 1)[0], query)
    for section in GUIDE.split("\n## ")[1:]
    for query in re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
]
# The sandbox's budgets stand still, and nobody shares a thing there.
MAY_BE_EMPTY = {"ads_budget_history", "identity_skipped"}


def test_ten_questions_are_answered() -> None:
    assert len({question for question, _ in QUERIES}) == 10


@pytest.mark.parametrize(("question", "query"), QUERIES, ids=[q for q, _ in QUERIES])
def test_a_query_of_the_guide_finds_something(
    question: str, query: str, on_duckdb: Platform
) -> None:
    rows = on_duckdb.query(query)
    table = re.findall(r"FROM \w+\.(\w+)", query)[0]
    assert rows or table in MAY_BE_EMPTY
