"""The lightweight engine on a market of its own kind: what it brings back, what it is made of."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import halfnorm, multivariate_normal

from pipelines.jobs.mmm.engine import contributions
from pipelines.jobs.mmm.lightweight import fit_lightweight
from pipelines.jobs.mmm.lightweight.answers import Answers
from pipelines.jobs.mmm.lightweight.averaging import left_out, predictive, stacked
from pipelines.jobs.mmm.lightweight.compat import load_transforms
from pipelines.jobs.mmm.lightweight.sampler import GEO_MEAN, Sampling
from pipelines.jobs.mmm.lightweight.shapes import CARRY_WEEKS, MODELS, Shape, lags, parameters
from pipelines.jobs.mmm.panel import Floats, Panel

# one worker, so that models are compiled in as few processes as possible
pytestmark = pytest.mark.xdist_group("mmm")

WEEKS, GEOS = 78, 2
QUICK = Sampling(warmup=150, samples=150)
TRUE_SHARE = {"search": 0.22, "video": 0.10}
ROOT = Path(__file__).parents[2]
_FIT_AGAIN = """
import json
from hashlib import sha256
from pipelines.jobs.mmm.engine import contributions
from pipelines.jobs.mmm.lightweight import fit_lightweight
from tests.unit.test_mmm_lightweight import QUICK, market

again = fit_lightweight(market()[0], 3, QUICK)
drawn = sha256(contributions(again).tobytes()).hexdigest()
print(json.dumps({"drawn": drawn, "checks": again.checks}))
"""


def market() -> tuple[Panel, Floats]:
    """Two geos, two channels and a control; and what each channel brought, [geo, week, channel]."""
    random = np.random.default_rng(8)
    starts = tuple(date(2024, 1, 1) + timedelta(weeks=i) for i in range(WEEKS))
    size = np.array([900.0, 300.0])
    flights = random.random((GEOS, WEEKS, 2)) < 0.6
    spend = size[:, None, None] * random.lognormal(0, 0.6, (GEOS, WEEKS, 2)) * flights
    worked = spend.copy()
    for week in range(1, WEEKS):
        worked[:, week] += 0.4 * worked[:, week - 1]
    half = 2.5 * size[:, None, None]
    brought = size[:, None, None] / (1 + (half / np.maximum(worked, 1e-9)) ** 1.2)
    shares = np.array(list(TRUE_SHARE.values()))
    brought *= shares * size.sum() * WEEKS / brought.sum(axis=(0, 1))
    control = random.normal(size=(GEOS, WEEKS, 1))
    season = 1 + 0.1 * np.sin(2 * np.pi * np.arange(WEEKS) / 52.18)
    base = size[:, None] * (0.68 * season + 0.05 * control[:, :, 0])
    noise = size[:, None] * random.normal(0, 0.02, (GEOS, WEEKS))
    outcome = base + brought.sum(axis=2) + noise
    return Panel(starts, ("a", "b"), tuple(TRUE_SHARE), spend, outcome, control, ("c1",)), brought


@pytest.fixture(scope="module")
def fitted() -> Answers:
    return fit_lightweight(market()[0], 3, QUICK)


def test_what_each_channel_brought_is_within_its_interval(fitted: Answers) -> None:
    _, truth = market()
    drawn = contributions(fitted)
    # 99%: how far out the truth lies moves with the processor by a few draws
    low, high = np.quantile(drawn.sum(axis=(1, 2)), [0.005, 0.995], axis=0)
    assert ((low <= truth.sum(axis=(0, 1))) & (truth.sum(axis=(0, 1)) <= high)).all()
    error = np.sqrt(((drawn.mean(axis=0) - truth) ** 2).mean(axis=(0, 1))) / truth.std(axis=(0, 1))
    assert error.max() < 0.5
    assert drawn.shape[1:] == truth.shape


def test_the_checks_tell_chains_that_agree_and_a_forecast_that_holds(fitted: Answers) -> None:
    checks = fitted.checks
    assert checks["max_rhat"] < 1.1
    assert checks["min_ess"] > 25
    assert checks["divergences"] <= 6
    assert checks["holdout_mape"] < 0.08
    assert checks["r2"] > 0.8
    assert sum(checks[f"weight_{m}"] for m in MODELS) == pytest.approx(1)


def test_the_compiled_density_is_numpys(fitted: Answers) -> None:
    # some JAX are known to compile wrongly on CPU; float32 has about seven digits
    assert 0 < fitted.checks["energy_error"] < 0.02


def test_another_process_takes_the_compiled_program_and_draws_the_same_to_the_byte(
    fitted: Answers,
) -> None:
    compiled = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    before = sorted(compiled.glob("*-cache"))
    assert before
    done = subprocess.run(
        [sys.executable, "-c", _FIT_AGAIN], cwd=ROOT, capture_output=True, text=True, check=True
    )
    drawn = sha256(contributions(fitted).tobytes()).hexdigest()
    assert json.loads(done.stdout) == {"drawn": drawn, "checks": dict(fitted.checks)}
    assert sorted(compiled.glob("*-cache")) == before


def test_totals_of_paths_are_the_last_weeks_of_what_they_bring(fitted: Answers) -> None:
    spend = fitted.panel.spend[:, :, 0]
    longer = np.concatenate([spend, np.full((GEOS, 4), 500.0)], axis=1)
    paths = np.stack([longer, 1.3 * longer, 0 * longer])
    totals = fitted.totals(0, paths, 13)
    one_by_one = [fitted.brought(0, path)[:, :, -13:].sum(axis=(1, 2)) for path in paths]
    assert np.allclose(totals, np.stack(one_by_one, axis=1))
    assert (totals[:, 1] > totals[:, 0]).all()
    assert not totals[:, 2].any()


def test_weeks_to_come_are_expected_from_spend_and_controls(fitted: Answers) -> None:
    panel, _ = market()
    begun = fitted.expected(panel)
    assert np.allclose(fitted.expected(panel.until(40)), begun[:, :, :40])
    high = Panel(**{**vars(panel), "controls": panel.controls + 1.0})
    more = (fitted.expected(high) - begun).mean(axis=(0, 2))
    assert more == pytest.approx([45, 15], rel=0.25)


def test_a_channel_that_begins_in_the_weeks_held_out_spoils_no_forecast() -> None:
    panel, _ = market()
    spend = panel.spend.copy()
    spend[:, : -QUICK.holdout_weeks, 1] = 0
    late = fit_lightweight(Panel(**{**vars(panel), "spend": spend}), 3, QUICK)
    assert late.checks["holdout_mape"] < 0.3
    assert late.checks["max_rhat"] < 1.2


@pytest.mark.parametrize("model", MODELS)
def test_the_transforms_in_numpy_are_the_librarys(model: str) -> None:
    random = np.random.default_rng(2)
    spend = random.lognormal(0, 1, (1, 60)) * (random.random((1, 60)) < 0.5)
    sites = parameters(random.normal(size=(4, 1)))
    ours = Shape(model, sites)(lags(spend))[0, 0]
    transform = load_transforms()[MODELS.index(model)]
    lagged = lags(spend)[0].T[None].astype(np.float32)
    theirs = np.asarray(transform(lagged, {k: v.astype(np.float32) for k, v in sites.items()}))
    assert theirs[0] == pytest.approx(ours, rel=1e-4, abs=1e-6)


def test_what_was_spent_works_for_half_a_year_and_no_money_is_lost() -> None:
    pulse = np.zeros((1, 60))
    pulse[0, 10] = 1.0
    sites = parameters(np.array([[0.5], [0.0], [0.0], [1.5]]))
    for model in ("adstock", "carryover"):
        worked = Shape(model, {**sites, "exponent": np.array([1.0])})(lags(pulse))[0, 0]
        assert worked.sum() == pytest.approx(1)
        assert not worked[10 + CARRY_WEEKS :].any()
        assert not worked[:10].any()


def test_a_geos_factor_is_expected_to_be_1() -> None:
    assert halfnorm(scale=GEO_MEAN).mean() == pytest.approx(1)


def test_leaving_a_row_out_is_the_conditional_normal_density() -> None:
    random = np.random.default_rng(4)
    columns = random.normal(size=(9, 3))
    directions, deviations, _ = np.linalg.svd(columns, full_matrices=False)
    rest, noise = random.normal(size=(1, 9)), np.array([0.7])
    covariance = columns @ columns.T + noise**2 * np.eye(9)
    joint = multivariate_normal(cov=covariance).logpdf(rest[0])
    others = np.delete(np.arange(9), 5)
    rest_only = multivariate_normal(cov=covariance[np.ix_(others, others)]).logpdf(rest[0, others])
    density = left_out(rest, directions, deviations**2, noise)
    assert density[0, 5] == pytest.approx(joint - rest_only)


def test_stacking_prefers_the_model_that_predicts_and_shares_among_equals() -> None:
    good, poor = np.full(50, -1.0), np.full(50, -3.0)
    assert stacked(np.array([good, poor]))[0] > 0.99
    assert stacked(np.array([good, good])) == pytest.approx([0.5, 0.5])
    halves = np.where(np.arange(50) < 25, -1.0, -3.0)
    assert stacked(np.array([halves, halves[::-1]])) == pytest.approx([0.5, 0.5])


def test_draws_that_all_agree_predict_what_each_of_them_says() -> None:
    assert predictive(np.full((40, 3), -2.0)) == pytest.approx([-2.0] * 3)
