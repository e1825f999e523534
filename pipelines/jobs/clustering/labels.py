"""What a cluster is called: the terms that its texts have and those of other clusters haven't.

Terms are weighed by class-based TF-IDF (Grootendorst 2022): the share of a term among a cluster's
terms, times log(1 + terms of a cluster on average / occurrences of the term). Texts come without
personal data, and several people saw each of them; numbers are no terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from pipelines.jobs.clustering.kmeans import Ints
from pipelines.jobs.clustering.texts import PersonTexts
from pipelines.jobs.clustering.vectors import Floats

TERMS, EXAMPLES = 8, 5
IN_LABEL = 3
MAJORITY = 0.5
MAX_TEXTS, MAX_TERMS = 50_000, 30_000

_TERM = r"(?u)[^\W\d_][^\W\d_’'-]{2,}"


@dataclass(frozen=True)
class Label:
    """A cluster for a person to read.

    Args:
        label: its most distinctive terms, joined by commas.
        terms: more of them, the most distinctive first.
        examples: its most typical texts, the first first.
    """

    label: str
    terms: tuple[str, ...]
    examples: tuple[str, ...]


def label_clusters(seen: PersonTexts, cluster: Ints, count: int) -> list[Label]:
    """Labels of the clusters 0 to ``count`` - 1.

    Args:
        cluster: each person's.
    """
    people = len(seen.persons)
    belongs = csr_matrix((np.ones(people), (cluster, np.arange(people))), shape=(count, people))
    weights = (belongs @ seen.weights).tocsr()  # [cluster, text]
    chosen = _heaviest(weights)
    texts, weights = [seen.texts[i] for i in chosen], weights[:, chosen]
    scores = np.zeros((count, 0))
    names: list[str] = []
    counter = CountVectorizer(token_pattern=_TERM, max_features=MAX_TERMS, ngram_range=(1, 2))
    try:
        terms = counter.fit_transform(texts)
    except ValueError:  # no text has a term
        pass
    else:
        names = counter.get_feature_names_out().tolist()
        scores = _class_tf_idf(np.asarray((weights @ terms).todense()), names)
    shares = _shares(weights)
    return [
        _label(row, names, _typical(texts, shares, number)) for number, row in enumerate(scores)
    ]


def _heaviest(weights: csr_matrix) -> Ints:
    """The texts that weigh most, in order of the alphabet: labels need no others, and the terms of
    a million texts would need more memory than all else."""
    whole = np.round(np.asarray(weights.sum(axis=0)).ravel(), 9)
    return np.sort(np.argsort(-whole, kind="stable")[:MAX_TEXTS]).astype(np.int64)


def _class_tf_idf(counts: Floats, names: Sequence[str]) -> Floats:
    """[cluster, term]; 0 for what most of is elsewhere, as of words like "for"."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    occurs = np.maximum(counts.sum(axis=0), 1e-12)
    scores = counts / total * np.log1p(total.mean() / occurs)
    own = counts / occurs
    number = {name: i for i, name in enumerate(names)}
    for i, name in enumerate(names):  # of a pair of terms the rarer share counts
        for part in name.split() if " " in name else ():
            own[:, i] = np.minimum(own[:, i], own[:, number[part]] if part in number else 0)
    scores[own <= MAJORITY] = 0
    return np.asarray(scores)


def _shares(weights: csr_matrix) -> csr_matrix:
    """How typical a text is: its weight in the cluster, times the cluster's share of it."""
    whole = np.maximum(np.asarray(weights.sum(axis=0)).ravel(), 1e-12)
    typical = weights.copy()
    typical.data = typical.data**2 / whole[typical.indices]
    return typical


def _typical(texts: Sequence[str], shares: csr_matrix, number: int) -> tuple[str, ...]:
    row = shares[[number]]
    order = np.lexsort((row.indices, -np.round(row.data, 9)))[:EXAMPLES]
    return tuple(texts[i] for i in row.indices[order])


def _label(scores: Floats, names: list[str], examples: tuple[str, ...]) -> Label:
    best = [i for i in np.argsort(-np.round(scores, 9), kind="stable") if scores[i] > 0]
    chosen: list[str] = []
    for i in best:
        parts = set(names[i].split())
        # "hiking" after "hiking boots" says nothing new
        if not any(parts & set(other.split()) for other in chosen):
            chosen.append(names[i])
        if len(chosen) == TERMS:
            break
    label = ", ".join(chosen[:IN_LABEL]) or (examples[0] if examples else "without a term")
    return Label(label, tuple(chosen), examples)
