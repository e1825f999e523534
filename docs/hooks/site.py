"""What MkDocs does here: writes the reference from the code, and links what pages name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import reference_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
# `make docs` has dbt write its page of the models' lineage here
DBT_DOCS = ROOT / ".adcanary" / "dbt-docs" / "static_index.html"

_FENCE = re.compile(r"^( *)(```+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"``.+?``|`[^`\n]*`|!?\[[^\]]*\]\([^)]*\)|^(?: {4}|#).*$", re.MULTILINE)
# as pages and messages name a page: docs/mmm.md; and a decision: ADR 17, ADR 0017
_PAGE = re.compile(r"(?<![\w/])docs/((?:adr/)?[\w-]+\.md)")
_DECISION = re.compile(r"\bADR 0*(\d+)\b")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Runbooks, where there are any, are a part of the how-to."""
    runbooks = sorted(Path(config.docs_dir, "runbooks").glob("*.md"))
    if runbooks and config.nav:
        names = [f"runbooks/{path.name}" for path in runbooks if path.name != "README.md"]
        section = next(entry["How-to"] for entry in config.nav if "How-to" in entry)
        section.append({"Runbooks": names})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that code and contracts give."""
    has_dbt_docs = DBT_DOCS.exists()
    for name, text in reference_pages.pages(lineage="../dbt.html" if has_dbt_docs else None):
        files.append(File.generated(config, name, content=text))
    if has_dbt_docs:
        files.append(File.generated(config, "reference/dbt.html", abs_src_path=str(DBT_DOCS)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Link the pages and decisions that a text names, outside of code."""
    up = "../" * page.file.src_uri.count("/")
    here = page.file.src_uri
    decisions = {
        int(match[1]): file.src_uri
        for file in files
        if (match := re.match(r"adr/(\d+)-", file.src_uri))
    }

    def page_link(match: re.Match[str]) -> str:
        return match[0] if match[1] == here else f"[{match[0]}]({up}{match[1]})"

    def decision_link(match: re.Match[str]) -> str:
        target = decisions.get(int(match[1]))
        return match[0] if target in (None, here) else f"[{match[0]}]({up}{target})"

    def linked(text: str) -> str:
        return _DECISION.sub(decision_link, _PAGE.sub(page_link, text))

    return "".join(part if is_code else linked(part) for part, is_code in _parts(markdown))


def _parts(markdown: str) -> Iterator[tuple[str, bool]]:
    """A page in pieces: text, and what nothing is done to (code, links, headings)."""
    for text, is_fence in _split(_FENCE, markdown):
        if is_fence:
            yield text, True
        else:
            yield from _split(_CODE, text)


def _split(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for match in pattern.finditer(text):
        yield text[at : match.start()], False
        yield match[0], True
        at = match.end()
    yield text[at:], False


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Search needs nothing from elsewhere, and the sitemap has no address to name."""
    for name in ("sitemap.xml", "sitemap.xml.gz"):
        Path(config.site_dir, name).unlink(missing_ok=True)
