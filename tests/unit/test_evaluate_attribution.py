"""`adcanary evaluate attribution` on paths worked out by hand, and on files that say nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pipelines.cli.main import app

HEADER = "path,total_conversions,total_conversion_value,total_null\n"
# Half of 8 journeys begin at A. From A: 2 of 4 to B, 1 converts. From B: 3 of 6 convert.
BRANCH = "A,1,10,1\nA > B,2,40,0\nB,1,9,3\n"

BAD: list[tuple[str | bytes, str]] = [
    ("path,total_null\nA,1\n", "has no column total_conversions; it has path, total_null"),
    ("a,b\nA,1\n", "has no column path and no column total_conversions"),
    (HEADER + "A,1,1,1\nB,-2,1,1\n", "line 3: total_conversions '-2' is negative"),
    (HEADER + "A,1,1,1\nB,2,1,-1\n", "line 3: total_null '-1' is negative"),
    (HEADER + "A,one,1,1\n", "line 2: total_conversions 'one' is not a number"),
    (HEADER + "A,,1,1\n", "line 2: total_conversions '' is not a number"),
    (HEADER + "A,inf,1,1\n", "line 2: total_conversions 'inf' is not a number up to 1e+15"),
    (HEADER + "A,1,1e99,1\n", "line 2: total_conversion_value '1e99' is not a number up to 1e+15"),
    (HEADER + "A,1,1,1\nA >  > B,1,1,1\n", "line 3: the path 'A > > B' has an empty step"),
    (HEADER + '"",1,1,1\n', "line 2: the path '' has an empty step"),
    (HEADER + "A>B,1,1,1\n", "line 2: the path 'A>B' has a '>' that doesn't stand between"),
    (HEADER + "A,0,0,9\n", "has no conversions: there is nothing to credit"),
    (HEADER, "has no rows"),
    ("", "can't be read as CSV"),
    (HEADER + "A,1,1\n", "can't be read as CSV"),
    (b"path,total_conversions\n\xff\xfe,1\n", "can't be read as CSV"),
    ("path,path,total_conversions\nA,B,1\n", "has the column path twice"),
    (HEADER + " > ".join("AB" * 501) + ",1,1,1\n", "the path has 1002 steps, more than 1000"),
    (
        HEADER + "".join(f"c{i} > c{i + 1} > d{i % 7},1,1,1\n" for i in range(4100)),
        "has 4108 channels: a chain that remembers 1 step(s) of them has 4109 states",
    ),
]


def evaluate(tmp_path: Path, text: str | bytes, *options: str) -> Result:
    file = tmp_path / "paths.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    command = ["evaluate", "attribution", "--paths", str(file), *options]
    return CliRunner().invoke(app, command)


def credited(tmp_path: Path, text: str, *options: str) -> dict[str, dict[str, float]]:
    result = evaluate(tmp_path, text, "--format", "json", *options)
    assert result.exit_code == 0, result.output
    credit: dict[str, dict[str, float]] = json.loads(result.output)
    return credit


def test_one_object_a_model_credits_each_channel(tmp_path: Path) -> None:
    credit = credited(tmp_path, HEADER + BRANCH)
    assert credit == {
        "markov": pytest.approx({"A": 1.6, "B": 2.4}),
        "shapley": pytest.approx({"A": 2.0, "B": 2.0}),
        "first": {"A": 3.0, "B": 1.0},
        "last": {"A": 1.0, "B": 3.0},
        "linear": {"A": 2.0, "B": 2.0},
    }


def test_a_chain_with_more_memory_is_asked_for_by_its_order(tmp_path: Path) -> None:
    assert credited(tmp_path, HEADER + BRANCH, "--order", "2")["markov"] == pytest.approx(
        {"A": 2.0, "B": 2.0}
    )
    assert evaluate(tmp_path, HEADER + BRANCH, "--order", "4").exit_code == 2


def test_the_table_credits_value_too(tmp_path: Path) -> None:
    result = evaluate(tmp_path, HEADER + BRANCH, "--format", "csv")
    header, *lines = result.output.splitlines()
    assert header == "credited,channel,markov,shapley,first,last,linear"
    assert "conversions,A,1.6,2.0,3.0,1.0,2.0" in lines
    assert "value,B,38.376,29.0,9.0,49.0,29.0" in lines


def test_value_and_nulls_may_be_left_out_and_equal_paths_add_up(tmp_path: Path) -> None:
    short = 'total_conversions,path\n1,A\n1,A > B\n1.5, A  > B\n0.5,"B"\n'
    whole = "path,total_conversions,total_null\nA > B,2.5,0\nA,1,0\nB,0.5,0\n"
    left, right = credited(tmp_path, short), credited(tmp_path, whole)
    assert left == {model: pytest.approx(credit) for model, credit in right.items()}
    assert sum(left["markov"].values()) == pytest.approx(4)
    assert "value" not in evaluate(tmp_path, short).output


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message[:50] for _, message in BAD])
def test_a_file_that_says_nothing_is_refused_by_name(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    result = evaluate(tmp_path, text)
    assert result.exit_code == 1
    said = f"{result.exception} {result.output}"
    assert message in " ".join(said.split())


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", "attribution", "--paths", str(tmp_path / "no")])
    assert result.exit_code == 1
    assert "does not exist" in f"{result.exception} {result.output}"
