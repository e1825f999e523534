"""The tutorial and its how-tos, word for word: each command is run, and prints what the page shows.

The market here has fewer visitors than the demo's, so figures that rest on them differ: what a page
shows is compared with ids and numbers blotted out, and figures of spend as they are.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pipelines.cli.main import main
from pipelines.sandbox.world import ADMIN
from tests.e2e.conftest import Platform
from tests.unit.docs_pages import DOCS, QUERIES, commands, page
from tests.unit.warehouse_files import copy_warehouse

pytestmark = pytest.mark.xdist_group("daily")

Run = Callable[[list[str]], str]

TUTORIAL = page(DOCS / "tutorial.md")
# a command block, and the output that is shown of its last command
STEPS = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
PROPOSAL = re.compile(r"^ (p-\w{12})  (\w+)  (\w+ .*?)(?:  URGENT)?$", re.MULTILINE)


def masked(text: str) -> str:
    """A text without its ids and figures, and with one space for any white space."""
    text = re.sub(r"\bp-[0-9a-f]{12}|\b[0-9a-f]{16,}\b", "ID", text)
    return " ".join(re.sub(r"[+-]?\d[\d,]*(?:\.\d+)?", "N", text).split())


@pytest.fixture(scope="module")
def folder(on_duckdb: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves behind, as a copy: decisions here are no other test's."""
    folder = tmp_path_factory.mktemp("tutorial")
    copy_warehouse(on_duckdb.world.folder / "adcanary.duckdb", folder / "adcanary.duckdb")
    for file in ("adcanary.yaml", "policy.yaml"):
        shutil.copy(on_duckdb.world.folder / file, folder / file)
    # a ledger at another place has no anchor
    accept = ("audit", "anchor", "--accept", "--as", ADMIN)
    on_duckdb.adcanary(*accept, "--config", str(folder / "adcanary.yaml"))
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    """Runs a page's command in the folder of the copy; ids of the demo stand for those here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADCANARY_CONFIG", str(folder / "adcanary.yaml"))
        patch.setenv("COLUMNS", "100")
        patch.chdir(folder)

        def execute(arguments: list[str]) -> str:
            printed = io.StringIO()
            patch.setattr(sys, "argv", ["adcanary", *arguments])
            with redirect_stdout(printed), redirect_stderr(printed), pytest.raises(SystemExit):
                main()
            return printed.getvalue()

        rows = json.loads(execute(["proposals", "list", "--format", "json"]))
        here = {(p["kind"], f"{p['platform']} {p['target_name']}"): p["proposal_id"] for p in rows}
        ids = {id_: here[kind, target] for id_, kind, target in PROPOSAL.findall(TUTORIAL)}
        yield lambda arguments: execute([ids.get(a, a) for a in arguments])


@pytest.fixture(scope="module")
def followed(run: Run) -> list[tuple[str, str]]:
    """What each block of the tutorial is to print, and what its last command printed."""
    steps = []
    for block, output in STEPS.findall(TUTORIAL):
        lines = commands(f"```\n{block}```\n")
        # the page serves until Ctrl-C: tests/e2e/test_review_*.py
        printed = [run(line) for line in lines if line[0] != "review"]
        steps += [(output, printed[-1])] if printed else []
    return steps


def test_each_command_of_the_tutorial_prints_what_the_page_shows(
    followed: list[tuple[str, str]],
) -> None:
    assert len(followed) > 8
    for output, printed in followed:
        assert output
        for part in output.split("…"):
            assert masked(part) in masked(printed)


def test_what_the_tutorial_says_of_spend_is_so_to_the_cent(
    followed: list[tuple[str, str]],
) -> None:
    output, printed = next(step for step in followed if step[0].startswith(" platform "))
    assert printed.split() == output.split()


def test_each_command_of_rolling_back_does_what_the_page_says(
    run: Run, followed: list[tuple[str, str]]
) -> None:
    """It goes on where the tutorial ends."""
    blocks = re.findall(r"^```sh\n.*?^```\n", page(DOCS / "roll-back.md"), re.MULTILINE | re.DOTALL)
    printed = [run(arguments) for block in blocks for arguments in commands(block)]
    revoked, exported, stopped, resumed, checked, *_ = [text.strip() for text in printed]
    assert revoked.endswith(": REVOKED")
    assert "No recorded change of meta_ads is left to write." in exported
    assert stopped == "Stopped: nothing is proposed or approved until `adcanary resume`."
    assert resumed == "Resumed."
    assert checked == "The policy file is valid, and in force as it is."
    assert not [text for text in printed if re.match(r"\w+(Error|Refused): ", text)]


def test_what_was_decided_is_scored(run: Run, followed: list[tuple[str, str]]) -> None:
    run(["scorecard"])
    query = next(p for p in QUERIES if p.stem == "scorecard_by_job")
    assert run(["query", "--file", str(query)]).count("WAITING") > 1


def test_the_backfill_of_the_page_pulls_nothing_that_is_published(
    on_duckdb: Platform, folder: Path
) -> None:
    (arguments, _) = commands(page(DOCS / "backfill.md"))[:2]
    printed = on_duckdb.adcanary(*arguments, "--config", str(folder / "adcanary.yaml"))
    assert "nothing is due: its days are published" in printed
