"""Scores clusters of people: against labels in a file anyone brings, or the sandbox's truth.

The adjusted Rand index (Hubert and Arabie 1985) is 1 for the same division and 0 for chance.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from sklearn.metrics import adjusted_rand_score

from pipelines.config import Settings
from pipelines.errors import StatementError, UsageError
from pipelines.evaluate.clustering_file import MIN_PEOPLE, MIN_TEXTS, read_texts
from pipelines.evaluate.identity import market_arguments
from pipelines.job_settings import ClusteringSettings
from pipelines.jobs.clustering.encoders import TFIDF, USE, open_encoder
from pipelines.jobs.clustering.job import too_little, unstable
from pipelines.jobs.clustering.model import cluster_people
from pipelines.jobs.clustering.texts import person_texts
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.visitors import interest_truth
from pipelines.warehouse import Warehouse

ALL = "all"

Own = TypeVar("Own", int, str)


@dataclass(frozen=True)
class Interest:
    """A cluster as printed; ``truth`` is the most common true interest of its people."""

    label: str
    people: int
    share: float
    truth: str | None


@dataclass(frozen=True)
class ClusteringScore:
    """The score of one clustering.

    Args:
        people: who were clustered; ``left_out`` more have too few texts, or are not sure enough.
        adjusted_rand_index: to the labels; None without any.
        right: share of people whose cluster's most common label is theirs; None without labels.
        confidence: mean confidence of people's clusters.
        stability: adjusted Rand index between halves; None where it isn't known.
    """

    verdict: str
    reason: str
    people: int
    left_out: int
    texts: int
    clusters: int
    stability: float | None
    adjusted_rand_index: float | None
    right: float | None
    confidence: float | None
    seconds: float | None
    interests: tuple[Interest, ...] = ()


def score_texts(path: Path, encoder: str = USE, seed: int = 1) -> dict[str, ClusteringScore]:
    """Cluster the people of a file; the scores by encoder.

    Args:
        encoder: as in jobs.clustering.encoder, or ``tfidf``, or ``all`` for both that come with
            adcanary.

    Raises:
        InputError: nothing can be clustered by the file; says why.
        ConfigError: there is no such encoder.
    """
    names = (USE, TFIDF) if encoder == ALL else (encoder,)
    given = read_texts(path)
    limits = ClusteringSettings(seed=seed, min_people=MIN_PEOPLE, min_texts=MIN_TEXTS)
    seen = person_texts(given.persons, given.texts)
    left_out = len(given.persons.unique()) - len(seen.persons)
    scores = {}
    for name in names:
        started = time.perf_counter()
        if problem := too_little(seen, limits):
            scores[name] = _refused(problem, len(seen.persons), left_out, len(seen.texts))
            continue
        clusters = cluster_people(
            seen, open_encoder(name, seed), largest=limits.max_clusters, seed=seed
        )
        truth = None if given.labels is None else [given.labels[p] for p in seen.persons]
        problem = unstable(clusters, limits)
        sizes = np.bincount(clusters.cluster, minlength=clusters.count)
        common = _most_common(clusters.cluster.tolist(), truth)
        scores[name] = ClusteringScore(
            verdict="INCONCLUSIVE" if problem else "PASS",
            reason=problem or f"{clusters.count} interests are shared.",
            people=len(seen.persons),
            left_out=left_out,
            texts=len(seen.texts),
            clusters=clusters.count,
            stability=clusters.agreement[clusters.count].mean,
            adjusted_rand_index=_agreement(clusters.cluster.tolist(), truth),
            right=_right(clusters.cluster.tolist(), truth, common),
            confidence=float(clusters.confidence.mean()),
            seconds=time.perf_counter() - started,
            interests=tuple(
                Interest(label.label, int(size), size / len(seen.persons), common.get(i))
                for i, (label, size) in enumerate(zip(clusters.labels, sizes.tolist(), strict=True))
            ),
        )
    return scores


def score_sandbox(warehouse: Warehouse, settings: Settings) -> ClusteringScore:
    """The last run of the clustering job in a sandbox, against the interests that are true.

    Raises:
        UsageError: the warehouse is not a sandbox's, or the job has not run there.
        StatementError: the models are not built.
    """
    truth_of_device = interest_truth(Market(**market_arguments(settings, "clusters")))
    folder = Path(__file__).parent
    try:
        runs = warehouse.query((folder / "clustering_run.sql").read_text()).to_pylist()
        if not runs:
            raise UsageError(
                "The clustering job has not run in this warehouse.",
                kept="nothing was scored.",
                fix="Run `adcanary job clustering`, then this again.",
            )
        run = {"run_id": runs[0]["run_id"]}
        members = warehouse.query((folder / "clustering_members.sql").read_text(), run).to_pylist()
        clusters = warehouse.query((folder / "clusters.sql").read_text(), run).to_pylist()
    except StatementError as error:
        raise StatementError(
            f"The clusters can't be read: {error.message}",
            kept="nothing was changed.",
            fix="Run `adcanary build` and `adcanary job clustering`, then this again.",
        ) from error
    devices: dict[str, list[str]] = {}
    chosen = {}
    for row in members:
        chosen[row["person_id"]] = (row["cluster_id"], row["confidence"])
        if row["client_id"] in truth_of_device:
            devices.setdefault(row["person_id"], []).append(truth_of_device[row["client_id"]])
    # people who share a device may have two: that of most devices counts
    truth_of = {person: _commonest(Counter(each)) for person, each in devices.items()}
    people = sorted(truth_of)
    cluster, truth = [chosen[p][0] for p in people], [truth_of[p] for p in people]
    common = _most_common(cluster, truth)
    alive = [row for row in clusters if row["people"]]
    clustered = sum(row["people"] for row in alive)
    return ClusteringScore(
        verdict=runs[0]["verdict"],
        reason=runs[0]["reason"],
        people=len(people),
        left_out=clustered - len(people),
        texts=int(sum(row["texts"] for row in {r["person_id"]: r for r in members}.values())),
        clusters=len(alive),
        stability=alive[0]["stability"] if alive else None,
        adjusted_rand_index=_agreement(cluster, truth),
        right=_right(cluster, truth, common),
        confidence=float(np.mean([chosen[p][1] for p in people])) if people else None,
        seconds=None,
        interests=tuple(
            Interest(row["label"], row["people"], row["share"], common.get(row["cluster_id"]))
            for row in alive
        ),
    )


def _refused(problem: str, people: int, left_out: int, texts: int) -> ClusteringScore:
    return ClusteringScore(
        "INCONCLUSIVE", problem, people, left_out, texts, 0, None, None, None, None, None
    )


def _agreement(cluster: Sequence[Own], truth: Sequence[str] | None) -> float | None:
    return None if not truth else float(adjusted_rand_score(truth, cluster))


def _most_common(cluster: Sequence[Own], truth: Sequence[str] | None) -> Mapping[Own, str]:
    by_cluster: dict[Own, Counter[str]] = {}
    for own, interest in zip(cluster, truth or (), strict=False):
        by_cluster.setdefault(own, Counter())[interest] += 1
    return {own: _commonest(counts) for own, counts in by_cluster.items()}


def _commonest(counts: Counter[str]) -> str:
    """Of several the first in the alphabet."""
    return min(counts.items(), key=lambda entry: (-entry[1], entry[0]))[0]


def _right(
    cluster: Sequence[Own], truth: Sequence[str] | None, common: Mapping[Own, str]
) -> float | None:
    if not truth:
        return None
    return sum(common[c] == t for c, t in zip(cluster, truth, strict=True)) / len(truth)
