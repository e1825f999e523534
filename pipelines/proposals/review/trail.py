"""Every event of the ledger in columns, small enough to keep a million of them in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.proposals.events import GENESIS

_REPEATED = ("proposal_id", "action", "to_state", "actor", "actor_kind")
_KEPT = ("sequence", "link", "revision", "comment", "occurred_at", *_REPEATED)


@dataclass(frozen=True)
class Entry:
    """An event as a person reads it; ``link`` is the start of its hash."""

    sequence: int
    link: str
    proposal_id: str
    revision: int
    action: str
    to_state: str
    actor: str
    actor_kind: str
    comment: str | None
    occurred_at: datetime


@dataclass(frozen=True)
class Trail:
    """The events up to one; columns whose values repeat are kept as codes."""

    columns: pa.Table
    sequence: int
    head: str

    @classmethod
    def empty(cls) -> Trail:
        return cls(pa.table({}), 0, GENESIS)

    def extended(self, rows: pa.Table, head: str) -> Trail:
        """The trail with the events after it, as ``trail.sql`` gives them.

        Args:
            head: the event_id of the last one.
        """
        if not rows.num_rows:
            return self
        kept = rows.select(_KEPT)
        for name in _REPEATED:
            place = kept.column_names.index(name)
            kept = kept.set_column(place, name, pc.dictionary_encode(kept[name]))
        if self.sequence:
            kept = pa.concat_tables([self.columns, kept])
        kept = kept.unify_dictionaries().combine_chunks()
        return Trail(kept, rows["sequence"][rows.num_rows - 1].as_py(), head)

    def select(self, skip: int, count: int, **equal: str) -> tuple[int, Sequence[Entry]]:
        """How many events have these values, and some of them, the newest first.

        Args:
            equal: a column's name, and the value that it must have.
        """
        if not self.sequence:
            return 0, ()
        matching = np.ones(self.columns.num_rows, dtype=bool)
        for name, value in equal.items():
            matching &= self._equal(name, value)
        places = np.nonzero(matching)[0]
        rows = self.columns.take(pa.array(places[::-1][skip : skip + count])).to_pylist()
        return len(places), tuple(Entry(**row) for row in rows)

    def ids_since(self, sequence: int, action: str) -> list[str]:
        """The proposals that an action was done on after an event, the latest last."""
        if sequence >= self.sequence:
            return []
        rows = self.columns.slice(sequence).select(["proposal_id", "action"]).to_pylist()
        return list(dict.fromkeys(r["proposal_id"] for r in rows if r["action"] == action))

    def values(self, name: str) -> list[str]:
        """The values that a repeated column has."""
        if not self.sequence:
            return []
        return sorted(self._coded(name).dictionary.to_pylist())

    def _equal(self, name: str, value: str) -> Any:
        coded = self._coded(name)
        code = pc.index(coded.dictionary, value).as_py()
        return np.asarray(coded.indices) == code

    def _coded(self, name: str) -> pa.DictionaryArray:
        column = self.columns[name]
        return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
