"""Settings of jobs that config.py has no room for; it gathers them under ``jobs``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.source_settings import Section


class BanditSettings(Section):
    """Settings of the bandits job. ``exploration`` is the share of an ad group's spend that is
    spread evenly over its ads; an ad group is decided on from ``min_conversions`` in the window up,
    and its shares may be proposed if its own log has ``min_days`` matured days that count as
    ``min_effective_conversions`` of theirs."""

    seed: int = 20260101
    policy: Literal["thompson", "ucb"] = "thompson"
    window_days: int = Field(120, ge=28, le=180)
    exploration: float = Field(0.10, ge=0.01, le=0.5)
    min_conversions: int = Field(30, ge=1)
    min_days: int = Field(14, ge=2)
    min_effective_conversions: int = Field(20, ge=1)
    max_data_age_days: int = Field(3, ge=1)
