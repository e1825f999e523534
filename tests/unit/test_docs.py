"""The documentation is true as text: its commands parse, its site builds, its queries are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contracts
from tests.unit.docs_pages import DOCS, PAGES, QUERIES, ROOT, commands, page, problem


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_of_a_page_exists_with_its_options(path: Path) -> None:
    problems = {" ".join(c): said for c in commands(page(path)) if (said := problem(c))}
    assert problems == {}


def test_the_commands_of_most_pages_are_seen() -> None:
    assert sum(len(commands(page(path))) for path in PAGES) > 100


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("```\nadcanary propse\n```\n", "there is no command propse"),
        ("```\n.venv/bin/adcanary build --selct x\n```\n", "build has no --selct"),
        ("    $ adcanary proposals shw p-1\n", "there is no command shw"),
        ("```\nadcanary privacy erase --person V [--why TEXT]\n```\n", "erase has no --why"),
        ("```\nadcanary ingest --all \\\n  --bckfill\n```\n", "ingest has no --bckfill"),
        ("Run `adcanary audit\nverfy`.\n", "there is no command verfy"),
        ("```\nadcanary job mmm | jq --exit-status .\n```\n", None),
    ],
)
def test_a_command_that_there_is_not_is_seen(line: str, said: str | None) -> None:
    assert [problem(arguments) for arguments in commands(line)] == [said]


@pytest.mark.parametrize("path", QUERIES, ids=lambda p: p.stem)
def test_a_query_begins_with_what_it_answers(path: Path) -> None:
    comment = re.match(r"(?:-- .*\n)+", path.read_text())
    assert comment
    assert 1 <= len(comment[0].splitlines()) <= 3


def test_every_query_is_on_the_analysts_page() -> None:
    guide = (DOCS / "analysts.md").read_text()
    assert [p.name for p in QUERIES if not re.search(rf"\b{p.stem}\b", guide)] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a dead link or anchor, or a page in no menu, is an error."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    return folder


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_nothing_of_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 60
    loads = re.compile(
        r"<(?:script|img|iframe)[^>]*\bsrc=\"?(?:https?:)?//"
        r"|<link[^>]*rel=\"?(?:stylesheet|preconnect|icon)\"?[^>]*href=\"?(?:https?:)?//"
    )
    assert [p for p in pages if p.name != "dbt.html" and loads.search(p.read_text())] == []


@pytest.mark.slow
def test_the_reference_has_every_command_setting_and_column(site: Path) -> None:
    reference = site / "reference"
    assert "adcanary proposals approve" in (reference / "cli.html").read_text()
    configuration = (reference / "configuration.html").read_text()
    keys = {*Settings.model_fields} - {"path"}  # where the file itself lies
    assert [key for key in keys if f"<code>{key}</code>" not in configuration] == []
    # a comment of the example file stands beside its key
    assert "deviation, as a share of the month-to-date target" in configuration
    for contract in load_contracts().values():
        text = (reference / "tables" / f"{contract.dataset}.html").read_text()
        assert f'id="{contract.name}"' in text
        assert [c for c in contract.column_names if f"<code>{c}</code>" not in text] == []
    models = {p.stem for p in (ROOT / "dbt/models").rglob("*.sql")}
    described = "".join(p.read_text() for p in (reference / "models").glob("*.html"))
    assert {name for name in models if f'id="{name}"' not in described} <= {"metricflow_time_spine"}


@pytest.mark.slow
def test_a_page_or_decision_that_a_text_names_is_linked(site: Path) -> None:
    text = (site / "review.html").read_text()
    assert '<a href="infrastructure.html">docs/infrastructure.md</a>' in text
    assert "<code>docs/" not in text or "</a></code>" not in text
