"""What adcanary.yaml may ask of the media mix's allocation, beside the guardrails' caps.

Amounts are money a week in the reporting currency, as a media plan has them: ``12000`` or
``1250.50``. Whatever is asked for, the guardrails' caps hold as well.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.source_settings import Section

Amount = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6)]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(:[a-z][a-z0-9_]*)?$")]
GroupName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

LEVEL = 0.1


class EfficiencySettings(Section):
    """What some channels together have to bring for their spend, in steady state.

    Args:
        cac_ceiling: the most that they may spend for an order that they bring, on average.
        roas_floor: the least net revenue for a unit of money, at the value of an order in the last
            13 weeks.
    """

    cac_ceiling: Annotated[Amount, Field(gt=0)] | None = None
    roas_floor: float | None = Field(None, gt=0, le=1e6)


class SpendSettings(EfficiencySettings):
    """The least and the most that some channels may spend together, in money a week."""

    floor: Amount | None = None
    ceiling: Amount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.floor is not None and self.ceiling is not None and self.floor > self.ceiling:
            raise ValueError(f"its floor ({self.floor:,f}) is over its ceiling ({self.ceiling:,f})")
        return self


class ChannelSettings(SpendSettings):
    """``max_step_percent``: the most that one allocation may change, of what is spent now."""

    max_step_percent: float | None = Field(None, gt=0, le=100)


class GroupSettings(SpendSettings):
    channels: tuple[ChannelName, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if twice := sorted({c for c in self.channels if self.channels.count(c) > 1}):
            raise ValueError(f"{', '.join(twice)} is in it twice")
        return self


class AllocationSettings(EfficiencySettings):
    """What is asked of the split of the present budget.

    ``risk``: what of the change in orders is to be the most: its ``mean``, its 10th percentile
    (``p10``), or the mean of its lowest draws (``cvar``), a share ``level`` of them. Efficiency is
    held at the same level of risk.
    """

    risk: Literal["mean", "cvar", "p10"] = "mean"
    level: float = Field(LEVEL, gt=0, lt=1)
    channels: dict[ChannelName, ChannelSettings] = Field({})
    groups: dict[GroupName, GroupSettings] = Field({})

    @model_validator(mode="after")
    def _level_is_of_cvar(self) -> Self:
        if self.risk != "cvar" and self.level != LEVEL:
            raise ValueError(f"level is of risk: cvar, and risk is {self.risk}")
        return self

    @model_validator(mode="after")
    def _groups_go_with_channels(self) -> Self:
        for name, group in self.groups.items():
            members = [self.channels.get(c, ChannelSettings()) for c in group.channels]
            least = sum(m.floor or 0 for m in members)
            if group.ceiling is not None and least > group.ceiling:
                raise ValueError(
                    f"the floors of the channels of group {name} are {least:,f} together, over its "
                    f"ceiling ({group.ceiling:,f})"
                )
            most = [m.ceiling for m in members if m.ceiling is not None]
            if group.floor is not None and len(most) == len(members) and sum(most) < group.floor:
                raise ValueError(
                    f"the ceilings of the channels of group {name} are {sum(most):,f} together, "
                    f"below its floor ({group.floor:,f})"
                )
        return self

    @property
    def summary(self) -> str:
        """In a sentence: what is asked for."""
        risks = {
            "mean": "on average",
            "p10": "by its 10th percentile",
            "cvar": f"by the mean of its lowest {self.level:.0%}",
        }
        return f"the settings of jobs.mmm.allocation, {risks[self.risk]},"

    @property
    def named(self) -> Iterator[str]:
        """Every channel that is named."""
        yield from self.channels
        for group in self.groups.values():
            yield from group.channels

    def unknown(self, known: Collection[str]) -> str | None:
        """What is wrong with the channels that are named, if there are others only."""
        for name in self.named:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {_listed(known)}"
                return f"'{name}' is no channel of the media mix ({hint})"
        return None


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
