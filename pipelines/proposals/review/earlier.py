"""The revisions before the latest, packed in memory: what they changed is shown without the
warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

KEPT = 5
"""So many revisions before the latest: what one page shows."""
_TOGETHER = 50
"""Proposals that are packed as one: they are much alike, and take a tenth of what each would."""
_PACKED = pa.ipc.IpcWriteOptions(compression="zstd")


@dataclass(frozen=True)
class Earlier:
    """Rows of canary.canary_proposals. ``packs`` has, by proposal, the pack that its own are in."""

    packs: Mapping[str, pa.Buffer] = field(default_factory=dict)

    def replaced(self, rows: pa.Table) -> Earlier:
        """With these in place of what is here of the same proposals.

        Args:
            rows: as ``standing_earlier.sql`` gives them: a proposal's one after the other.
        """
        ids = rows["proposal_id"].to_pylist() if rows.num_rows else []
        starts = [n for n, id_ in enumerate(ids) if n == 0 or ids[n - 1] != id_]
        packs: dict[str, pa.Buffer] = {}
        for start, end in pairwise([*starts[::_TOGETHER], len(ids)]):
            packs.update(dict.fromkeys(ids[start:end], _pack(rows.slice(start, end - start))))
        return Earlier({**self.packs, **packs}) if packs else self

    def of(self, proposal_id: str) -> Sequence[Mapping[str, Any]]:
        """A proposal's rows, by revision."""
        pack = self.packs.get(proposal_id)
        if pack is None:
            return []
        rows = pa.ipc.open_stream(pack).read_all()
        mine: list[dict[str, Any]] = rows.filter(
            pc.equal(rows["proposal_id"], proposal_id)
        ).to_pylist()
        return mine


def _pack(rows: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_PACKED) as stream:
        stream.write_table(rows)
    return sink.getvalue()
