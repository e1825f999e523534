"""What a file's columns are called that its mapping does not name, beside those of a table."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.contracts import load_contract


def names_beside(table: str, names: Iterable[str], *taken: str) -> list[str]:
    """Names for columns of a file beside those of a table's contract, and ``taken`` ones: by a
    name of theirs a file means another thing, and capitals make no other name in BigQuery."""
    known = {name.lower() for name in (*load_contract(table).column_names, *taken)}
    beside: list[str] = []
    for name in names:
        other = f"file_{name}" if name.lower() in known else name
        while other in beside:
            other = f"{other}_"
        beside.append(other)
    return beside
