"""One vector a person: the weighted mean of the texts that they saw, in a space of few dimensions.

The encoder's space is projected to its principal components, fitted to a sample of the texts; what
few texts differ in by chance goes. Texts are encoded batch by batch and never held together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from pipelines.jobs.clustering.encoders import Encoder, Vectors, encoded, unit
from pipelines.jobs.clustering.texts import PersonTexts

Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.float32]

DIMENSIONS = 32
PEOPLE_PER_DIMENSION = 10
SAMPLE_TEXTS = 8_000


@dataclass(frozen=True)
class Projection:
    """From the encoder's space to the one that is clustered.

    Args:
        mean: [dimension of the encoder].
        components: orthonormal, [dimension, dimension of the encoder].
    """

    mean: Floats
    components: Floats

    def __call__(self, vectors: Vectors) -> Floats:
        """Unit vectors, [text, dimension]."""
        projected: Floats = unit((vectors - self.mean) @ self.components.T)
        return projected

    def directions(self, points: Floats) -> Floats:
        """Points of the clustered space as unit directions in the encoder's, which outlast this
        projection: [point, dimension of the encoder]."""
        outer: Floats = unit(points @ self.components)
        return outer

    def points(self, directions: Floats) -> Floats:
        """Directions of the encoder's space, perhaps of another week, as unit vectors here."""
        inner: Floats = unit(directions @ self.components.T)
        return inner


def fit_projection(encoder: Encoder, seen: PersonTexts, seed: int) -> Projection:
    """Principal components of a sample of the distinct texts."""
    size = min(SAMPLE_TEXTS, len(seen.texts))
    chosen = np.sort(np.random.default_rng([seed, 1]).permutation(len(seen.texts))[:size])
    sample = [seen.texts[i] for i in chosen]
    encoder.fit(sample)
    vectors = np.concatenate(list(encoded(encoder, sample)))
    most = min(len(seen.persons) // PEOPLE_PER_DIMENSION, len(sample) - 1, vectors.shape[1])
    count = max(min(DIMENSIONS, most), 1)
    fitted = PCA(count, svd_solver="covariance_eigh").fit(vectors.astype(np.float64))
    return Projection(fitted.mean_, fitted.components_)


def text_points(
    encoder: Encoder,
    texts: Sequence[str],
    projection: Projection,
    progress: Callable[[int], None] = lambda _: None,
) -> Points:
    """The texts projected, [text, dimension].

    Args:
        progress: called with the number of texts that are encoded so far.
    """
    points = np.empty((len(texts), len(projection.components)), dtype=np.float32)
    at = 0
    for vectors in encoded(encoder, texts):
        points[at : at + len(vectors)] = projection(vectors)
        at += len(vectors)
        progress(at)
    return points


def person_points(seen: PersonTexts, points: Points) -> Floats:
    """Each person's weighted mean of their texts' points, at length 1: [person, dimension]."""
    people: Floats = unit(seen.weights @ points.astype(np.float64))
    return people
