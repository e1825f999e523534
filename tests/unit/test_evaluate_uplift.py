"""`adcanary evaluate uplift` on units with a truth of our own, and on files that say nothing."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.errors import InputError, UsageError
from pipelines.evaluate.uplift import score_uplift
from pipelines.evaluate.uplift_file import Columns, names_of, read_units
from pipelines.jobs.uplift.analysis import Plan
from tests.unit.experiments import experiment

pytestmark = pytest.mark.slow

COLUMNS = Columns("arm", "none", "bought")
SHARED = Path(__file__).parents[3] / "shared" / "data"


def units(seed: int = 1, rows: int = 1_500) -> pd.DataFrame:
    sample, effect = experiment(seed, rows)
    return sample.frame.assign(
        user_id=np.arange(rows),
        arm=np.where(sample.treated, "mail", "none"),
        bought=sample.outcome.astype(int),
        mu0=0.3,
        mu1=0.3 + effect,
    )


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path


def test_the_command_prints_one_object_with_the_keys_that_others_rely_on(tmp_path: Path) -> None:
    data = write(tmp_path / "f.csv", units(rows=3_000))
    arguments = ["--data", str(data), "--treatment", "arm", "--control", "none"]
    more = ["--outcome", "bought", "--truth", "mu0,mu1", "--engine", "t", "--format", "json"]
    result = CliRunner().invoke(app, ["evaluate", "uplift", *arguments, *more])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    low, high = figures["ate_interval"]
    assert low < figures["ate"] < high
    assert low < figures["ate_true"] < high
    assert figures["qini_interval"][0] < figures["qini"] < figures["qini_interval"][1]
    assert figures["auuc"] == pytest.approx(0.5 + figures["qini"], abs=1e-5)
    assert figures["pehe"] == pytest.approx(figures["root_pehe"] ** 2, rel=1e-4)
    assert figures["root_pehe"] < 0.08
    assert 0.01 < figures["placebo_p"] <= 1
    assert figures["verdict"] == "PASS"
    assert figures["covariates"] == ["device", "earlier orders"]
    assert set(figures["engines"]) == {"t", "combined"}


def test_a_ranking_is_judged_on_the_holdout(tmp_path: Path) -> None:
    data = write(tmp_path / "f.csv", units(rows=1_500))
    other = write(tmp_path / "h.csv", units(2, 1_200))
    columns = Columns("arm", "none", "bought", truth=("mu0", "mu1"))
    plan = Plan(base="linear")
    score = score_uplift(data, columns, plan, lambda _: None, holdout=other, engine="t")
    assert score.truth is not None
    assert len(score.truth) == 1_200
    assert score.figures()["root_pehe"] < 0.1
    assert len(score.answer.answers["t"].effect) == 1_500


def test_a_holdout_that_shares_units_with_the_data_is_refused(tmp_path: Path) -> None:
    table = units(rows=1_000)
    data = write(tmp_path / "f.csv", table)
    half = write(tmp_path / "h.csv", pd.concat([table[:500], units(2, 900)[500:]]))
    for holdout, error, reason in (
        (half, InputError, "has 5.. units that the data has, too"),
        (data, UsageError, "--holdout has the units of --data"),
    ):
        with pytest.raises(error, match=reason):
            score_uplift(data, COLUMNS, Plan(), lambda _: None, holdout=holdout, engine="t")


def test_a_column_is_named_for_one_thing(tmp_path: Path) -> None:
    data = write(tmp_path / "f.csv", units())
    for columns in (
        Columns("bought", "0", "bought"),
        Columns("arm", "none", "bought", placebo="bought"),
        Columns("arm", "none", "bought", truth=("bought", "mu1")),
    ):
        with pytest.raises(UsageError, match="The column bought is named for two things"):
            read_units(data, columns)


def test_a_slip_in_a_column_of_numbers_makes_no_categories_of_them(tmp_path: Path) -> None:
    table = units()
    table["age"] = [f"{20 + i / 50:.2f}" for i in range(len(table))]
    table.loc[7, "age"] = "3_1.5"
    data = write(tmp_path / "f.csv", table)
    with pytest.raises(InputError, match=r"line 9: age '3_1\.5' is not a number, as 1,499 others"):
        read_units(data, COLUMNS)
    table.loc[7, "age"] = ""
    write(data, table.rename(columns={"device": ""}))
    brought = read_units(data, COLUMNS)
    assert brought.left_out[""] == "it has no name"
    assert "age is missing in 1 rows, which are kept" in brought.notes


def test_options_of_a_file_are_refused_without_one() -> None:
    arguments = ["--treatment", "arm", "--seed", "3"]
    result = CliRunner().invoke(app, ["evaluate", "uplift", *arguments])
    assert isinstance(result.exception, UsageError)
    assert "--treatment, --seed can't be used without a file" in str(result.exception)


def test_what_came_after_the_treatment_is_no_covariate(tmp_path: Path) -> None:
    table = units()
    spend = table["bought"] * 59.9
    opened = ((table["arm"] == "mail") & (np.arange(len(table)) % 2 == 0)).astype(int)
    data = write(tmp_path / "f.csv", table.assign(spend=spend, opened=opened, cv=1, y_cfactual=2))
    brought = read_units(data, COLUMNS)
    assert list(brought.sample.frame.columns) == ["device", "earlier orders"]
    assert set(brought.left_out) == {
        "spend", "opened", "cv", "y_cfactual", "mu0", "mu1", "user_id"
    }  # fmt: skip


def test_a_file_without_a_header_is_read_by_the_names_given(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    table = units()[["arm", "bought", "earlier orders"]]
    table.to_csv(path, index=False, header=False)
    columns = Columns("t", "none", "y", names=names_of("t,y,x1..x1"))
    assert read_units(path, columns).sample.size == 1_500
    with pytest.raises(InputError, match="has 3 columns, and 2 are named"):
        read_units(path, Columns("t", "none", "y", names=("t", "y")))


def test_ranges_of_names_are_written_out() -> None:
    assert names_of("t, y,x1..x3") == ("t", "y", "x1", "x2", "x3")


def test_a_first_line_of_numbers_is_said_to_need_names(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("1,5.5,2\n0,6.1,3\n")
    with pytest.raises(InputError) as refused:
        read_units(path, COLUMNS)
    assert "--columns" in (refused.value.fix or "")


def test_arms_that_are_numbers_are_labels(tmp_path: Path) -> None:
    table = units()
    table["arm"] = np.where(table["arm"] == "mail", "1.0", "0.0")
    columns = Columns("arm", "0", "bought", arm="1")
    brought = read_units(write(tmp_path / "f.csv", table), columns)
    assert brought.arm == "1.0"
    assert brought.sample.treated.sum() == (table["arm"] == "1.0").sum()


def test_missing_covariates_are_kept_and_noted(tmp_path: Path) -> None:
    table = units()
    table.loc[:9, "earlier orders"] = np.nan
    brought = read_units(write(tmp_path / "f.csv", table), COLUMNS)
    assert brought.sample.size == 1_500
    assert brought.notes == ("earlier orders is missing in 10 rows, which are kept",)


BAD = {
    "one arm only": (lambda t: t[t["arm"] == "none"], "has one arm only"),
    "30 rows": (lambda t: t.head(30), "fewer than 100"),
    "outcome in text": (lambda t: t.assign(bought="yes"), "line 2: bought 'yes' is not a number"),
    "empty outcome": (lambda t: t.assign(bought=""), "is not a number"),
    "infinite outcome": (lambda t: t.assign(bought="inf"), "is not a number"),
    "duplicated ids": (lambda t: t.assign(user_id=7), "both of user_id '7'"),
    "no outcome column": (lambda t: t.drop(columns="bought"), "has no column bought"),
    "empty arm": (lambda t: t.assign(arm=""), "arm is empty"),
    "constant outcome": (lambda t: t.assign(bought=0), "the same bought for every unit"),
    "no control": (lambda t: t.replace({"arm": {"none": "off"}}), "has no unit with arm = none"),
    "third arm": (lambda t: t.assign(arm=[*t["arm"][5:], *["sms"] * 5]), "has 2 arms beside none"),
    "no rows": (lambda t: t.head(0), "has no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_says_nothing_is_refused_in_words(case: str, tmp_path: Path) -> None:
    change, reason = BAD[case]
    with pytest.raises(InputError, match=reason) as refused:
        read_units(write(tmp_path / "f.csv", change(units())), COLUMNS)
    assert refused.value.fix


def test_a_file_that_is_not_there_or_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_units(tmp_path / "none.csv", COLUMNS)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="can't be read as CSV"):
        read_units(tmp_path / "empty.csv", COLUMNS)
    (tmp_path / "twice.csv").write_text("arm,arm ,bought\na,b,1\n")
    with pytest.raises(InputError, match="column arm twice"):
        read_units(tmp_path / "twice.csv", COLUMNS)


def test_wrong_options_are_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "f.csv", units())
    base = ["evaluate", "uplift", "--data", str(data), "--treatment", "arm", "--control", "none"]
    for more in (
        *(["--engine", "z"], ["--truth", "mu0"], ["--share", "2"]),
        *(["--covariates", "bought"], ["--covariates", "arm"]),
    ):
        result = CliRunner().invoke(app, [*base, "--outcome", "bought", *more])
        assert result.exit_code != 0


@pytest.mark.data
@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent")
def test_the_mail_experiments_later_outcomes_are_left_out() -> None:
    columns = Columns("segment", "No E-Mail", "visit", arm="Womens E-Mail")
    brought = read_units(SHARED / "hillstrom_half.csv", columns)
    assert set(brought.left_out) == {"conversion", "spend"}
    assert brought.sample.size > 20_000
