"""The markets that the lab runs: the sandbox's own, and those that are against the platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from pipelines.errors import UsageError
from pipelines.sandbox.market.truth import CHANNELS, ChannelTruth

Channels = Mapping[str, ChannelTruth]
_VARIED = 0.25
"""Standard deviation of the logarithm of a channel's ceiling and half-saturation, in ``varied``."""


@dataclass(frozen=True)
class Missing:
    """Weeks that aren't complete when they are due; weeks count from the first decision.

    Args:
        first: negative for one of the history.
        weeks: how many.
        late: after how many weeks they are landed; None for never.
    """

    first: int
    weeks: int
    late: int | None


@dataclass(frozen=True)
class Scenario:
    """A market.

    Args:
        about: what it does, in a sentence.
        channels: the truth, by seed.
        broken: the truth from ``break_week`` on; weeks count from the first decision.
        chaser: a channel whose spend follows demand, and whose platform claims that demand.
        over_claims: by channel, how many times as much its platform claims as in the sandbox.
        waves: demand comes and goes in waves, which seasons don't explain.
        outage: first week and number of weeks in which a part of the orders isn't recorded.
        euros: the European accounts are in EUR.
    """

    name: str
    about: str
    channels: Callable[[int], Channels] = lambda seed: CHANNELS
    broken: Channels = field(default_factory=lambda: MappingProxyType({}))
    break_week: int = 9
    chaser: str | None = None
    over_claims: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    waves: bool = False
    missing: tuple[Missing, ...] = ()
    outage: tuple[int, int] = (0, 0)
    euros: bool = False


OUTAGE_SHARE = 0.5
"""Of the orders, what a tracking outage leaves."""


def _varied(seed: int) -> Channels:
    """The sandbox's channels with other ceilings, half-saturations, slopes and carry-over."""
    random = np.random.default_rng([seed, 81])
    varied = {}
    for name, truth in CHANNELS.items():
        size, half = np.exp(random.normal(0, _VARIED, 2))
        varied[name] = replace(
            truth,
            ceiling=truth.ceiling * float(size),
            half_saturation=truth.half_saturation * float(half),
            slope=float(random.uniform(1.0, 1.6)),
            decay=float(random.uniform(0.2, 0.6)),
        )
    return varied


def _without_effect(seed: int) -> Channels:
    del seed
    return {**CHANNELS, "meta_ads": _sized("meta_ads", 0.0)}


def _sized(channel: str, factor: float) -> ChannelTruth:
    truth = CHANNELS[channel]
    return replace(truth, ceiling=truth.ceiling * factor)


_ALL = (
    Scenario("sandbox", "the sandbox's market, as the demo has it"),
    Scenario("varied", "the sandbox's, with channels of other sizes and shapes by seed", _varied),
    Scenario(
        "structural_break",
        "from week 10 on, TikTok brings a third of what it brought, and Meta twice as much",
        broken={
            "tiktok_ads": replace(
                CHANNELS["tiktok_ads"], ceiling=CHANNELS["tiktok_ads"].ceiling / 3
            ),
            "meta_ads": replace(CHANNELS["meta_ads"], ceiling=CHANNELS["meta_ads"].ceiling * 2),
        },
    ),
    Scenario(
        "zero_effect",
        "Meta brings nothing: its spend follows demand, and it claims that demand",
        _without_effect,
        chaser="meta_ads",
        waves=True,
    ),
    Scenario(
        "over_claim",
        "Meta claims three times as much as it does in the sandbox",
        over_claims={"meta_ads": 3.0},
    ),
    Scenario(
        "missing_weeks",
        "two weeks of the history are never landed, two of the run three weeks late",
        missing=(Missing(-80, 2, None), Missing(8, 2, 3)),
    ),
    Scenario(
        "tracking_outage",
        "half of the orders of weeks 9 to 11 aren't recorded",
        outage=(8, 3),
    ),
    Scenario("two_currencies", "the European accounts are in EUR, at a moving rate", euros=True),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
ADVERSARIAL = tuple(name for name in SCENARIOS if name not in ("sandbox", "varied"))


def scenario_of(name: str) -> Scenario:
    """The market of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in SCENARIOS:
        raise UsageError(
            f"There is no market '{name}'.",
            kept="nothing was run.",
            fix=f"The markets are {', '.join(SCENARIOS)}.",
        )
    return SCENARIOS[name]
