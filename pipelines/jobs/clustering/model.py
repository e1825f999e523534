"""The interests of people, from the texts that they saw: the whole of the method, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from pipelines.jobs.clustering.encoders import Encoder, unit
from pipelines.jobs.clustering.kmeans import Ints, centres_of, nearest, reservoir, stream
from pipelines.jobs.clustering.labels import Label, label_clusters
from pipelines.jobs.clustering.stability import Agreement, agreements, choose
from pipelines.jobs.clustering.texts import PersonTexts
from pipelines.jobs.clustering.vectors import Floats, fit_projection, person_points, text_points

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Clusters:
    """A division of people into clusters, the largest first.

    Args:
        cluster: each person's, [person].
        confidence: see :func:`confidence`, [person].
        centroids: unit directions in the encoder's space, [cluster, dimension of the encoder].
        cohesion: mean cosine of a cluster's people to its centroid, [cluster].
        agreement: of halves, by number of clusters.
    """

    cluster: Ints
    confidence: Floats
    centroids: Floats
    cohesion: Floats
    labels: tuple[Label, ...]
    agreement: Mapping[int, Agreement]

    @property
    def count(self) -> int:
        return len(self.centroids)


def cluster_people(
    seen: PersonTexts,
    encoder: Encoder,
    *,
    largest: int,
    seed: int,
    earlier: Floats | None = None,
    progress: Progress = lambda _: None,
) -> Clusters:
    """Cluster people by what they saw. The same arguments give the same result.

    Args:
        largest: the most clusters that are tried.
        earlier: last week's centroids, as in :class:`Clusters`: their number and places are kept
            while this week's people agree on them as well as on any.
    """
    progress(f"encoding {len(seen.texts)} texts")
    projection = fit_projection(encoder, seen, seed)
    points = text_points(encoder, seen.texts, projection)
    people = person_points(seen, points)
    with threadpool_limits(1):
        progress("trying numbers of clusters")
        sample = reservoir(people, seed)
        by_number = agreements(sample, largest, seed) or {1: Agreement(0.0, 0.0)}
        known = np.empty((0, 0)) if earlier is None else earlier
        k = choose(by_number, len(known))
        if len(known) == k:
            centres = _settled(sample, projection.points(known))
        else:
            centres = centres_of(sample, k, seed)
        centres = stream(people, centres, seed)
        cluster = nearest(people, centres)
        order = np.argsort(-np.bincount(cluster, minlength=k), kind="stable")
        cluster, centres = np.argsort(order)[cluster], centres[order]
        sizes = np.bincount(cluster, minlength=k)
        own = np.einsum("pd,pd->p", people, centres[cluster])
        return Clusters(
            cluster=cluster,
            confidence=confidence(seen, nearest(points, centres), cluster, k),
            centroids=projection.directions(centres),
            cohesion=np.bincount(cluster, own, k) / np.maximum(sizes, 1),
            labels=tuple(label_clusters(seen, cluster, k)),
            agreement=by_number,
        )


def _settled(sample: Floats, centres: Floats) -> Floats:
    """Last week's centres moved to where this week's people are (Lloyd)."""
    for _ in range(50):
        own = nearest(sample, centres)
        moved = np.array(
            [
                sample[own == i].sum(axis=0) if (own == i).any() else centre
                for i, centre in enumerate(centres)
            ]
        )
        moved = unit(moved)
        if np.allclose(moved, centres, atol=1e-6):
            break
        centres = moved
    return centres


def confidence(seen: PersonTexts, text_cluster: Ints, cluster: Ints, count: int) -> Floats:
    """How probably the next text that a person sees is of their cluster, [person].

    A person's texts are drawn from the clusters by shares of their own, which are Dirichlet about
    everybody's; its concentration is fitted by moments, to how often two texts of one person are of
    one cluster. So one text says little where people's texts differ, and much where they don't. A
    text counts by its weight: what most people saw hardly counts.

    Args:
        text_cluster: the cluster nearest to each text.
    """
    people = len(seen.persons)
    typical = float(np.median(seen.weights.data)) if seen.rows else 1.0
    weights = csr_matrix(
        (seen.weights.data / typical, text_cluster[seen.weights.indices], seen.weights.indptr),
        shape=(people, count),
    )
    squares = np.bincount(_owners(seen), weights.data**2, people)
    sums = np.asarray(weights.todense())  # [person, cluster], texts of one cluster together
    total = sums.sum(axis=1)
    shares = sums.sum(axis=0) / max(total.sum(), 1e-12)
    pairs = float((total**2 - squares).sum())
    alike = float(((sums**2).sum(axis=1) - squares).sum()) / pairs if pairs > 0 else 0.0
    excess = max(alike - float((shares**2).sum()), 1e-6)
    concentration = max((1 - alike) / excess, 1e-6)
    own = sums[np.arange(people), cluster]
    likely: Floats = (own + concentration * shares[cluster]) / (total + concentration)
    return likely


def _owners(seen: PersonTexts) -> Ints:
    """The person of each weight."""
    return np.repeat(np.arange(len(seen.persons)), np.diff(seen.weights.indptr))
