"""Settings of the uplift job, and the learners there are."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.source_settings import Section

LearnerName = Literal["s", "t", "x", "r", "dr", "forest"]


class UpliftSettings(Section):
    """Settings of the uplift job. ``outcome`` is the event that counts, if it comes within
    ``window_days`` of a person's exposure; ``control`` the variation that changes nothing, and
    ``treated_share`` the share of people meant for the other of a pair (None: not known). With
    fewer conversions than it takes to find a relative lift of ``detectable``, it refuses."""

    seed: int = 20260101
    outcome: str = "purchase"
    window_days: int = Field(14, ge=1, le=60)
    control: str = "0"
    treated_share: float | None = Field(0.5, gt=0, lt=1)
    detectable: float = Field(0.25, gt=0, le=10)
    learners: tuple[LearnerName, ...] = Field(("t", "x", "dr"), min_length=1)
