"""A person's query on DuckDB: on a connection that opens no file and reaches no network."""

from __future__ import annotations

import re
from typing import NoReturn

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import StatementError, UsageError
from pipelines.warehouse.duckdb_functions import register
from pipelines.warehouse.duckdb_query import proven_sql
from pipelines.warehouse.proven import MACROS
from pipelines.warehouse.results import as_googlesql

# Once set, none of them can be changed before the connection ends.
_CLOSED = (
    "SET enable_external_access = false",
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET lock_configuration = true",
)
_OVERFLOW = re.compile(r"Overflow in \w+ of (INT|DECIMAL)|out of range for the destination type")
_OURS = re.compile(r"Could not convert string '!(.*?)' to |^Conversion Error: .*?'!(.*?)'", re.S)
_NO_OVERLOAD = re.compile(
    r"Macro g_(\w+)\(\) does not support|No function matches .*? '(\S+)\(.*\)'", re.IGNORECASE
)


def close_off(connection: duckdb.DuckDBPyConnection) -> None:
    """Define what queries are translated to, then shut files, network and settings."""
    register(connection)
    connection.execute(MACROS.read_text())
    for setting in _CLOSED:
        connection.execute(setting)


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The rows of one query, in GoogleSQL's types; the connection is closed off.

    Raises:
        UsageError: something in it isn't proven to mean the same on DuckDB.
        StatementError: it was refused, or ended in an error such as a division by zero.
    """
    translated = proven_sql(sql)
    try:
        rows = as_googlesql(connection.execute(translated).to_arrow_table())
    except pa.ArrowInvalid as error:
        raise _error(sql, "int64 overflow: a result is beyond 64 bits.") from error
    except duckdb.Error as error:
        _refuse(sql, error)
    for column in rows.columns:
        if pa.types.is_floating(column.type) and pc.any(pc.invert(pc.is_finite(column))).as_py():
            raise _error(sql, "double overflow: a result is infinite or NaN.")
    return rows


def _refuse(sql: str, error: duckdb.Error) -> NoReturn:
    message = str(error)
    ours = _OURS.search(message)
    if ours:
        raise _error(sql, f"{ours[1] or ours[2]}.") from error
    overflow = _OVERFLOW.search(message)
    if overflow:
        kind = "numeric" if "DECIMAL" in message else "int64"
        raise _error(sql, f"{kind} overflow: a value is beyond the type.") from error
    unsupported = _NO_OVERLOAD.search(message)
    if unsupported:
        raise UsageError(
            f"{(unsupported[1] or unsupported[2]).upper()} doesn't take these types on DuckDB."
            f"\n  {sql.strip()}",
            kept="nothing was changed.",
            fix="Cast them; docs/analysts.md lists what is proven on DuckDB.",
        ) from error
    raise _error(sql, f"DuckDB refused the query: {message.splitlines()[0]}") from error


def _error(sql: str, what: str) -> StatementError:
    return StatementError(f"{what}\n  {sql.strip()}", kept="nothing was changed.")
