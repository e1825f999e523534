"""The guard of ids of persons, devices and clicks: those that are nobody's are NULL."""

from __future__ import annotations

import pyarrow as pa

from pipelines.contracts import Contract
from pipelines.placeholders import SHIPPED
from pipelines.privacy.declared import declared

Columns = dict[str, pa.ChunkedArray | pa.Array]


def without_placeholders(columns: Columns, contract: Contract) -> Columns:
    """A batch's columns with NULL for every id of a person, device or click that is nobody's."""
    person = declared(contract.table)
    ids = {column.path for column in person.columns} if person else set()
    nullable = {column.name for column in contract.columns if column.nullable}
    return {
        name: SHIPPED.real_values(values) if name in ids & nullable else values
        for name, values in columns.items()
    }
