"""Where deployed tables differ from their contracts, and what brings them there.

What is additive can be carried out while others work: no row changes, and what was written before
goes on. Anything else is said in words, and is a person's to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipelines.contracts import Column, Contract

_SHOWN = 5
_ANEW = (
    "A table with rows can't be changed so in place. Copy it (CREATE TABLE {table}_old AS SELECT * "
    "FROM {table}), drop it, run `adcanary migrate`, and INSERT the copy's rows, converted."
)


@dataclass(frozen=True)
class DeployedColumn:
    """A column as the warehouse has it.

    Args:
        type: GoogleSQL's, as the contract writes it; the warehouse's own name where it is another.
        nullable: None where the warehouse doesn't tell (an array of BigQuery's).
        description: None or empty where it has none.
    """

    name: str
    type: str
    nullable: bool | None
    description: str | None


@dataclass(frozen=True)
class Deployed:
    """A table as the warehouse has it.

    Args:
        laid_out: whether the warehouse partitions and clusters tables.
    """

    table: str
    columns: tuple[DeployedColumn, ...]
    description: str | None
    laid_out: bool = False
    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()


class Action(StrEnum):
    """What a change does; all but REFUSE are additive."""

    CREATE = "create"
    ADD = "add column"
    RELAX = "allow NULL"
    DESCRIBE = "describe"
    REFUSE = "refused"


@dataclass(frozen=True)
class Change:
    """One difference between a table and its contract.

    Args:
        column: None where it is of the whole table.
        text: the difference, in words.
        fix: what a person does about one that is refused.
        unwritten: of descriptions, that the warehouse has none of the table's at all.
    """

    table: str
    action: Action
    text: str
    column: str | None = None
    fix: str | None = None
    unwritten: bool = False

    @property
    def additive(self) -> bool:
        return self.action is not Action.REFUSE


def plan(contracts: Iterable[Contract], deployed: Mapping[str, Deployed]) -> list[Change]:
    """What differs, table by table in order of their names."""
    ordered = sorted(contracts, key=lambda c: c.table)
    return [change for c in ordered for change in compare(c, deployed.get(c.table))]


def compare(contract: Contract, deployed: Deployed | None) -> list[Change]:
    """What differs between one contract and its table; None where there is no table."""
    table = contract.table
    if deployed is None:
        text = f"the table is missing ({len(contract.columns)} columns)"
        return [Change(table, Action.CREATE, text)]
    present = {column.name: column for column in deployed.columns}
    changes = [
        change
        for column in contract.columns
        for change in _of_column(table, column, present.get(column.name))
    ]
    for name in present.keys() - set(contract.column_names):
        changes.append(
            _refused(
                table,
                f"{name} ({present[name].type}) is in the table and not in its contract",
                f"Nothing is dropped here. Write it into sql/contracts, or, if nothing reads it: "
                f"ALTER TABLE {table} DROP COLUMN {name}.",
                name,
            )
        )
    changes += _of_layout(contract, deployed)
    changes += _of_descriptions(contract, deployed)
    return sorted(changes, key=lambda change: (not change.additive, change.column or ""))


def _of_column(table: str, column: Column, present: DeployedColumn | None) -> list[Change]:
    name, declared = column.name, f"{column.name} {column.type}"
    if present is None:
        if column.nullable:
            return [Change(table, Action.ADD, f"{declared} is missing", name)]
        text = f"{declared} NOT NULL is missing: rows that are there would have no value for it"
        return [_refused(table, text, _ANEW.format(table=table), name)]
    changes = []
    if present.type != column.type:
        text = f"{name} is {present.type}; its contract says {column.type}"
        changes.append(_refused(table, text, _ANEW.format(table=table), name))
    if column.nullable and present.nullable is False:
        text = f"{name} is NOT NULL; its contract allows NULL"
        changes.append(Change(table, Action.RELAX, text, name))
    if not column.nullable and present.nullable is True and column.is_scalar:
        text = f"{name} may be NULL; its contract says NOT NULL"
        changes.append(_refused(table, text, _ANEW.format(table=table), name))
    return changes


def _of_layout(contract: Contract, deployed: Deployed) -> list[Change]:
    if not deployed.laid_out:
        return []
    changes = []
    for what, present, declared in (
        ("partitioned by", deployed.partition_by or "nothing", contract.partition_by or "nothing"),
        (
            "clustered by",
            ", ".join(deployed.cluster_by) or "nothing",
            ", ".join(contract.cluster_by) or "nothing",
        ),
    ):
        if present != declared:
            text = f"the table is {what} {present}; its contract says {declared}"
            changes.append(_refused(contract.table, text, _ANEW.format(table=contract.table)))
    return changes


def _of_descriptions(contract: Contract, deployed: Deployed) -> list[Change]:
    present = {column.name: column.description or "" for column in deployed.columns}
    differing = [
        column.name
        for column in contract.columns
        if column.name in present and present[column.name] != column.description
    ]
    if (deployed.description or "") != contract.description:
        differing.insert(0, "the table itself")
    if not differing:
        return []
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    text = f"descriptions differ: {', '.join(differing[:_SHOWN])}{more}"
    unwritten = not deployed.description and not any(present.values())
    if unwritten:
        text = "no descriptions are stored with the table"
    return [Change(contract.table, Action.DESCRIBE, text, unwritten=unwritten)]


def _refused(table: str, text: str, fix: str, column: str | None = None) -> Change:
    return Change(table, Action.REFUSE, text, column, fix)
