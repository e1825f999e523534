"""The rows of a run: what each cluster is, whose it is, and what became of last week's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.canonical import canonical_json, sha256
from pipelines.jobs.base import Row, significant
from pipelines.jobs.clustering.matching import Match, match
from pipelines.jobs.clustering.model import Clusters
from pipelines.jobs.clustering.texts import PersonTexts
from pipelines.jobs.clustering.vectors import Floats

Rows = list[dict[str, Any]]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Matched:
    """A cluster of this week, or one that is gone, with its id and last week's label."""

    match: Match
    cluster_id: str
    related_id: str | None
    earlier_label: str | None


def matched(
    clusters: Clusters,
    previous: Sequence[Row],
    given: Sequence[Row],
    threshold: float,
    week: date,
) -> list[Matched]:
    """This week's clusters in order, then those that are gone.

    Args:
        previous: last week's: cluster_id, label and centroid, of the same encoder.
        given: what an earlier run of this week found that last week hadn't: its ids stay, too.
        threshold: the least cosine at which a cluster is an earlier one.
        week: Monday of this week; a new id is made of it and of the centroid.
    """
    matches = match(_centroids(previous), clusters.centroids, threshold)
    new = [one.now for one in matches if one.now is not None and one.earlier is None]
    again = match(_centroids(given), clusters.centroids[new], threshold) if new else []
    id_given = {
        new[one.now]: str(given[one.earlier]["cluster_id"])
        for one in again
        if one.now is not None and one.earlier is not None
    }
    ids = []
    for one in matches:
        if one.earlier is not None:
            ids.append(str(previous[one.earlier]["cluster_id"]))
            continue
        i = one.now or 0
        born = canonical_json([week, _centroid(clusters, i)])
        ids.append(id_given.get(i, f"i{sha256(born)[:10]}"))
    named = []
    for one, cluster_id in zip(matches, ids, strict=True):
        related, label = None, None
        if one.parent is not None:
            of_now = one.change == "MERGED"
            related = ids[one.parent] if of_now else str(previous[one.parent]["cluster_id"])
        if one.earlier is not None:
            label = str(previous[one.earlier]["label"])
        named.append(Matched(one, cluster_id, related, label))
    return named


def cluster_rows(clusters: Clusters, matches: Sequence[Matched], members: Mask) -> Rows:
    """Rows of contracts.interest_clusters, without what every row of a run carries.

    Args:
        members: the people whose confidence suffices.
    """
    rows = []
    for one in matches:
        row: dict[str, Any] = {
            "cluster_id": one.cluster_id,
            "change": one.match.change,
            "related_cluster_id": one.related_id,
            "similarity": _rounded(one.match.similarity),
        }
        i = one.match.now
        if i is None:
            row |= {"label": one.earlier_label, "people": 0, "members": 0, "share": 0.0}
            rows.append(row)
            continue
        own, label = clusters.cluster == i, clusters.labels[i]
        row |= {
            "label": label.label,
            "top_terms": list(label.terms),
            "top_texts": list(label.examples),
            "people": int(own.sum()),
            "members": int((own & members).sum()),
            "share": significant(float(own.mean())),
            "cohesion": significant(float(clusters.cohesion[i])),
            "mean_confidence": significant(float(clusters.confidence[own].mean())),
            "stability": significant(clusters.agreement[clusters.count].mean),
            "centroid": _centroid(clusters, i),
        }
        rows.append(row)
    return rows


def member_rows(
    seen: PersonTexts, clusters: Clusters, matches: Sequence[Matched], members: Mask
) -> Rows:
    """Rows of contracts.interest_cluster_members, of those whose confidence suffices."""
    texts = np.diff(seen.weights.indptr)
    return [
        {
            "person_id": seen.persons[i],
            "cluster_id": matches[int(clusters.cluster[i])].cluster_id,
            "confidence": significant(float(clusters.confidence[i])),
            "texts": int(texts[i]),
        }
        for i in np.flatnonzero(members).tolist()
    ]


def _centroids(rows: Sequence[Row]) -> Floats:
    return np.array([row["centroid"] for row in rows], dtype=np.float64)


def _centroid(clusters: Clusters, i: int) -> list[float]:
    return [significant(value) for value in clusters.centroids[i].tolist()]


def _rounded(value: float | None) -> float | None:
    return None if value is None else significant(value)
