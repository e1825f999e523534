"""Whether the rows of a batch are in the shape of their table's contract."""

from __future__ import annotations

import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.sources.base import Batch

_OF_LANDING = {"_extra", "_run_id"}


def assert_fits(batch: Batch, *, whole: bool = True) -> None:
    """Its columns are the contract's, with their types.

    Args:
        whole: every one of them; False where a platform has no word for some that may be null.
    """
    assert isinstance(batch.rows, pa.Table)
    contract = load_contract(batch.table)
    types = {f.name: f.type for f in contract.arrow_schema if f.name not in _OF_LANDING}
    found = {f.name: f.type for f in batch.rows.schema}
    assert found.items() <= types.items()
    required = {c.name for c in contract.columns if not c.nullable} - _OF_LANDING
    assert (types.keys() if whole else required) <= found.keys()
