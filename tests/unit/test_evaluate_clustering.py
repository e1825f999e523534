"""`adcanary evaluate clustering --texts`: scored by labels, and bad files refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.evaluate import evaluate_app
from pipelines.errors import InputError
from tests.unit.clustering_rows import views_of

pytestmark = pytest.mark.slow


def write(path: Path, rows: list[tuple[str, ...]], header: str = "person,text,label") -> Path:
    lines = [header, *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def good(people: int = 200) -> list[tuple[str, ...]]:
    views, truth = views_of(people)
    return [(person, text, truth[person]) for person, text in views]


def test_a_file_with_labels_is_scored_by_encoder(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", good())
    arguments = ["clustering", "--texts", str(path), "--encoder", "all", "--format", "json"]
    done = CliRunner().invoke(evaluate_app, arguments)
    assert done.exit_code == 0, done.output
    scores = json.loads(done.stdout)
    assert list(scores) == ["use", "tfidf"]
    ours = scores["use"]
    assert ours["verdict"] == "PASS"
    assert (ours["people"], ours["clusters"]) == (200, 4)
    assert ours["adjusted_rand_index"] > 0.9
    assert {one["truth"] for one in ours["interests"]} == {"hiking", "coffee", "dogs", "yoga"}


def test_without_labels_the_interests_are_told_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [row[:2] for row in good()], "person,text")
    done = CliRunner().invoke(evaluate_app, ["clustering", "--texts", str(path)])
    assert done.exit_code == 0, done.output
    assert "4 interests are shared." in done.output


BAD = {
    "labels that are numbers": ([(p, t, "3") for p, t, _ in good()], "the label '3' is a number"),
    "thirty rows": (good()[:30], "has 30 rows of 6 people; to find interests"),
    "two labels of an id": (
        [*good(), ("p0000", "Tents", "camping")],
        "the id is doubled, or there are two labels",
    ),
    "one text": ([(p, "Home", lab) for p, _, lab in good()], "has all the same text in text"),
    "texts of numbers": (
        [(p, str(i), lab) for i, (p, _, lab) in enumerate(good())],
        "has 0 different texts with letters",
    ),
    "one label": ([(p, t, "dogs") for p, t, _ in good()], "has one label for everybody"),
    "an empty id": ([*good(), ("", "Tents", "dogs")], "line 1002: person is empty"),
    "an address for an id": (
        [*good(), ("ada@example.org", "Tents", "dogs")],
        "looks like an e-mail address",
    ),
    "no rows": ([], "has no rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_words(tmp_path: Path, name: str) -> None:
    rows, message = BAD[name]
    refuse(write(tmp_path / "t.csv", rows), message)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("person,title,label", "has no column text; it has person, title, label"),
        ("a,b,c", "has no column person and no column text"),
        ("person,text,text", "has the column text twice"),
    ],
)
def test_a_column_that_is_missing_or_doubled_is_named(
    tmp_path: Path, header: str, message: str
) -> None:
    refuse(write(tmp_path / "t.csv", good(), header), message)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere.csv", "does not exist")
    (tmp_path / "b.csv").write_bytes(b"person,text\n\xff\xfe,\x00\n")
    refuse(tmp_path / "b.csv", "can't be read as CSV")


def refuse(path: Path, message: str) -> None:
    done = CliRunner().invoke(evaluate_app, ["clustering", "--texts", str(path)])
    assert isinstance(done.exception, InputError), done.output
    assert message in str(done.exception)
    assert done.exception.fix
