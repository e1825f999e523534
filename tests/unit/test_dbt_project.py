"""The dbt project as text: sources equal the contracts, models leave engines to the macros."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from sqlglot import exp

from pipelines.build import PROJECT, artifacts_folder, dbt_environment
from pipelines.config import Settings, WarehouseSettings
from pipelines.dbt_sources import raw_sources

ROOT = PROJECT.parent
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
# Datasets that dbt fills.
BUILT = ("staging", "intermediate", "marts")
# Rooms that may query what dbt built.
READERS = ("pipelines", "flows", "docs", "sql/queries", "README.md")


def _documented() -> dict[str, dict[str, Any]]:
    entries = [
        model
        for path in (PROJECT / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text()).get("models", [])
    ]
    return {model["name"]: model for model in entries}


def test_the_sources_are_what_make_sources_writes() -> None:
    assert (PROJECT / "models/sources/raw.yml").read_text() == raw_sources()


def _statements(path: Path) -> Iterator[str]:
    """The SQL of a file that reads a table dbt built.

    That is a .sql file itself, strings in Python, where a placeholder stands for what an
    f-string fills in, and the SQL blocks of Markdown.
    """
    text = path.read_text()
    if path.suffix == ".py":
        tree = ast.parse(text)
        inside = {id(part) for node in ast.walk(tree) for part in _parts(node)}
        parts = (_parts(node) or [node] for node in ast.walk(tree) if id(node) not in inside)
        texts = ["".join(_text(part) for part in of_one) for of_one in parts]
    elif path.suffix == ".md":
        texts = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    else:
        texts = [text]
    reads = re.compile(rf"(?:FROM|JOIN)\s+(?:{'|'.join(BUILT)})\.")
    return (text for text in texts if reads.search(text))


def _parts(node: ast.AST) -> list[ast.expr]:
    return node.values if isinstance(node, ast.JoinedStr) else []


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.FormattedValue):
        return "placeholder"
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _models_read(path: Path) -> set[str]:
    return {
        table.name
        for statement in _statements(path)
        for tree in sqlglot.parse(statement, read="bigquery")
        for table in tree.find_all(exp.Table)
        if table.db in BUILT
    }


@pytest.mark.slow
def test_exposures_depend_on_what_their_readers_query_and_no_reader_is_missing() -> None:
    declared: dict[str, set[str]] = {}
    for exposure in yaml.safe_load((PROJECT / "models/exposures.yml").read_text())["exposures"]:
        refs = {re.fullmatch(r"ref\('(\w+)'\)", ref)[1] for ref in exposure["depends_on"]}
        declared[exposure["config"]["meta"]["reader"]] = refs
    found: dict[str, set[str]] = {}
    for path in (p for name in READERS for p in [ROOT / name, *(ROOT / name).rglob("*")]):
        if path.suffix in {".sql", ".py", ".md"} and (models := _models_read(path)):
            place = str(path.relative_to(ROOT))
            reader = next((r for r in declared if place == r or place.startswith(f"{r}/")), place)
            found.setdefault(reader, set()).update(models)
    assert found == declared
    assert set.union(*found.values()) <= {p.stem for p in MODELS}


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_a_model_does_not_ask_which_engine_it_runs_on(path: Path) -> None:
    assert not re.search(r"target\s*\.|adapter\s*\.", path.read_text())


def test_only_staging_reads_sources() -> None:
    readers = {p for p in MODELS if "source(" in p.read_text()}
    assert readers
    assert all("staging" in p.parts for p in readers)


def test_every_model_is_documented_and_tested_for_its_grain() -> None:
    documented = _documented()
    assert set(documented) == {p.stem for p in MODELS}
    untested = {
        name
        for name, model in documented.items()
        if not any("grain" in test for test in model.get("data_tests", []))
    }
    views = {p.stem for p in (PROJECT / "models/marts/marketing/platforms").glob("*.sql")}
    assert untested == views


def test_the_build_folder_lies_beside_the_warehouse_and_never_in_the_package(
    tmp_path: Path,
) -> None:
    duckdb = Settings(warehouse=WarehouseSettings(path=tmp_path / "shop.duckdb"))
    bigquery = Settings(
        warehouse=WarehouseSettings(kind="bigquery", project="p"), path=tmp_path / "adcanary.yaml"
    )
    assert artifacts_folder(duckdb) == tmp_path / ".dbt" / "shop"
    assert artifacts_folder(bigquery) == tmp_path / ".adcanary" / "dbt"


def test_another_bigquery_is_never_shown_the_real_login() -> None:
    def environment(endpoint: str | None) -> dict[str, str]:
        warehouse = WarehouseSettings(kind="bigquery", project="p", api_endpoint=endpoint)
        return dbt_environment(Settings(warehouse=warehouse))

    # profiles.yml uses application default credentials only where there is no token.
    assert environment("http://127.0.0.1:9050")["ADCANARY_BIGQUERY_TOKEN"] == "none"
    assert environment(None)["ADCANARY_BIGQUERY_TOKEN"] == ""
