"""The pages of docs/ as they are read, with what they include, and the commands they show."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import typer.main

from pipelines.cli.main import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
QUERIES = sorted((ROOT / "sql" / "queries").glob("*.sql"))

_SNIPPET = re.compile(r'^ *--8<-- "([^":]+)(?::(\w+))?"$', re.MULTILINE)
_BLOCK = re.compile(r"^```\w*\n(.*?)^```$|((?:^ {4}[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
# greedy to the block's end: where the command ends, its quotes say
_COMMAND = re.compile(r"^ *(?:\$ )?(?:\.venv/bin/)?adcanary +(?=(.*))", re.MULTILINE | re.DOTALL)


def page(path: Path) -> str:
    """The text of a page with the files that it includes."""
    return _SNIPPET.sub(lambda match: _included(match).rstrip("\n"), path.read_text())


def _included(match: re.Match[str]) -> str:
    text = (ROOT / match[1]).read_text()
    if not match[2]:
        return text
    start, end = (f"<!-- --8<-- [{edge}:{match[2]}] -->\n" for edge in ("start", "end"))
    return text.split(start)[1].split(end)[0]


def commands(text: str) -> list[list[str]]:
    """What a page calls adcanary with: in blocks, over as many lines as one takes, and in text."""
    blocks = [fenced or indented for fenced, indented in _BLOCK.findall(text)]
    blocks += [
        " ".join(span.split()) for span in _SPAN.findall(_BLOCK.sub("", text)) if "…" not in span
    ]
    return [_arguments(m[1]) for block in blocks for m in _COMMAND.finditer(block)]


def _arguments(rest: str) -> list[str]:
    """The arguments up to a line's end, a pipe, a redirection, a further command or a comment."""
    lines = re.sub(r"\\\n\s*", "", rest).split("\n")
    taken = next(n for n in range(1, len(lines) + 1) if _quotes_end("\n".join(lines[:n])))
    lexer = shlex.shlex("\n".join(lines[:taken]), posix=True, punctuation_chars="|&><;")
    lexer.whitespace_split = True
    return [*itertools.takewhile(lambda argument: not set(argument) <= set("|&><;"), lexer)]


def _quotes_end(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


def problem(arguments: list[str]) -> str | None:
    """What is wrong with a command line: a command or an option that there isn't; None if nothing.

    Args:
        arguments: as :func:`commands` gives them.
    """
    command: Any = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands"):
        if not rest or rest[0] == "--help":
            return None
        name = rest.pop(0)
        if name not in command.commands:
            return f"there is no command {name}"
        command = command.commands[name]
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    options = {a.partition("=")[0].strip("[]") for a in rest if a.lstrip("[").startswith("--")}
    unknown = options - known
    return f"{command.name} has no {', '.join(sorted(unknown))}" if unknown else None
