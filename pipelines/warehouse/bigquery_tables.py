"""A contract as BigQuery's tables API takes it: schema, key, partition, cluster, descriptions.

Tables are created through the API rather than by running the DDL: that is one call, and no job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence

from google.cloud import bigquery
from google.cloud.bigquery.table import PrimaryKey, TableConstraints
from sqlglot import exp

from pipelines.contracts import Column, Contract
from pipelines.warehouse.drift import Action, Change, Deployed, DeployedColumn

# the API's names of types that GoogleSQL calls otherwise
_LEGACY = {
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DECIMAL": "NUMERIC",
    "RECORD": "STRUCT",
}
# Shows in a listing, without a call per table, that a table has its contract's columns.
CONTRACT_LABEL = "contract"


def contract_table(project: str, contract: Contract) -> bigquery.Table:
    """The table that a contract's DDL declares.

    Raises:
        ValueError: the contract is partitioned by something other than a column.
    """
    fields = [_field(column, required=not column.nullable) for column in contract.columns]
    table = bigquery.Table(f"{project}.{contract.table}", schema=fields)
    table.description = contract.description
    table.labels = table_labels(contract)
    table.table_constraints = TableConstraints(PrimaryKey(list(contract.primary_key)), None)
    table.clustering_fields = list(contract.cluster_by) or None
    if contract.partition_by is not None:
        if contract.partition_by not in contract.column_names:
            raise ValueError(f"{contract.table} is partitioned by {contract.partition_by}")
        table.time_partitioning = bigquery.TimePartitioning(field=contract.partition_by)
    return table


def table_labels(contract: Contract) -> dict[str, str]:
    """The labels that a contract's DDL sets, and which contract the table has."""
    return {**contract.labels, CONTRACT_LABEL: fingerprint(contract)}


def fingerprint(contract: Contract) -> str:
    """A digest of a contract's columns, short enough for a label of its table."""
    columns = "|".join(f"{c.name}:{c.type}:{c.nullable}" for c in contract.columns)
    return hashlib.sha256(columns.encode()).hexdigest()[:16]


def changed_columns(table: bigquery.Table, contract: Contract) -> list[str]:
    """The DDL that adds the columns that the contract gained since, and lets those be NULL that may
    be by now."""
    modes = {field.name: field.mode for field in table.schema}
    gained = [c for c in contract.columns if c.name not in modes]
    changes = [
        f"ALTER COLUMN {c.name} DROP NOT NULL"
        for c in contract.columns
        if c.nullable and modes.get(c.name) == "REQUIRED"
    ]
    if gained:
        added = ", ".join(f"ADD COLUMN IF NOT EXISTS {c.name} {c.type}" for c in gained)
        changes.append(added)
    return [f"ALTER TABLE {contract.table} {change}" for change in changes]


def deployed_table(contract: Contract, table: bigquery.Table) -> Deployed:
    """A contract's table as the API describes it."""
    columns = tuple(
        DeployedColumn(
            field.name,
            _google_type(field),
            None if field.mode == "REPEATED" else field.mode != "REQUIRED",
            field.description,
        )
        for field in table.schema
    )
    partitioned = table.time_partitioning
    return Deployed(
        contract.table,
        columns,
        table.description,
        laid_out=True,
        partition_by=partitioned.field if partitioned else None,
        cluster_by=tuple(table.clustering_fields or ()),
    )


def _google_type(field: bigquery.SchemaField) -> str:
    """A field's type as GoogleSQL writes it, and as the contracts do."""
    kind = _LEGACY.get(field.field_type, field.field_type)
    if kind == "STRUCT":
        nested = ", ".join(f"{inner.name} {_google_type(inner)}" for inner in field.fields)
        kind = f"STRUCT<{nested}>"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


def altered(contract: Contract, changes: Sequence[Change]) -> list[str]:
    """The DDL of a table's changes of columns."""
    types = {column.name: column.type for column in contract.columns}
    alterations = [
        f"ADD COLUMN IF NOT EXISTS {change.column} {types[change.column or '']}"
        if change.action is Action.ADD
        else f"ALTER COLUMN {change.column} DROP NOT NULL"
        for change in changes
        if change.action in (Action.ADD, Action.RELAX)
    ]
    return [f"ALTER TABLE {contract.table} {alteration}" for alteration in alterations]


def brought(
    contract: Contract, changes: Sequence[Change], schema: Iterable[bigquery.SchemaField]
) -> list[bigquery.SchemaField]:
    """A table's own schema with the changes of columns, which the DDL made, and the contract's
    descriptions, which it didn't."""
    columns = {column.name: column for column in contract.columns}
    relaxed = {change.column for change in changes if change.action is Action.RELAX}
    fields = [field.to_api_repr() for field in schema]
    for field in fields:
        if column := columns.get(field["name"]):
            field["description"] = column.description
        if field["name"] in relaxed:
            field["mode"] = "NULLABLE"
    present = {field["name"] for field in fields}
    added = [c.column for c in changes if c.action is Action.ADD and c.column not in present]
    fields += [_field(columns[name], required=False).to_api_repr() for name in added if name]
    return [bigquery.SchemaField.from_api_repr(field) for field in fields]


def stage_schema(contract: Contract, names: Collection[str]) -> list[bigquery.SchemaField]:
    """The contract's columns, all nullable: the audit, not the load, finds what is missing."""
    return [_field(column, required=False) for column in contract.columns if column.name in names]


def _field(column: Column, *, required: bool) -> bigquery.SchemaField:
    kind = exp.DataType.build(column.type, dialect="bigquery")
    return _typed(column.name, kind, "REQUIRED" if required else "NULLABLE", column.description)


def _typed(
    name: str, kind: exp.DataType, mode: str, description: str | None = None
) -> bigquery.SchemaField:
    repeated = kind.this == exp.DataType.Type.ARRAY
    element = kind.expressions[0] if repeated else kind
    nested: list[bigquery.SchemaField] = []
    if element.this == exp.DataType.Type.STRUCT:
        nested = [_typed(f.name, f.kind, "NULLABLE") for f in element.expressions]
    return bigquery.SchemaField(
        name,
        "RECORD" if nested else element.sql("bigquery"),
        mode="REPEATED" if repeated else mode,
        description=description,
        fields=nested,
    )
