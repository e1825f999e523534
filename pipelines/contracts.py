"""Reads sql/contracts/**.sql: the DDL is the contract, and every schema derives from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.errors import ConfigError, InputError
from pipelines.shipped import shipped

if TYPE_CHECKING:
    from sqlglot import exp

CONTRACTS = shipped("sql") / "contracts"

# what landing fills of a raw table; a source gives the other columns
RUN_ID_COLUMN, EXTRA_COLUMN = "_run_id", "_extra"
# the table label that names the column
ACCOUNT_COLUMN = "account_column"

_SCALARS = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "STRING": pa.string(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Column:
    """One column: its GoogleSQL type, its Arrow type, and what it means."""

    name: str
    type: str
    arrow_type: pa.DataType
    nullable: bool
    description: str

    @property
    def is_scalar(self) -> bool:
        return not pa.types.is_nested(self.arrow_type)


@dataclass(frozen=True)
class Contract:
    """One table as its DDL declares it.

    ``ddl`` is the GoogleSQL statement as written; ``primary_key`` is the grain; ``labels`` are the
    table's.
    """

    dataset: str
    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    partition_by: str | None
    cluster_by: tuple[str, ...]
    description: str
    labels: Mapping[str, str] = field(hash=False)
    ddl: str

    @property
    def table(self) -> str:
        return f"{self.dataset}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def account_column(self) -> str:
        """The column that says whose a row is: a batch replaces rows of one account.

        Raises:
            KeyError: its DDL says none, for a table that no batch replaces.
        """
        return self.labels[ACCOUNT_COLUMN]

    @property
    def arrow_schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.arrow_type, c.nullable) for c in self.columns])

    @property
    def source_schema(self) -> pa.Schema:
        """What a source gives: all columns in order but those that landing fills.

        Every field is nullable: what may not be NULL, the audit says by its name.
        """
        filled = (RUN_ID_COLUMN, EXTRA_COLUMN)
        given = [c for c in self.columns if c.name not in filled]
        return pa.schema([pa.field(c.name, c.arrow_type) for c in given])

    def conform(self, rows: pa.Table) -> pa.Table:
        """The rows in the contract's column order and types, every column nullable.

        A missing column becomes NULL, and a NULL array becomes empty: GoogleSQL stores no NULL
        arrays.

        Raises:
            InputError: a column is not in the contract, or its values don't fit the type.
        """
        unknown = [name for name in rows.column_names if name not in self.column_names]
        if unknown:
            raise InputError(
                f"The rows for {self.table} have columns that it doesn't: {', '.join(unknown)}."
            )
        columns = {c.name: self._conformed(c, rows) for c in self.columns}
        return pa.table(columns)

    def _conformed(self, column: Column, rows: pa.Table) -> pa.ChunkedArray:
        if column.name not in rows.column_names:
            empty = pa.nulls(rows.num_rows, column.arrow_type)
            return _without_null_arrays(pa.chunked_array([empty]))
        try:
            return _without_null_arrays(rows[column.name].cast(column.arrow_type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"The values of {self.table}.{column.name} don't fit {column.type}: {error}"
            ) from error


def load_contract(table: str) -> Contract:
    """The contract of ``dataset.table``.

    Raises:
        KeyError: there is no such contract.
    """
    return load_contracts()[table]


@cache
def load_contracts() -> dict[str, Contract]:
    """Every contract by its ``dataset.table``.

    Raises:
        ConfigError: there are none at all, so nothing could be checked.
    """
    paths = sorted(CONTRACTS.glob("*/*.sql"))
    if not paths:
        raise ConfigError(
            f"There are no table contracts in {CONTRACTS}.",
            kept="nothing was read or written.",
            fix="Install adcanary again; a wheel built from the project carries sql/contracts.",
        )
    return {c.table: c for c in (_parse(path) for path in paths)}


def _parse(path: Path) -> Contract:
    import sqlglot
    from sqlglot import exp

    ddl = path.read_text().strip().rstrip(";")
    create = sqlglot.parse_one(ddl, read="bigquery")
    schema = create.this
    if (schema.this.db, schema.this.name) != (path.parent.name, path.stem):
        raise ValueError(f"{path} declares {schema.this.sql('bigquery')}")
    primary_key = schema.find(exp.PrimaryKey)
    partition = create.find(exp.PartitionedByProperty)
    cluster = create.find(exp.ClusterProperty)
    options = [p for p in create.args["properties"].expressions if isinstance(p, exp.Property)]
    said = {p.name: p.args["value"] for p in options if "value" in p.args}
    labels = said["labels"].expressions if "labels" in said else []
    return Contract(
        dataset=path.parent.name,
        name=path.stem,
        columns=tuple(_column(c) for c in schema.expressions if isinstance(c, exp.ColumnDef)),
        primary_key=tuple(e.name for e in primary_key.expressions),
        partition_by=partition.this.sql("bigquery") if partition else None,
        cluster_by=tuple(e.name for e in cluster.expressions) if cluster else (),
        description=said["description"].name,
        labels={key.name: value.name for key, value in (pair.expressions for pair in labels)},
        ddl=ddl,
    )


def _column(definition: exp.ColumnDef) -> Column:
    from sqlglot import exp

    constraints = [c.kind for c in definition.args.get("constraints", [])]
    described = [p for p in definition.find_all(exp.Property) if p.name == "description"]
    return Column(
        name=definition.name,
        type=definition.kind.sql("bigquery"),
        arrow_type=_arrow_type(definition.kind),
        nullable=not any(isinstance(k, exp.NotNullColumnConstraint) for k in constraints),
        description=described[0].args["value"].name if described else "",
    )


def _without_null_arrays(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_list(values.type) or values.null_count == 0:
        return values
    import pyarrow.compute as pc

    array = values.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    return pa.chunked_array([pa.ListArray.from_arrays(offsets, array.flatten(), values.type)])


def _arrow_type(kind: exp.DataType) -> pa.DataType:
    from sqlglot import exp

    if kind.this == exp.DataType.Type.ARRAY:
        return pa.list_(_arrow_type(kind.expressions[0]))
    if kind.this == exp.DataType.Type.STRUCT:
        return pa.struct([pa.field(f.name, _arrow_type(f.kind)) for f in kind.expressions])
    return _SCALARS[kind.sql("bigquery")]
