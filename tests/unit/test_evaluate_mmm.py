"""`adcanary evaluate mmm` on weeks with a truth of our own, and on files that no model can use."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.errors import InputError
from pipelines.evaluate.mmm import score_mmm
from pipelines.evaluate.mmm_file import read_panel
from pipelines.jobs.mmm.ensemble import fit_ensemble
from pipelines.jobs.mmm.ensemble.shapes import adstocked, saturated
from pipelines.jobs.mmm.panel import Floats

pytestmark = pytest.mark.slow

WEEKS, MONDAY = 104, date(2023, 1, 2)
Table = list[dict[str, Any]]


def carry(alpha: float) -> Floats:
    weights: Floats = alpha ** np.arange(26.0)
    return weights / weights.sum()


def world() -> tuple[Table, Table]:
    """Two years of a market with two channels of flights, a season and noise; and its truth."""
    random = np.random.default_rng(5)
    time = np.arange(WEEKS)
    spend = np.array(
        [
            np.clip(np.sin(2 * np.pi * time / period + phase), 0, None) * random.lognormal(6, 0.3)
            for period, phase in ((7, 0.0), (11, 2.0))
        ]
    ) * random.lognormal(0, 0.2, (2, WEEKS))
    brought = [
        height * saturated(adstocked(own[None] / own[own > 0].mean(), carry(alpha))[0], 1.5, 1.2)
        for own, alpha, height in zip(spend, (0.3, 0.6), (400.0, 250.0), strict=True)
    ]
    base = 1000 + 80 * np.sin(2 * np.pi * time / 52.18)
    y = base + sum(brought) + random.normal(0, 20, WEEKS)
    days = [(MONDAY + timedelta(weeks=int(i))).isoformat() for i in time]
    data = [
        {"date": d, "x1_search": spend[0, i], "x2_tv": spend[1, i], "c1": i % 7, "y": y[i]}
        for i, d in enumerate(days)
    ]
    truth = [
        {"date": d, "contribution_x1_search": brought[0][i], "contribution_x2_tv": brought[1][i]}
        for i, d in enumerate(days)
    ]
    return data, truth


def write(path: Path, rows: Table) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_ensemble_finds_what_each_channel_brought(tmp_path: Path) -> None:
    data, truth = (
        write(tmp_path / name, rows) for name, rows in zip(("d.csv", "t.csv"), world(), strict=True)
    )
    scores = score_mmm(data, truth, "ensemble")
    score = scores["ensemble"]
    assert scores.keys() == {"ensemble", "combined"}
    assert score.srmse_mean is not None
    assert score.srmse_mean < 0.35
    assert score.coverage_90 == 1.0
    assert score.truth_r2 is not None
    assert score.truth_r2 > 0.99
    assert all(0.7 <= factor <= 1.3 for factor in score.allocation.values())
    assert score.lift_interval[0] <= score.lift_predicted <= score.lift_interval[1]


def test_the_same_weeks_and_seed_give_the_same_draws(tmp_path: Path) -> None:
    panel = read_panel(write(tmp_path / "d.csv", world()[0])).until(60)
    first, again, other = (fit_ensemble(panel, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.heights, again.heights)
    assert not np.array_equal(first.heights, other.heights)
    assert first.checks["max_rhat"] < 1.1


def test_one_object_an_engine_is_printed_as_json(tmp_path: Path) -> None:
    data = write(tmp_path / "d.csv", world()[0])
    arguments = ["evaluate", "mmm", "--engine", "ensemble", "--data", str(data)]
    result = CliRunner().invoke(app, [*arguments, "--format", "json"])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    keys = {"srmse_mean", "coverage_90", "lift_predicted", "lift_interval", "lift_true", "seconds"}
    assert all(keys <= figures.keys() for figures in printed.values())
    assert printed["combined"]["srmse_mean"] is None


def renamed(rows: Table, old: str, new: str) -> Table:
    return [{new if k == old else k: v for k, v in row.items()} for row in rows]


def changed(rows: Table, **cells: Any) -> Table:
    return [row | cells for row in rows]


@pytest.mark.parametrize(
    ("bend", "message"),
    [
        (lambda rows: renamed(rows, "date", "when"), "has no column date"),
        (lambda rows: renamed(rows, "y", "orders"), "has no column y"),
        (lambda rows: [rows[0] | {"x2_tv": -1}, *rows[1:]], "negative spend in x2_tv"),
        (lambda rows: changed(rows, y=7), "the same value in every week in y"),
        (lambda rows: rows[:12], "has 12 weeks"),
        (lambda rows: changed(rows, x2_tv=0), "never spends, x2_tv"),
        (lambda rows: changed(rows, x2_tv=50), "always spends the same, x2_tv"),
        (lambda rows: rows[:40] + rows[41:], "no row for the week of 2023-10-09"),
        (lambda rows: [*rows[:-1], rows[-1] | {"date": "2024-12-25"}], "all weeks start on one"),
        (lambda rows: [*rows, rows[3]], "two rows for 2023-01-23"),
        (lambda rows: [*changed(rows[:9], currency="EUR"), *changed(rows[9:], currency="USD")],
         "several currencies .EUR, USD"),
        (lambda rows: [rows[0] | {"y": "n/a"}, *rows[1:]], "line 2: y 'n/a' is not a number"),
    ],
)  # fmt: skip
def test_weeks_that_no_model_can_use_are_refused_in_words(
    bend: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        read_panel(write(tmp_path / "d.csv", bend(world()[0])))


def test_a_controls_effect_is_kept_from_the_model(tmp_path: Path) -> None:
    rows = [row | {"c1_effect": 2 * row["c1"]} for row in world()[0]]
    assert read_panel(write(tmp_path / "d.csv", rows)).control_names == ("c1",)


def test_the_ensemble_foretells_weeks_from_spend_season_and_what_went_before(
    tmp_path: Path,
) -> None:
    data, _ = world()
    panel = read_panel(write(tmp_path / "weeks.csv", data))
    fitted = fit_ensemble(panel.until(WEEKS - 8), seed=1)
    forecast = fitted.expected(panel).mean(axis=0)[0, -8:]
    assert forecast == pytest.approx(panel.outcome[0, -8:], rel=0.08)


def test_a_whole_path_of_spend_brings_the_sum_of_its_weeks(tmp_path: Path) -> None:
    data, _ = world()
    panel = read_panel(write(tmp_path / "weeks.csv", data))
    fitted = fit_ensemble(panel, seed=1)
    paths = np.stack([panel.spend[:, :, 0], 1.2 * panel.spend[:, :, 0]])
    for path, total in zip(paths, fitted.totals(0, paths, 10).T, strict=True):
        assert fitted.brought(0, path)[:, :, -10:].sum(axis=(1, 2)) == pytest.approx(total)
