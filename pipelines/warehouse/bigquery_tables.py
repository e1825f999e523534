"""A contract as BigQuery's tables API takes it: schema, key, partition, cluster, descriptions.

Tables are made through the API and not by running the DDL: it is one call without a job.
"""

from __future__ import annotations

from google.cloud import bigquery
from google.cloud.bigquery.table import PrimaryKey, TableConstraints
from sqlglot import exp

from pipelines.warehouse.contracts import Column, Contract


def contract_table(project: str, contract: Contract) -> bigquery.Table:
    """The table that a contract's DDL declares.

    Raises:
        ValueError: the contract is partitioned by something other than a column.
    """
    fields = [_field(column, required=not column.nullable) for column in contract.columns]
    table = bigquery.Table(f"{project}.{contract.table}", schema=fields)
    table.description = contract.description
    table.table_constraints = TableConstraints(PrimaryKey(list(contract.primary_key)), None)
    table.clustering_fields = list(contract.cluster_by) or None
    if contract.partition_by is not None:
        if contract.partition_by not in contract.column_names:
            raise ValueError(f"{contract.table} is partitioned by {contract.partition_by}")
        table.time_partitioning = bigquery.TimePartitioning(field=contract.partition_by)
    return table


def stage_schema(contract: Contract) -> list[bigquery.SchemaField]:
    """The contract's columns, all nullable: the audit, not the load, finds what is missing."""
    return [_field(column, required=False) for column in contract.columns]


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
