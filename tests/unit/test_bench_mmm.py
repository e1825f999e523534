"""What the media mix benchmarks take for the truth is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.evaluate.mmm_file import read_panel, read_truth
from tests.bench import worlds
from tests.bench.mmm_answer import Answer
from tests.bench.mmm_draws import draw, write, write_truth
from tests.bench.mmm_score import score
from tests.bench.worlds import World


def _knowing(world: World, factors: list[float], weeks: int = 52) -> Answer:
    """The answer of one who knows the truth, and recommends these factors."""
    brought = world.brought()
    totals = brought.sum(axis=(0, 1)).tolist()
    lift = world.lift(np.array(factors), weeks)
    return Answer(
        brought.tolist(), totals, totals, factors, (lift, lift, lift), weeks, "scaled",
        1.0, 1.0, 1.0, 1.0, "0", {},
    )  # fmt: skip


@pytest.mark.parametrize("profile", ["small", "growing"])
def test_a_drawn_business_is_read_back_from_its_files(tmp_path: Path, profile: str) -> None:
    world = draw(profile, 7)  # type: ignore[arg-type]
    write(world, tmp_path / "data.csv")
    write_truth(world, tmp_path / "truth.csv")
    panel = read_panel(tmp_path / "data.csv")
    np.testing.assert_allclose(panel.spend, world.panel.spend)
    np.testing.assert_allclose(panel.outcome, world.panel.outcome)
    np.testing.assert_allclose(read_truth(tmp_path / "truth.csv", panel), world.brought())


def test_a_seed_draws_the_same_business_and_another_seed_another() -> None:
    first, same, other = draw("small", 3), draw("small", 3), draw("small", 4)
    np.testing.assert_array_equal(first.panel.outcome, same.panel.outcome)
    assert not np.allclose(first.panel.spend, other.panel.spend)


def test_spend_that_only_a_later_week_had_brings_nothing_before_it() -> None:
    world = draw("small", 5)
    path = world.spent.copy()
    path[:, 60:] *= 1.3
    assert world.more(path, 104) == pytest.approx(world.more(path, 104 - 60))


def test_who_knows_the_truth_has_no_error_and_who_moves_nothing_misses_the_whole_gain() -> None:
    world = draw("small", 6)
    scored = score(world, _knowing(world, [1.0] * 4))
    assert (scored.srmse, scored.covered, scored.inside) == (0, 1, True)
    assert scored.regret == pytest.approx(1)


def test_no_shift_within_the_bounds_gains_more_than_the_oracle() -> None:
    world, random = draw("small", 6), np.random.default_rng(1)
    spent = world.spent[:, -52:].sum(axis=(0, 1))
    for _ in range(15):
        factors = random.uniform(0.7, 1.3, len(spent))
        # keeps the total by what the largest channel spends
        largest = spent.argmax()
        factors[largest] -= (factors @ spent - spent.sum()) / spent[largest]
        if 0.7 <= factors[largest] <= 1.3:
            assert score(world, _knowing(world, factors.tolist())).regret >= -1e-3


@pytest.mark.skipif(
    not (worlds.WHEEL / "mmm_framework").is_dir(),
    reason="mmm-framework's wheel isn't unpacked: make .bench/worlds/.ready",
)
def test_planted_worlds_bring_what_their_maker_says() -> None:
    names = worlds.names()
    assert len(names) == 27
    for name in ("clean", "realistic", "spend_outliers", "geo_heterogeneous"):
        world = worlds.build(name, 11)
        np.testing.assert_allclose(world.brought().sum(axis=(0, 1)), world.contribution, rtol=1e-9)
        noise = world.panel.outcome - world.mean(world.spent)
        assert abs(noise.mean()) < 4 * noise.std() / np.sqrt(noise.size)
