"""The planted worlds of mmm-framework 1.5.0, as weeks to fit and the true answer to any spend.

The wheel's ``synth/dgp.py`` (24 national worlds that it builds by itself) and ``synth/dgp_geo.py``
(3 with geos) are loaded as they are, with numpy and pandas alone: the rest of the package isn't
imported, a stub stands for its configuration. A world is the data of a business whose response to
spend is known, and breaks one assumption that media mix models make (``violates``; nothing in the
positive controls). ``make .bench/worlds/.ready`` unpacks the wheel.

Where a true answer comes from:

- A national world's true contributions are counterfactuals of a function, spend → mean outcome;
  it is caught where they are computed, as ``realistic``, ``spend_outliers`` and
  ``mixed_data_errors`` don't hand theirs out. The last two record spend wrongly (spikes, a missed
  load): ``World.spent`` is what was truly spent, and a factor of the recorded spend is taken as
  the same factor of the true spend.
- Worlds with geos share one media function, and add a documented baseline.

``aurora_kitchen_sink`` needs a file of the peer's repository that its wheel lacks, and is skipped.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines.errors import UsageError
from pipelines.evaluate.mmm_file import NATIONAL as WHOLE
from pipelines.jobs.mmm.panel import Floats, Panel

WHEEL = Path(os.environ.get("MMM_WORLDS", Path(__file__).parents[2] / ".bench" / "worlds"))
SKIPPED = ("aurora_kitchen_sink",)
_PACKAGE = "mmm_framework"

Respond = Callable[[Floats], Floats]


@dataclass(frozen=True)
class World:
    """A business whose response is known.

    Args:
        violates: the assumption of media mix models that it breaks, in the peer's words; empty
            in a positive control.
        panel: what a model sees.
        spent: what was truly spent, as ``panel.spend``; they differ where it is recorded wrongly.
        mean: the mean outcome, [geo, week], of a path of true spend, [geo, week, channel].
        contribution: the peer's own true contribution of each channel over all weeks.
    """

    name: str
    seed: int
    violates: str
    panel: Panel
    spent: Floats
    mean: Respond
    contribution: Floats

    def lift(self, factors: Floats, weeks: int) -> float:
        """What the last weeks would have brought more, had each channel's spend always been that
        many times what it was, in the outcome's unit."""
        return self.more(self.spent * factors, weeks)

    def more(self, path: Floats, weeks: int) -> float:
        """What the last weeks bring more with a path of true spend than they did, on average."""
        return float((self.mean(path) - self.mean(self.spent))[:, -weeks:].sum())

    def brought(self) -> Floats:
        """What each channel brought, [geo, week, channel]: against its spend being nothing."""
        whole = self.mean(self.spent)
        parts = []
        for channel in range(self.spent.shape[2]):
            path = self.spent.copy()
            path[:, :, channel] = 0
            parts.append(whole - self.mean(path))
        return np.stack(parts, axis=2)


def names() -> tuple[str, ...]:
    """Of all worlds that the wheel builds by itself: national ones, then those with geos."""
    dgp, geo = _modules()
    return (*(n for n in dgp.SCENARIOS if n not in SKIPPED), *geo.SCENARIOS)


def build(name: str, seed: int) -> World:
    """The world of that name, the same for the same seed.

    Raises:
        UsageError: the wheel isn't unpacked, or has no such world.
    """
    dgp, geo = _modules()
    if name in geo.SCENARIOS:
        return _geo_world(geo, name, seed)
    if name not in dgp.SCENARIOS or name in SKIPPED:
        raise UsageError(
            f"There is no world '{name}'.",
            kept="nothing was fitted.",
            fix=f"Use one of {', '.join(names())}.",
        )
    with _caught(dgp) as caught:
        made = dgp.build(name, seed)
    mean, spent = caught[-1]
    panel = Panel(
        _starts(made.weeks),
        (WHOLE,),
        tuple(made.spend.columns),
        made.spend.to_numpy(float)[None],
        made.y.to_numpy(float)[None],
        made.controls.to_numpy(float)[None],
        tuple(made.controls.columns),
    )
    return World(
        name,
        seed,
        made.violates,
        panel,
        spent[None].copy(),
        lambda path: mean(path[0])[None],
        made.true_contribution.loc[list(panel.channels)].to_numpy(float),
    )


def _geo_world(geo: Any, name: str, seed: int) -> World:
    made = geo.build(name, seed)
    cells = made.cells
    shape = (len(made.weeks), len(cells))

    def by_cell(table: pd.DataFrame) -> Floats:
        # rows are by week, then by geo (and product)
        return table.to_numpy(float).reshape(*shape, -1).transpose(1, 0, 2)

    spend, controls = by_cell(made.spend), by_cell(made.controls)
    trend, _ = geo._shared_baseline(None, shape[0])
    price = controls[:, :, 0]
    offsets = np.array([made.notes["geo_offsets"][cell] for cell in cells])
    # as in dgp_geo._assemble
    base = trend + offsets[:, None] - 6.0 * (price - price.mean(axis=1, keepdims=True))
    multiples = made.notes.get("effect_multipliers", {})

    def mean(path: Floats) -> Floats:
        media = [
            geo._media_contribution(path[i], made.notes["maxes"], multiples.get(cell))
            for i, cell in enumerate(cells)
        ]
        return base + np.array(media)

    panel = Panel(
        _starts(made.weeks),
        tuple(cells),
        tuple(made.spend.columns),
        spend,
        by_cell(made.y.to_frame())[:, :, 0],
        controls,
        tuple(made.controls.columns),
    )
    contribution = made.true_contribution.loc[list(panel.channels)].to_numpy(float)
    return World(name, seed, made.violates, panel, spend.copy(), mean, contribution)


def _starts(weeks: pd.DatetimeIndex) -> tuple[Any, ...]:
    first = weeks[0].date()
    return tuple(first + timedelta(weeks=i) for i in range(len(weeks)))


@contextmanager
def _caught(dgp: Any) -> Iterator[list[tuple[Respond, Floats]]]:
    """The response functions, with true spend, that true contributions are computed of."""
    caught: list[tuple[Respond, Floats]] = []
    compute = dgp._counterfactual_truth

    def listen(respond: Respond, spend: Floats, channels: list[str]) -> Any:
        caught.append((respond, spend))
        return compute(respond, spend, channels)

    dgp._counterfactual_truth = listen
    try:
        yield caught
    finally:
        dgp._counterfactual_truth = compute


class _Anything:
    """Stands for what the worlds take of the package's configuration: roles of controls."""

    def __getattr__(self, name: str) -> str:
        return name


@cache
def _modules() -> tuple[Any, Any]:
    """``synth.dgp`` and ``synth.dgp_geo`` of the unpacked wheel."""
    home = WHEEL / _PACKAGE
    if not (home / "synth" / "dgp.py").is_file():
        raise UsageError(
            f"mmm-framework's wheel isn't unpacked in {WHEEL}.",
            kept="nothing was fitted.",
            fix="Run `make .bench/worlds/.ready`, or set MMM_WORLDS to the folder it is in.",
        )
    for name, path in ((_PACKAGE, home), (f"{_PACKAGE}.synth", home / "synth")):
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    config = types.ModuleType(f"{_PACKAGE}.config")
    config.__getattr__ = lambda name: _Anything()  # type: ignore[method-assign]
    sys.modules[config.__name__] = config
    return (
        importlib.import_module(f"{_PACKAGE}.synth.dgp"),
        importlib.import_module(f"{_PACKAGE}.synth.dgp_geo"),
    )
