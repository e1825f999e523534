"""The connected components of a file of edges, and how many rounds they took.

Borůvka's rounds (1926): each component picks the first edge that leaves it, and components joined
by an edge become one. A round at least halves their number, whatever the ids and their order. A
depth-first search, like SciPy's, has no rounds to report.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import line_of, listed, read_cells

_ENDS = ("left", "right")
_KEPT = "nothing was counted."
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Components:
    """A file's components; ``seconds`` is the time from file to answer.

    Args:
        components: their number; an id whose only edge is to itself is one.
        largest: number of ids in the largest.
        rounds: how often components were joined along the edges between them.
    """

    components: int
    largest: int
    rounds: int
    seconds: float


def score_edges(path: Path) -> Components:
    """The components of a CSV file with the columns ``left`` and ``right``; ids are strings.

    Raises:
        InputError: the file can't be read, or an end of an edge is missing; says which.
    """
    began = time.perf_counter()
    left, right, nodes = _read(path)
    labels, rounds = solve(left, right, nodes)
    sizes = np.bincount(labels, minlength=1)
    return Components(
        components=int(np.count_nonzero(sizes)),
        largest=int(sizes.max()),
        rounds=rounds,
        seconds=round(time.perf_counter() - began, 3),
    )


def solve(left: Ints, right: Ints, nodes: int) -> tuple[Ints, int]:
    """For each node, the node that stands for its component; and the rounds it took.

    Args:
        left, right: ends of the edges, equally long, from 0 to ``nodes`` - 1.
    """
    kind = np.int32 if max(nodes, len(left)) < 2**31 - 1 else np.int64
    labels: Ints = np.arange(nodes, dtype=kind)
    left, right = left.astype(kind), right.astype(kind)
    rounds = 0
    while True:
        apart = left != right
        left, right = left[apart], right[apart]
        if not len(left):
            return labels, rounds
        rounds += 1
        parent = _joined(left, right, nodes)
        labels, left, right = parent[labels], parent[left], parent[right]


def _joined(left: Ints, right: Ints, nodes: int) -> Ints:
    """The root of each node's tree, once every node hangs on the other end of its first edge."""
    none = len(left)
    first = np.full(nodes, none, dtype=left.dtype)
    numbers = np.arange(none - 1, -1, -1, dtype=left.dtype)
    first[left[::-1]] = numbers  # of several writes to a place the last one stays: the first edge
    by_right = np.full(nodes, none, dtype=left.dtype)
    by_right[right[::-1]] = numbers
    first = np.minimum(first, by_right)
    parent: Ints = np.arange(nodes, dtype=left.dtype)
    ends = np.flatnonzero(first < none)
    edge = first[ends]
    parent[ends] = np.where(left[edge] == ends, right[edge], left[edge])
    # where two chose the same edge, the lesser is the root
    mutual = ends[(parent[parent[ends]] == ends) & (ends < parent[ends])]
    parent[mutual] = mutual
    while True:
        shorter = parent[parent]
        if np.array_equal(shorter, parent):
            return parent
        parent = shorter


def _read(path: Path) -> tuple[Ints, Ints, int]:
    """Ends of the edges as numbers, and how many ids there are."""
    edges = read_cells(path, _KEPT)
    names = edges.column_names
    if missing := [name for name in _ENDS if name not in names]:
        raise InputError(
            f"{path} has no column {' and no column '.join(missing)}; it has {listed(names)}.",
            kept=_KEPT,
            fix="Name the columns left and right.",
        )
    both = pa.chunked_array([chunk for name in _ENDS for chunk in edges[name].chunks], pa.string())
    encoded = both.combine_chunks().dictionary_encode()
    # ids are stripped, as all texts of evaluate: once each, where there may be millions of edges
    ids = pc.utf8_trim_whitespace(encoded.dictionary).dictionary_encode()
    numbers = ids.indices.to_numpy(zero_copy_only=False)[
        encoded.indices.to_numpy(zero_copy_only=False)
    ]
    empty = pc.index(ids.dictionary, pa.scalar("")).as_py()
    if empty >= 0:
        end, row = divmod(int(np.argmax(numbers == empty)), len(edges))
        raise InputError(
            f"{path} line {line_of(path, row + 2)}: the edge has no {_ENDS[end]}.",
            kept=_KEPT,
            fix="Give each edge two ends; write an id without edges as an edge to itself.",
        )
    return numbers[: len(edges)], numbers[len(edges) :], len(ids.dictionary)
