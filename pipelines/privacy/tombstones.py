"""Keeps erased people erased: landing passes every chunk of rows through here before it is staged.

A tombstone is the SHA-256 of an erased id, so that the list of the erased names nobody.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts import load_contract
from pipelines.privacy.declared import (
    DISTINCTIVE,
    RECORDS,
    Id,
    Kind,
    PersonTable,
    clicks_in,
    person_tables,
)
from pipelines.warehouse import Statement, Warehouse

TABLE = "raw.privacy_tombstones"
_EXTRA = "_extra"
_WORD = re.compile(rf"[A-Za-z0-9_.-]{{{DISTINCTIVE},}}")
_Mask = npt.NDArray[np.bool_]


def digest(id_: Id) -> str:
    """The tombstone of an id. One that is not distinctive counts only as an id of its kind."""
    text = id_.value if id_.distinctive else f"{id_.kind}:{id_.value}"
    return hashlib.sha256(f"adcanary-tombstone:{text}".encode()).hexdigest()


def statements(ids: Iterable[Id], erased_at: datetime, request_id: str) -> list[Statement]:
    """Set a tombstone for each id that has none; records and derived keys get none."""
    by_kind: dict[Kind, list[str]] = {}
    for id_ in sorted(set(ids)):
        if id_.kind not in (*RECORDS, Kind.DEVICE_KEY, Kind.PERSON_KEY):
            by_kind.setdefault(id_.kind, []).append(digest(id_))
    return [
        Statement(
            f"INSERT INTO {TABLE} (digest, kind, erased_at, request_id) "
            "SELECT DISTINCT one, @kind, @erased_at, @request_id "
            "FROM UNNEST(SPLIT(@digests, '\\n')) AS one "
            f"WHERE one NOT IN (SELECT digest FROM {TABLE})",
            {
                "kind": str(kind),
                "erased_at": erased_at,
                "request_id": request_id,
                "digests": "\n".join(digests),
            },
        )
        for kind, digests in by_kind.items()
    ]


@dataclass(frozen=True)
class Tombstones:
    """The tombstones there are; ``newest`` is when the last erasure began, UTC."""

    digests: frozenset[str] = field(default=frozenset(), repr=False)
    newest: datetime | None = None

    def holds(self, id_: Id) -> bool:
        """Whether the id was erased."""
        return digest(id_) in self.digests

    def apply(self, rows: pa.Table, table: str) -> tuple[pa.Table, int]:
        """The rows without erased people, and how many were dropped.

        Rows are dropped, or lose their ids, as sql/privacy/person_columns.yaml says of the table.
        A row that names somebody else stays and loses the erased id. Unknown fields (``_extra``)
        that hold an erased id become NULL in any table.

        Args:
            rows: in the table's contract, less columns that landing adds.
        """
        if not self.digests or not rows.num_rows:
            return rows, 0
        rows = self._without_extra(rows)
        declared = person_tables().get(table)
        return self._declared(rows, declared) if declared and declared.columns else (rows, 0)

    def _declared(self, rows: pa.Table, table: PersonTable) -> tuple[pa.Table, int]:
        hits = {
            column.path: self._hits(rows, column.path, _as(column.kind))
            for column in table.columns
            if column.kind not in RECORDS and column.column in rows.column_names
        }
        for path in table.urls:
            hits[path] = self._hits(rows, path, _as_url)
        hit = _any(hits.values(), rows.num_rows)
        if not hit.any():
            return rows, 0
        # whose a row is: the strongest id in it that names somebody
        theirs, named = np.zeros(rows.num_rows, bool), np.zeros(rows.num_rows, bool)
        for column in table.namers:
            if column.path in hits:
                stated = _numpy(pc.is_valid(_leaf(rows, column.path)[0]))
                theirs |= hits[column.path] & stated & ~named
                named |= stated
        theirs = hit & (theirs | ~named)
        rows = _without(rows, {path: mask & ~theirs for path, mask in hits.items()}, table)
        if table.deletes:
            return rows.filter(pa.array(~theirs)), int(theirs.sum())
        return _without(rows, dict.fromkeys((*table.cleared, _EXTRA), theirs), table), 0

    def _hits(self, rows: pa.Table, path: str, ids_of: Callable[[str], list[Id]]) -> _Mask:
        """Which rows hold an erased id at a path; each distinct value is hashed once."""
        values, parents = _leaf(rows, path)
        erased = [
            value
            for value in pc.unique(values).to_pylist()
            if value and any(self.holds(i) for i in ids_of(value))
        ]
        mask: _Mask = np.zeros(rows.num_rows, bool)
        if erased:
            held = _numpy(pc.is_in(values, value_set=pa.array(erased, values.type)))
            if parents is None:
                return held
            mask[parents[held]] = True
        return mask

    def _without_extra(self, rows: pa.Table) -> pa.Table:
        if _EXTRA not in rows.column_names or rows[_EXTRA].null_count == rows.num_rows:
            return rows
        return _nulled(rows, _EXTRA, self._hits(rows, _EXTRA, _as_words))


def load(warehouse: Warehouse) -> Tombstones:
    """The tombstones that the warehouse holds."""
    rows = warehouse.query(f"SELECT digest, erased_at FROM {TABLE}")
    return Tombstones(frozenset(rows["digest"].to_pylist()), pc.max(rows["erased_at"]).as_py())


def _as(kind: Kind) -> Callable[[str], list[Id]]:
    return lambda value: [Id(kind, value)]


def _as_url(text: str) -> list[Id]:
    return [Id(Kind.CLICK, click) for click in clicks_in(text)]


def _as_words(text: str) -> list[Id]:
    """What may be an id in a text: of long ones, the digest is the same for every kind."""
    return [Id(Kind.DEVICE, word) for word in _WORD.findall(text)]


def _leaf(rows: pa.Table, path: str) -> tuple[pa.Array, npt.NDArray[np.int64] | None]:
    """The values at a path (``a.b``), and the row of each where lists lie on the way."""
    first, *rest = path.split(".")
    values = rows[first].combine_chunks()
    parents: npt.NDArray[np.int64] | None = None
    for name in rest:
        if pa.types.is_list(values.type):
            index = pc.list_parent_indices(values).to_numpy(zero_copy_only=False)
            parents = index if parents is None else parents[index]
            values = pc.list_flatten(values)
        values = pc.struct_field(values, name)
    return values, parents


def _without(rows: pa.Table, masks: dict[str, _Mask], table: PersonTable) -> pa.Table:
    """The rows with NULL where a mask says so, in columns that may be NULL."""
    nullable = {c.name for c in load_contract(table.table).columns if c.nullable and c.is_scalar}
    for name, mask in masks.items():
        if name in nullable and name in rows.column_names:
            rows = _nulled(rows, name, mask)
    return rows


def _nulled(rows: pa.Table, name: str, mask: _Mask) -> pa.Table:
    if not mask.any():
        return rows
    kept = pc.if_else(pa.array(mask), pa.scalar(None, rows[name].type), rows[name])
    return rows.set_column(rows.column_names.index(name), rows.schema.field(name), kept)


def _any(masks: Iterable[_Mask], length: int) -> _Mask:
    hit: _Mask = np.zeros(length, bool)
    for mask in masks:
        hit |= mask
    return hit


def _numpy(mask: pa.Array) -> _Mask:
    return mask.to_numpy(zero_copy_only=False).astype(bool)
