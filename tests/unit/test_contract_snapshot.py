"""A change of a contract is a change of what is deployed: here it is made on purpose.

``python -m tests.unit.test_contract_snapshot`` writes the snapshot anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.contracts import load_contracts

SNAPSHOT = Path(__file__).with_name("contracts.snapshot")


def lines() -> Iterator[str]:
    """Every column of every contract, and what ``adcanary migrate`` can't change of a table."""
    for table, contract in sorted(load_contracts().items()):
        keys = f"key {', '.join(contract.primary_key)}"
        partition = f"by {contract.partition_by}" if contract.partition_by else "not partitioned"
        yield f"{table}: {keys}; {partition}; clustered by {', '.join(contract.cluster_by) or '–'}"
        for column in contract.columns:
            null = "" if column.nullable else " NOT NULL"
            yield f"{table}.{column.name} {column.type}{null}"


def test_contracts_are_as_they_were_or_the_snapshot_says_what_changed() -> None:
    was, now = SNAPSHOT.read_text().splitlines(), list(lines())
    gone, new = sorted({*was} - {*now}), sorted({*now} - {*was})
    assert (gone, new) == ([], []), (
        "A contract changed. Columns that may be NULL are added by `adcanary migrate`; whatever "
        "else is gone or differs needs a plan for those who have the table (docs/doctor.md). Then "
        "write the snapshot anew: python -m tests.unit.test_contract_snapshot"
    )


if __name__ == "__main__":
    SNAPSHOT.write_text("".join(f"{line}\n" for line in lines()))
