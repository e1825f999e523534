"""What adcanary.yaml may set for decision jobs, besides what config.py holds."""

from __future__ import annotations

from pydantic import Field

from pipelines.source_settings import Section


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
