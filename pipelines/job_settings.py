"""Settings of jobs that config.py has no room for; it gathers them under ``jobs``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from pipelines.source_settings import Section

LearnerName = Literal["s", "t", "x", "r", "dr", "forest"]


class BanditSettings(Section):
    """Settings of the bandits job. A group is an ad group with its ads, or a campaign with its ad
    groups: ``exploration`` is the share of its spend that is spread evenly over these arms; it is
    decided on from ``min_conversions`` in the window up, and its shares may be proposed if its own
    log has ``min_days`` matured days that count as ``min_effective_conversions`` of theirs."""

    seed: int = 20260101
    policy: Literal["thompson", "ucb"] = "thompson"
    window_days: int = Field(120, ge=28, le=180)
    exploration: float = Field(0.10, ge=0.01, le=0.5)
    min_conversions: int = Field(30, ge=1)
    min_days: int = Field(14, ge=2)
    min_effective_conversions: int = Field(20, ge=1)
    max_data_age_days: int = Field(3, ge=1)


class ClusteringSettings(Section):
    """Settings of the clustering job. ``encoder`` turns texts into vectors: ``use``, which comes
    with adcanary, or ``sentence-transformers:FOLDER`` where that package is installed.

    ``min_stability``: how well two halves of the people must agree on the clusters, from 0 for
    chance to 1. ``min_confidence``: below it a person is given no cluster. ``min_similarity``: of a
    cluster to last week's, for it to keep the id.
    """

    seed: int = 20260101
    encoder: str = Field("use", pattern=r"^(use|sentence-transformers:\S+)$")
    min_people: int = Field(200, ge=50)
    min_texts: int = Field(50, ge=20)
    max_clusters: int = Field(25, ge=2, le=100)
    min_stability: float = Field(0.7, gt=0, lt=1)
    min_confidence: float = Field(0.5, ge=0, lt=1)
    min_similarity: float = Field(0.7, gt=0, lt=1)


class UpliftSettings(Section):
    """Settings of the uplift job. ``outcome`` is the event that counts, if it comes within
    ``window_days`` of a person's exposure; ``control`` the variation that changes nothing, and
    ``treated_share`` the share of people meant for the other of a pair, where no definition of the
    experiment says (None: not known). With fewer conversions than it takes to find a relative lift
    of ``detectable``, it refuses."""

    seed: int = 20260101
    outcome: str = "purchase"
    window_days: int = Field(14, ge=1, le=60)
    control: str = "0"
    treated_share: float | None = Field(0.5, gt=0, lt=1)
    detectable: float = Field(0.25, gt=0, le=10)
    learners: tuple[LearnerName, ...] = Field(("t", "x", "dr"), min_length=1)


class AttributionSettings(Section):
    """Settings of the attribution job. ``order`` is how many steps the Markov chain remembers;
    a week is credited from ``min_conversions`` on shown paths up, and while at most
    ``max_hidden_share`` of its conversions are on paths too rare to show."""

    seed: int = 20260101
    order: int = Field(1, ge=1, le=3)
    min_conversions: int = Field(50, ge=1)
    max_hidden_share: float = Field(0.5, ge=0, lt=1)
    draws: int = Field(200, ge=50, le=2_000)


class FidelitySettings(Section):
    """Gates that a job's predictions must pass before anything of it is proposed.

    ``max_ks``: of what came from the predicted distributions, after all of them are corrected by at
    most ``max_bias``, a share. ``min_drift_ks``, ``min_drift``: how far a daily series'
    distribution and median must move to be told. ``min_channel_drift``: the same of the median of
    what a channel claims a click, to stop shifts of budgets.
    """

    max_mape: float = Field(0.5, gt=0)
    max_ks: float = Field(0.35, gt=0, le=1)
    max_bias: float = Field(0.05, ge=0, lt=1)
    min_predictions: int = Field(16, ge=8)
    min_drift_ks: float = Field(0.6, gt=0, le=1)
    min_drift: float = Field(0.3, gt=0)
    min_channel_drift: float = Field(0.4, gt=0)


class RulesSettings(Section):
    """Settings of the rules job. ``folder`` has overrides of the rules that ship with adcanary, or
    other ones (docs/rules.md). ``monthly_budgets`` are micros a month by ``<platform>.<account>``,
    in the account's currency; an account without one is not bounded by its month."""

    folder: Path | None = None
    monthly_budgets: dict[str, int] = Field(default_factory=dict)


class AudienceSettings(Section):
    """Settings of the audiences job. ``customer_audiences`` are ids of audiences of people who have
    bought; without them, what ``usual_share`` of an account's ad sets keep out is taken for one, in
    accounts of ``min_ad_sets``. ``max_learning_share`` is of the account's spend; an ad set is
    ``too_small`` to learn below that share of what the platform learns from. People may leave an
    audience before ``max_later_share`` of conversions come, and it has ``min_people`` or more."""

    customer_audiences: tuple[str, ...] = ()
    usual_share: float = Field(0.6, gt=0.5, le=1)
    min_ad_sets: int = Field(4, ge=2)
    max_learning_share: float = Field(0.2, gt=0, lt=1)
    too_small: float = Field(0.5, gt=0, le=1)
    max_later_share: float = Field(0.2, gt=0, lt=1)
    min_people: int = Field(1_000, ge=1)


class CreativeSettings(Section):
    """Settings of the creatives job. ``brands`` are how the advertiser calls itself. ``weeks`` of
    delivery are looked at; an ad counts for what it shows from ``min_orders`` expected on, and
    ``min_ads`` must. An ad is worn out below ``worn`` of its first rate. ``ocr`` reads letters in
    images (the extra ``ocr`` must be installed). ``images`` is where they are kept, and comes from
    the sources."""

    brands: tuple[str, ...] = ()
    weeks: int = Field(52, ge=8, le=104)
    min_orders: float = Field(5.0, gt=0)
    min_ads: int = Field(30, ge=10)
    worn: float = Field(0.6, gt=0, lt=1)
    ocr: bool = False
    images: tuple[str, ...] = Field((), exclude=True)
