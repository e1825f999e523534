"""Who saw which texts: each distinct text once, and how much it says of a person's interest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from pipelines.privacy.redaction import redacted

SITE_SHARE = 0.2
"""A part of a title that so many of all titles end with is the site's name."""

MIN_EVIDENCE = float(np.log(2) * np.log(10))
"""Weight of a person's texts below which they say nothing of an interest: that of one view of a
text which a tenth of the people saw."""

_PARTS = re.compile(r"\s+[|–—·»:-]\s+")
_JOINTS = " |–—·»:-"
_REDACTED = re.compile(r"\((?:e-mail|phone|iban|hash|redacted)\)")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class PersonTexts:
    """Views of texts.

    Args:
        persons: their ids, sorted.
        texts: distinct, sorted, cleaned (:func:`clean_texts`).
        weights: [person, text], sparse: ``log(1 + views)`` by the text's inverse person frequency,
            ``log(persons / persons of the text)``. A page that everyone sees has none.
    """

    persons: tuple[str, ...]
    texts: tuple[str, ...]
    weights: csr_matrix

    @property
    def rows(self) -> int:
        """Pairs of a person and a text that weigh something."""
        return int(self.weights.nnz)


def person_texts(
    persons: pa.Array | pa.ChunkedArray,
    texts: pa.Array | pa.ChunkedArray,
    views: npt.NDArray[np.float64] | None = None,
) -> PersonTexts:
    """Of rows of (person, text[, views]); rows may repeat. Rows of no text are left out, and so
    are people whose texts weigh less than ``MIN_EVIDENCE``."""
    ids, names = _coded(persons)
    places, distinct = _coded(texts)
    cleaned = clean_texts(distinct)
    kept = sorted({text for text in cleaned if text})
    number = {text: i for i, text in enumerate(kept)}
    place_of = np.array([number.get(text, -1) for text in cleaned], dtype=np.int64)
    columns = place_of[places] if len(place_of) else np.empty(0, dtype=np.int64)
    said = columns >= 0
    counts = np.ones(len(ids)) if views is None else views
    shape = (len(names), len(kept))
    seen = csr_matrix((counts[said], (ids[said], columns[said])), shape=shape)
    readers = np.bincount(seen.indices, minlength=len(kept))
    everyone = max(np.count_nonzero(np.diff(seen.indptr)), 1)
    weigh = np.log(everyone / np.maximum(readers, 1))
    seen.data = np.log1p(seen.data) * weigh[seen.indices]
    seen.eliminate_zeros()
    some = np.flatnonzero(np.asarray(seen.sum(axis=1)).ravel() >= MIN_EVIDENCE)
    return PersonTexts(tuple(names[i] for i in some), tuple(kept), seen[some])


def clean_texts(texts: Sequence[str]) -> list[str]:
    """Texts without personal data, the site's name and what only differs in spaces; one that has
    no letter becomes empty."""
    plain = [_SPACE.sub(" ", _REDACTED.sub(" ", redacted(text))).strip() for text in texts]
    parts = [_PARTS.split(text) for text in plain]
    titles = [part for part in parts if len(part) > 1]
    last = Counter(part[-1] for part in titles)
    first = Counter(part[0] for part in titles)
    often = max(SITE_SHARE * len(titles), 3)
    site = {name for count in (last, first) for name, n in count.items() if n >= often}
    shown = []
    for whole, part in zip(plain, parts, strict=True):
        text = whole
        if len(part) > 1 and part[-1] in site:
            text = whole[: whole.rindex(part[-1])].rstrip(_JOINTS)
        elif len(part) > 1 and part[0] in site:
            text = whole[len(part[0]) :].lstrip(_JOINTS)
        shown.append(text if any(sign.isalpha() for sign in text) else "")
    return shown


def _coded(values: pa.Array | pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Each row's number among the sorted distinct values, and those; NULL counts as empty."""
    filled = pc.fill_null(pc.cast(values, pa.large_string()), "")
    if isinstance(filled, pa.ChunkedArray):
        filled = filled.combine_chunks()
    coded = filled.dictionary_encode()
    order = pc.array_sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[coded.indices.to_numpy()], coded.dictionary.take(pa.array(order)).to_pylist()
