"""The house: small modules, rooms that say what they are for, no address of a registry."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
]
MODULES = [p for p in TRACKED if p.suffix == ".py" and p.exists()]
TOP_LEVEL = {
    *("pipelines", "flows", "dbt", "expectations", "sql", "infra", "tests", "docs", "findings"),
    *("prefect.yaml", "pyproject.toml", "requirements.lock", "Makefile"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
    *(".ci", ".gitignore", ".pre-commit-config.yaml", ".sqlfluffignore"),
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_has_at_most_400_lines_and_opens_with_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert not text or ast.get_docstring(ast.parse(text))


def test_the_top_level_holds_what_the_design_names_and_nothing_else() -> None:
    assert {p.relative_to(ROOT).parts[0] for p in TRACKED} <= TOP_LEVEL


def test_no_file_names_a_package_registry() -> None:
    registry = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org")
    named = [p for p in TRACKED if p.is_file() and p != Path(__file__) and p.suffix != ".png"]
    assert [p for p in named if registry.search(p.read_text(errors="ignore"))] == []


def test_a_lock_file_carries_no_address() -> None:
    locks = [p for p in TRACKED if p.suffix == ".lock" or p.name == "package-lock.json"]
    assert len(locks) > 3
    assert [p for p in locks if re.search(r"https?://", p.read_text())] == []
