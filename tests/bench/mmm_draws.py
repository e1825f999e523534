"""Fresh businesses of the kind of the public mmm-param-recovery, with exact answers to any spend.

The kind is that of the two draws in ``../shared/data/mmm_recovery`` and of the presets
``small_business`` (104 weeks, 4 channels, 1 geo) and ``growing_business`` (131 weeks, 6 channels,
2 geos: 262 rows) of pymc-labs/mmm-param-recovery (Apache 2.0; README and presets read 2026-11-29,
the code here is our own):

- Spend: an autoregressive path with a trend, one that follows the season, one that starts late and
  ramps up, or bursts of a few weeks; every geo has its own.
- What spend brings: spend over the geo's largest week, geometric adstock over eight weeks (not
  normalised), Hill's x^s / (k^s + x^s), times effectiveness and a base of 5,000 a week.
- The outcome: base ±10% × (1 + a sine of the year + normal noise of 10%), plus two controls that
  are mostly 0 (an event, a sale), plus what the channels bring.

The public generator has the same adstock, saturation and effectiveness in each draw; here they
differ from draw to draw as well (``SPREAD``), so that an engine's prior can't have learnt them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipelines.jobs.mmm.panel import Floats, Panel
from tests.bench.worlds import World

Random = np.random.Generator
Profile = Literal["small", "growing"]
Pattern = Literal["path", "season", "late", "bursts"]

BASE, NOISE, YEAR = 5000.0, 0.1, 0.2
LAGS = 8
SPREAD = 0.2
"""Standard deviation of the logarithm of a draw's effectiveness, half-saturation and slope around
the preset's; adstock differs by as much of itself either way, evenly."""
# budgets, volatility and chances of a geo differ by so much either way
_GEO = 0.1
_FIRST = date(2020, 1, 5)


@dataclass(frozen=True)
class Flow:
    """How spend, or a control, comes about; ``effect`` is per unit for a control, and a share of
    the base for a channel."""

    name: str
    pattern: Pattern
    level: float
    volatility: float
    effect: float
    trend: float = 0.0
    chance: float = 0.0
    weeks: tuple[int, int] = (1, 1)
    alpha: float = 0.0
    slope: float = 1.0
    half: float = 1.0


@dataclass(frozen=True)
class Preset:
    """A kind of business."""

    weeks: int
    geos: tuple[str, ...]
    channels: tuple[Flow, ...]
    controls: tuple[Flow, ...]


PRESETS: Mapping[Profile, Preset] = {
    "small": Preset(
        104,
        ("Local",),
        (
            Flow("Search-Ads", "path", 100, 0.8, 1.5, trend=0.004, alpha=0.0, slope=1, half=1),
            Flow("Social-Media", "season", 500, 0.3, 1.2, alpha=0.2, slope=1.5, half=0.8),
            Flow(
                "Local-Ads", "bursts", 500, 0.6, 0.9, 0, 0.3, (2, 4), alpha=0.4, slope=1, half=1.5
            ),
            Flow("Email", "bursts", 100, 0.5, 1.2, 0, 0.2, (1, 1), alpha=0.3, slope=2, half=0.5),
        ),
        (
            Flow("Event", "bursts", 100, 0.5, 0.5, 0, 0.04, (3, 5)),
            Flow("Sale", "bursts", 50, 0.5, 0.5, 0, 0.1, (1, 4)),
        ),
    ),
    "growing": Preset(
        131,
        ("geo_a", "geo_b"),
        (
            Flow("Search-Ads", "path", 300, 0.7, 0.3, trend=0.002, alpha=0.0, slope=1, half=0.3),
            Flow("Search-Ads-Brand", "path", 100, 0.8, 1.1, 0.002, alpha=0.2, slope=1.5, half=1.5),
            Flow("Video", "late", 500, 0.5, 1.4, alpha=0.4, slope=0.8, half=0.4),
            Flow("Social-Media", "season", 500, 0.6, 0.7, alpha=0.3, slope=2, half=0.5),
            Flow("Display-Ads", "bursts", 500, 0.5, 0.3, 0, 0.3, (2, 4), 0.0, slope=0.4, half=2),
            Flow("Email", "bursts", 100, 0.4, 0.4, 0, 0.2, (1, 1), 0.2, slope=1.5, half=1.25),
        ),
        (
            Flow("Event", "bursts", 500, 0.5, 0.5, 0, 0.04, (3, 5)),
            Flow("Sale", "bursts", 25, 0.5, 1.5, 0, 0.1, (1, 4)),
        ),
    ),
}


@dataclass(frozen=True)
class _Response:
    """What a channel's spend brings in a geo: its own largest week is 1."""

    alpha: float
    slope: float
    half: float
    height: float

    def of(self, shares: Floats) -> Floats:
        """In each week of a path of spend, as a share of the largest week, [week]."""
        weights = self.alpha ** np.arange(LAGS, dtype=float)
        worked = np.convolve(shares, weights)[: len(shares)] ** self.slope
        brought: Floats = self.height * worked / (self.half**self.slope + worked)
        return brought


def draw(profile: Profile, seed: int) -> World:
    """A business of that kind, the same for the same seed."""
    preset, random = PRESETS[profile], np.random.default_rng([seed, len(profile)])
    responses = [_response(flow, random) for flow in preset.channels]
    weeks = preset.weeks
    spend = np.empty((len(preset.geos), weeks, len(preset.channels)))
    controls = np.empty((len(preset.geos), weeks, len(preset.controls)))
    base = np.empty((len(preset.geos), weeks))
    noise = BASE * NOISE * random.normal(size=base.shape)
    year = 1 + YEAR * np.sin(2 * np.pi * np.arange(weeks) / 52)
    for geo in range(len(preset.geos)):
        for i, flow in enumerate(preset.channels):
            spend[geo, :, i] = _some(flow, weeks, random)
        for i, flow in enumerate(preset.controls):
            controls[geo, :, i] = _some(flow, weeks, random, needed=False)
        level = random.uniform(1 - _GEO, 1 + _GEO)
        effects = np.array([flow.effect * random.uniform(0.9, 1.1) for flow in preset.controls])
        base[geo] = level * BASE * year + controls[geo] @ effects
        noise[geo] *= level
    largest = spend.max(axis=1)

    def mean(path: Floats) -> Floats:
        brought = [
            sum(
                response.of(path[geo, :, i] / largest[geo, i])
                for i, response in enumerate(responses)
            )
            for geo in range(len(path))
        ]
        return base + np.array(brought)

    panel = Panel(
        tuple(_FIRST + timedelta(weeks=i) for i in range(weeks)),
        preset.geos,
        tuple(f"x{i + 1}_{flow.name}" for i, flow in enumerate(preset.channels)),
        spend,
        np.clip(mean(spend) + noise, 0, None),
        controls,
        tuple(f"c{i + 1}" for i in range(len(preset.controls))),
    )
    made = World(profile, seed, "", panel, spend, mean, np.empty(0))
    return World(profile, seed, "", panel, spend, mean, made.brought().sum(axis=(0, 1)))


def write(world: World, path: Path) -> None:
    """The panel as a file that ``adcanary evaluate mmm --data`` reads, rows by geo and week."""
    panel = world.panel
    names = ("y", *panel.channels, *panel.control_names)
    values = np.concatenate([panel.outcome[:, :, None], panel.spend, panel.controls], axis=2)
    table = pd.DataFrame(values.reshape(-1, len(names)), columns=list(names))
    table.insert(0, "geo", np.repeat(panel.geos, len(panel.starts)))
    table.insert(0, "date", [start.isoformat() for start in panel.starts] * len(panel.geos))
    table.to_csv(path, index=False)


def write_truth(world: World, path: Path) -> None:
    """What each channel brought in each row, as ``--truth`` reads it."""
    panel, brought = world.panel, world.brought()
    columns = [f"contribution_{name}" for name in panel.channels]
    table = pd.DataFrame(brought.reshape(-1, len(columns)), columns=columns)
    table.insert(0, "geo", np.repeat(panel.geos, len(panel.starts)))
    table.insert(0, "date", [start.isoformat() for start in panel.starts] * len(panel.geos))
    table.to_csv(path, index=False)


def _response(flow: Flow, random: Random) -> _Response:
    effect, half, slope = np.exp(SPREAD * random.normal(size=3))
    return _Response(
        flow.alpha * random.uniform(1 - SPREAD, 1 + SPREAD),
        flow.slope * slope,
        flow.half * half,
        flow.effect * effect * BASE,
    )


def _some(flow: Flow, weeks: int, random: Random, needed: bool = True) -> Floats:
    """A geo's path, [week]; of a channel, one with spend in more than a few weeks."""
    while True:
        level, volatility, chance = (
            value * random.uniform(1 - _GEO, 1 + _GEO)
            for value in (flow.level, flow.volatility, flow.chance)
        )
        if flow.pattern == "bursts":
            path = _bursts(flow, weeks, chance, random) * level
            path = np.where(path > 0, path + random.normal(0, level * volatility, weeks), 0)
        else:
            path = _autoregressive(weeks, level * volatility, random)
            path *= 1 + flow.trend * np.arange(weeks)
        if flow.pattern == "season":
            days = (np.arange(weeks) * 7 + 5) % 365.25
            path *= 0.4 * np.cos(0.5 + 4 * np.pi * days / 365.25)
        if flow.pattern == "late":
            path *= np.clip((np.arange(weeks) - 25) / 10, 0, 1)
        path = np.clip(path, 0, None)
        if not needed or (path > 0).sum() > 5:
            return path


def _autoregressive(weeks: int, deviation: float, random: Random) -> Floats:
    path = random.normal(0, deviation, weeks)
    for week in range(2, weeks):
        pull = 0.6 * path[week - 1] + 0.3 * path[week - 2]
        path[week] = max(0.0, pull + random.normal(0, deviation))
    return path


def _bursts(flow: Flow, weeks: int, chance: float, random: Random) -> Floats:
    path, week = np.zeros(weeks), 0
    while week < weeks:
        if random.random() < chance:
            last = week + int(random.integers(flow.weeks[0], flow.weeks[1] + 1))
            path[week:last] = 1
            week = last + 1
        else:
            week += 1
    return path
