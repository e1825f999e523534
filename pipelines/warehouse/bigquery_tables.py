"""A contract as BigQuery's tables API takes it: schema, key, partition, cluster, descriptions.

Tables are created through the API rather than by running the DDL: that is one call, and no job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from google.cloud import bigquery
from google.cloud.bigquery.table import PrimaryKey, TableConstraints
from sqlglot import exp

from pipelines.contracts import Column, Contract

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
