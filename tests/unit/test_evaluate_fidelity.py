"""`adcanary evaluate fidelity` scores anybody's predictions, and refuses rows without sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app

HEADER = "series,p10,p50,p90,actual"
RIGHT = [f"calls,90,100,110,{90 + i}" for i in range(1, 21)]


def run(path: Path, *rows: str, header: str = HEADER) -> tuple[int, str]:
    path.write_text("\n".join((header, *rows)) + "\n")
    command = ["evaluate", "fidelity", "--predictions", str(path), "--format", "json"]
    result = CliRunner().invoke(app, command)
    return result.exit_code, result.output + str(result.exception or "")


def test_each_series_is_judged_apart(tmp_path: Path) -> None:
    high = [row.replace("calls,90,100,110", "visits,180,200,220") for row in RIGHT]
    code, output = run(tmp_path / "p.csv", *RIGHT, *high)
    scores = json.loads(output)
    assert (code, scores["calls"]["verdict"], scores["visits"]["verdict"]) == (0, "PASS", "FAIL")
    assert scores["calls"]["mape"] == pytest.approx(0.05, abs=0.005)
    assert "too high by 99%" in scores["visits"]["reason"]


def test_a_few_predictions_are_no_evidence(tmp_path: Path) -> None:
    _, output = run(tmp_path / "p.csv", *RIGHT[:15])
    assert json.loads(output)["calls"]["verdict"] == "NO_DATA"


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        (["calls,90,100,110,many"], HEADER, "line 2: actual is no number"),
        (["calls,90,100,110,inf"], HEADER, "line 2: actual is no number"),
        ([*RIGHT, "calls,90,80,110,9"], HEADER, "line 22: p10, p50 and p90 don't rise"),
        (["90,100,110"], "p10,p50,p90", "has no column actual"),
        ([], HEADER, "has no rows"),
    ],
)
def test_a_file_without_sense_is_refused(
    tmp_path: Path, rows: list[str], header: str, says: str
) -> None:
    code, output = run(tmp_path / "p.csv", *rows, header=header)
    assert code == 1
    assert says in " ".join(output.split())
