"""`adcanary evaluate bandit` on logs with known truth, and on files that say nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.errors import UsageError

HEADER = "timestamp,item_id,position,click,propensity_score\n"
OBD = Path(__file__).parents[3] / "shared" / "data" / "obd_men"
needs_obd = pytest.mark.skipif(not OBD.exists(), reason=f"no {OBD}")


def rows(count: int = 400, propensity: float = 0.25, items: int = 2) -> list[str]:
    """Decisions between items: the first is chosen with ``propensity``, clicked 1 in 10."""
    rng = np.random.default_rng(1)
    chosen = np.where(rng.random(count) < propensity, 0, rng.integers(1, max(items, 2), count))
    other = (1 - propensity) / max(items - 1, 1)
    return [
        f"2026-01-01 00:{i // 60:02}:{i % 60:02},{item if items > 1 else 0},1,{int(i % 10 == 0)},"
        f"{propensity if item == 0 else other}"
        for i, item in enumerate(chosen)
    ]


def with_line(line: str, at: int = 5) -> str:
    made = rows()
    made[at - 2] = line
    return HEADER + "\n".join(made) + "\n"


BAD: list[tuple[str | bytes, str]] = [
    ("timestamp,item_id,click\n", "has no column position and no column propensity_score; it has"),
    (HEADER + "\n".join(rows(30)), "has 30 rows; at least 100 decisions are needed"),
    (HEADER, "has 0 rows"),
    (HEADER + "\n".join(rows(items=1)), "has one item only ('0'): there is no choice"),
    (with_line("t,1,1,yes,0.5"), "line 5: click 'yes' is neither 0 nor 1"),
    (with_line("t,1,1,2,0.5"), "line 5: click '2' is neither 0 nor 1"),
    (with_line("t,1,1,-1,0.5"), "line 5: click '-1' is neither 0 nor 1"),
    (with_line("t,1,1,,0.5"), "line 5: click '' is neither 0 nor 1"),
    (with_line("t,1,1,1,0"), "line 5: propensity_score '0' is not a probability over 0"),
    (with_line("t,1,1,1,1e-300"), "line 5: propensity_score '1e-300' is not a probability over 0"),
    (with_line("t,1,1,1,1.01"), "line 5: propensity_score '1.01' is not a probability over 0"),
    (with_line("t,1,1,1,-0.5"), "line 5: propensity_score '-0.5' is not a probability over 0"),
    (with_line("t,1,1,1,nan"), "line 5: propensity_score 'nan' is not a probability over 0"),
    (with_line("t,1,1,1,0_1"), "line 5: propensity_score '0_1' is not a probability over 0"),
    (with_line("t,1,1,１,0.5"), "line 5: click '１' is neither 0 nor 1"),
    (with_line("t,,1,1,0.5"), "line 5: item_id is empty"),
    (HEADER + "\n\n" + with_line("t,,1,1,0.5")[len(HEADER) :], "line 7: item_id is empty"),
    (with_line(rows()[7]), "line 9 repeats line 5; 1 rows are repeated"),
    ("", "can't be read as CSV"),
    (b"timestamp,item_id\n\xff\xfe,1\n", "can't be read as CSV"),
    ("click,click\n1,1\n", "has the column click twice"),
]


def evaluate(tmp_path: Path, text: str | bytes, *options: str) -> Result:
    file = tmp_path / "log.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return CliRunner().invoke(app, ["evaluate", "bandit", "--logs", str(file), *options])


def figures(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    parsed: dict[str, Any] = json.loads(result.output)
    return parsed


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message[:50] for _, message in BAD])
def test_a_file_that_says_nothing_is_refused_by_name(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    result = evaluate(tmp_path, text)
    assert result.exit_code == 1
    assert message in " ".join(f"{result.exception} {result.output}".split())


def test_a_file_that_is_not_there_and_a_target_that_is_not_known_are_refused(
    tmp_path: Path,
) -> None:
    result = CliRunner().invoke(app, ["evaluate", "bandit", "--logs", str(tmp_path / "no")])
    assert "does not exist" in f"{result.exception} {result.output}"
    result = evaluate(tmp_path, HEADER, "--target", "best")
    assert isinstance(result.exception, UsageError)
    assert "There is no target 'best'" in f"{result.exception} {result.output}"


def test_json_has_each_estimators_value_and_interval_and_the_verdict(tmp_path: Path) -> None:
    score = figures(evaluate(tmp_path, HEADER + "\n".join(rows()), "--format", "json"))
    for name in ("ips", "snips", "dr", "dr_shrunk", "switch_dr"):
        low, high = score[name]["interval"]
        assert 0 <= low < score[name]["value"] < high <= 1
    assert score["verdict"] == "PASS"
    assert score["effective_sample_size"] == pytest.approx(300, rel=0.1)
    assert score["truth"] is None


def test_the_click_rate_of_the_targets_own_log_is_the_truth(tmp_path: Path) -> None:
    truth = tmp_path / "own.csv"
    truth.write_text("click\n" + "0\n" * 9 + "1\n")
    options = ("--truth", str(truth), "--format", "json")
    score = figures(evaluate(tmp_path, HEADER + "\n".join(rows()), *options))
    assert score["truth"] == 0.1
    assert score["snips"]["truth_inside"] is True


def test_a_truth_is_as_sure_as_its_rows_are_many(tmp_path: Path) -> None:
    truth = tmp_path / "own.csv"
    truth.write_text("click\n0\n1\n")
    log = HEADER + "\n".join(rows())
    score = figures(evaluate(tmp_path, log, "--truth", str(truth), "--format", "json"))
    low, high = score["truth_interval"]
    assert (score["truth"], score["truth_rows"]) == (0.5, 2)
    # of one in two: (1 - p)² = 0.025 at the lower end
    assert (1 - low) ** 2 == pytest.approx(0.975)
    assert high == pytest.approx(1 - low)
    said = " ".join(evaluate(tmp_path, log, "--truth", str(truth)).output.split())
    assert "The truth is of 2 decisions: 0.50000, 95% interval 0.01258 to 0.98742." in said


def test_a_log_of_tiny_propensities_is_refused_in_a_sentence(tmp_path: Path) -> None:
    made = rows()
    made[0], made[1] = "t,0,1,1,1e-6", "t,1,2,0,2e-6"
    text = HEADER + "\n".join(made)
    score = figures(evaluate(tmp_path, text, "--format", "json"))
    assert score["verdict"] == "REFUSED"
    assert score["effective_sample_size"] < 3
    assert "Log more decisions, or explore those arms more often." in score["reason"]
    assert "REFUSED: 400 decisions count as 2" in " ".join(evaluate(tmp_path, text).output.split())


def visits(count: int = 8_000) -> str:
    """A uniform log of two items, of which each is clicked on one device: 1 in 5 there, else 1
    in 20."""
    rng = np.random.default_rng(2)
    item, device = rng.integers(0, 2, count), rng.integers(0, 2, count)
    click = rng.random(count) < np.where(item == device, 0.2, 0.05)
    return HEADER.replace("\n", ",device,id\n") + "".join(
        f"2026-01-{1 + i * 20 // count:02} 10:00:00+00:00,{item[i]},1,{int(click[i])},0.5,"
        f"{('phone', 'desktop')[device[i]]},{i}\n"
        for i in range(count)
    )


def test_a_policy_with_a_context_is_learnt_from_the_earlier_half_and_earns_more(
    tmp_path: Path,
) -> None:
    log = visits()
    lints = ("--target", "lints", "--context", "device")
    linear = figures(evaluate(tmp_path, log, *lints, "--format", "json"))
    alike = figures(evaluate(tmp_path, log, "--target", "thompson", "--format", "json"))
    assert linear["dr"]["interval"][0] < 0.95 * 0.2 + 0.05 * 0.05 < linear["dr"]["interval"][1]
    assert alike["dr"]["interval"][1] < linear["dr"]["interval"][0]
    assert "PASS: 4,000 decisions count as" in " ".join(
        evaluate(tmp_path, log, *lints).output.split()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--target", "lints"), "Name columns with --context. The log's are device, id"),
        (("--target", "lints", "--context", "device,device"), "names a column twice"),
        (("--target", "lints", "--context", "age"), "The log has no column age"),
        (("--target", "lints", "--context", "click"), "The log has no column click"),
        (("--target", "thompson", "--context", "device"), "thompson decides alike for all"),
    ],
)
def test_a_context_that_can_not_be_is_refused(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    result = evaluate(tmp_path, visits(300), *options)
    assert isinstance(result.exception, UsageError)
    assert message in f"{result.exception} {result.output}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (with_line("t,1,1,1,0.5"), "line 5: timestamp 't' is no instant"),
        (with_line("0001-01-01,1,1,1,0.5"), "line 5: timestamp '0001-01-01' is no instant of 2000"),
        (with_line("9999-12-31,1,1,1,0.5"), "line 5: timestamp '9999-12-31' is no instant of 2000"),
        (HEADER + "\n".join(rows(150)), "has 150 rows; a policy is learnt from the earlier half"),
    ],
    ids=["text", "year-1", "year-9999", "few"],
)
def test_a_log_that_no_policy_can_be_learnt_from_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    result = evaluate(tmp_path, text, "--target", "thompson")
    assert result.exit_code == 1
    assert message in f"{result.exception} {result.output}"


def test_a_log_of_fifty_years_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    log = HEADER + "".join(f"20{i % 100:02}-01-01,{i},1,0,0.5\n" for i in range(2_000))
    result = evaluate(tmp_path, log, "--target", "thompson")
    assert result.exit_code == 1
    said = f"{result.exception} {result.output}"
    assert "2,000 items on 17,899 days, from 2000-01-01 (line 2) to 2049-01-01 (line 51)" in said


@pytest.mark.data
@needs_obd
def test_the_uniform_policys_click_rate_is_in_every_interval_of_the_open_bandit_log() -> None:
    files = ["--logs", str(OBD / "bts.csv"), "--truth", str(OBD / "random.csv")]
    command = ["evaluate", "bandit", *files, "--target", "uniform", "--format", "json"]
    score = figures(CliRunner().invoke(app, command))
    assert score["truth"] == 0.0046
    assert score["snips"]["value"] == pytest.approx(0.00319, abs=5e-6)
    assert score["effective_sample_size"] == pytest.approx(656, abs=0.5)
    assert score["verdict"] == "PASS"
    for name in ("ips", "snips", "dr", "dr_shrunk", "switch_dr"):
        assert score[name]["truth_inside"]
