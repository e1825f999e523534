"""Connected components of edges that are brought along, with how many rounds they took.

Borůvka's rounds (1926): each component takes the first edge that leaves it, and what is joined is
one. That at least halves them, whatever the ids and their order. A depth-first search, as scipy's,
would have no rounds to tell.
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
from pyarrow import csv

from pipelines.errors import InputError, UsageError

_NOTHING_DONE = "nothing was read or written."
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Components:
    """What was found; ``seconds`` are from the file to the answer.

    Args:
        components: their number; an id that stands only in an edge to itself is one.
        largest: ids in the largest.
        rounds: how often components joined along the edges between them.
    """

    components: int
    largest: int
    rounds: int
    seconds: float


def score_edges(path: Path) -> Components:
    """The components of a CSV file with the columns ``left`` and ``right``; ids are texts.

    Raises:
        UsageError: no such file, or none that can be read.
        InputError: no such columns, or an edge with an end missing.
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
    """A node of each node's component, the same for all of them, and the rounds it took.

    Args:
        left, right: ends of the edges, of one length, from 0 to ``nodes`` - 1.
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
    """The root of each node's tree, once every node with an edge hangs on its first edge's end."""
    none = len(left)
    first = np.full(nodes, none, dtype=left.dtype)
    numbers = np.arange(none - 1, -1, -1, dtype=left.dtype)
    first[left[::-1]] = numbers  # of equal places the last write stays: the first edge
    by_right = np.full(nodes, none, dtype=left.dtype)
    by_right[right[::-1]] = numbers
    first = np.minimum(first, by_right)
    parent: Ints = np.arange(nodes, dtype=left.dtype)
    ends = np.flatnonzero(first < none)
    edge = first[ends]
    parent[ends] = np.where(left[edge] == ends, right[edge], left[edge])
    # two that chose one edge: the lesser is the root
    mutual = ends[(parent[parent[ends]] == ends) & (ends < parent[ends])]
    parent[mutual] = mutual
    while True:
        shorter = parent[parent]
        if np.array_equal(shorter, parent):
            return parent
        parent = shorter


def _read(path: Path) -> tuple[Ints, Ints, int]:
    """Ends of the edges as numbers, and how many ids there are."""
    ids = pa.string()
    options = csv.ConvertOptions(
        include_columns=["left", "right"],
        column_types={"left": ids, "right": ids},
        null_values=[""],
        strings_can_be_null=True,
    )
    try:
        edges = csv.read_csv(path, convert_options=options)
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error}", kept=_NOTHING_DONE, fix="Name a CSV file of edges."
        ) from error
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InputError(
            f"{path} is no CSV file of edges: {error}",
            kept=_NOTHING_DONE,
            fix="It needs the columns left and right, with a header.",
        ) from error
    for name in ("left", "right"):
        if edges[name].null_count:
            row = pc.index(pc.is_null(edges[name]), pa.scalar(True)).as_py() + 1
            raise InputError(
                f"{path}: edge {row} has no {name}.",
                kept=_NOTHING_DONE,
                fix="Give each edge two ends; an id by itself is an edge to itself.",
            )
    both = pa.chunked_array([*edges["left"].chunks, *edges["right"].chunks], ids)
    encoded = both.combine_chunks().dictionary_encode()
    numbers = encoded.indices.to_numpy(zero_copy_only=False)
    return numbers[: len(edges)], numbers[len(edges) :], len(encoded.dictionary)
