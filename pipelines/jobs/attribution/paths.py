"""Paths of channels as arrays: who steps where, and how often a path ended in a conversion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]

SEPARATOR = " > "


@dataclass(frozen=True)
class Paths:
    """Paths of at least one step, with how many journeys went each.

    Args:
        channels: names, sorted.
        steps: channel numbers of all paths one after the other, [step].
        first: where each path begins in ``steps``, and last the number of steps, [path + 1].
        conversions: journeys that ended in a conversion, [path].
        nulls: journeys that ended without one, [path].
        value: of the conversions, [path].
    """

    channels: tuple[str, ...]
    steps: Ints
    first: Ints
    conversions: Floats
    nulls: Floats
    value: Floats

    @property
    def lengths(self) -> Ints:
        """Steps of each path, [path]."""
        return np.diff(self.first)

    @property
    def path_of_step(self) -> Ints:
        """Which path a step belongs to, [step]."""
        return np.repeat(np.arange(len(self.lengths), dtype=np.int32), self.lengths)


def split_paths(
    texts: Sequence[str] | pa.Array,
    conversions: Floats,
    nulls: Floats,
    value: Floats,
) -> Paths:
    """Take paths apart that are written as ``A > B > A``; equal paths may come several times."""
    split = pc.split_pattern(pa.array(texts, pa.large_string()), SEPARATOR)
    encoded = split.flatten().dictionary_encode()
    names = [name.strip() for name in encoded.dictionary.to_pylist()]
    channels = sorted(set(names))
    place = {name: i for i, name in enumerate(channels)}
    number = np.array([place[name] for name in names], dtype=np.int32)
    return Paths(
        channels=tuple(channels),
        steps=number[encoded.indices.to_numpy()],
        first=split.offsets.to_numpy().astype(np.int64),
        conversions=conversions,
        nulls=nulls,
        value=value,
    )


def summed(index: Ints, weight: Floats, size: int) -> Floats:
    """The weights of each index, [size]."""
    sums: Floats = np.bincount(index, weight, size).astype(np.float64, copy=False)
    return sums


def linear_credit(paths: Paths, whole: Floats) -> Floats:
    """What each path brings, [path], shared by all its steps alike: [channel]."""
    per_step = np.repeat(whole / paths.lengths, paths.lengths)
    return summed(paths.steps, per_step, len(paths.channels))
