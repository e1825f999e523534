"""A person's query on DuckDB: on a connection that opens no file and reaches no network."""

from __future__ import annotations

import re
from typing import NoReturn

import duckdb
import pyarrow as pa

from pipelines.errors import StatementError, UsageError
from pipelines.warehouse.duckdb_functions import register
from pipelines.warehouse.duckdb_query import NULL_TYPE, Translation, translated
from pipelines.warehouse.proven import MACROS, refuse
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
# the texts of googlesql_functions.macros and duckdb_functions that fail where they are reached:
# `!` is an error of BigQuery, `?` what isn't proven and, after the colon, what to write
_OURS = re.compile(
    r"ValueError: (?P<raised>[!?][^\n]*)"
    r"|(?P<quote>['\"])(?P<cast>[!?].*)(?P=quote)(?: to |, expected| can't be cast)",
    re.DOTALL,
)
_OVERFLOWS = (
    (re.compile(r"Overflow in \w+ of DECIMAL|to DECIMAL\(38,9\)"), "numeric overflow"),
    (re.compile(r"Overflow (in|on) |out of range for the destination type"), "int64 overflow"),
    (re.compile(r"Could not parse string"), "Failed to parse input string"),
    (re.compile(r"to INT64"), "Bad INT64 value, or one beyond 64 bits"),
    (re.compile(r"date field (format|value)"), "Invalid date"),
    (re.compile(r"timestamp field (format|value)"), "Invalid timestamp"),
    (re.compile(r"^Out of Range Error: \w+ is out of range"), "double overflow"),
)
_NO_OVERLOAD = re.compile(
    r"Macro g_(\w+)\(\) does not support|No function matches .*? '(\S+)\(.*\)'", re.IGNORECASE
)
_DATASETS = (
    "SELECT schema_name FROM information_schema.schemata WHERE catalog_name = current_database()"
)
_DATES = "Write DATE_ADD(d, INTERVAL n DAY), DATE_SUB or DATE_DIFF(a, b, DAY) for dates"


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
    translation = translated(sql)
    try:
        _check(connection, sql, translation)
        rows = as_googlesql(connection.execute(translation.sql).to_arrow_table())
    except pa.ArrowInvalid as error:
        raise _error(sql, "int64 overflow: a result is beyond 64 bits.") from error
    except duckdb.Error as error:
        _refuse(sql, error)
    names = [name.lower() for name in rows.column_names]
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        refuse(f"A result with two columns named {twice}", "the columns, with an alias for one")
    import pyarrow.compute as pc

    for column in rows.columns:
        if pa.types.is_floating(column.type) and pc.any(pc.invert(pc.is_finite(column))).as_py():
            raise _error(sql, "double overflow: a result is infinite or NaN.")
    return rows


def _check(connection: duckdb.DuckDBPyConnection, sql: str, translation: Translation) -> None:
    """What DuckDB takes and GoogleSQL doesn't, and only binding the query shows."""
    schemas = connection.execute(_DATASETS).fetchall()
    # what isn't a schema, DuckDB takes for a database: its own file's has its catalogues
    missing = translation.datasets - {schema.lower() for (schema,) in schemas}
    if missing:
        raise _error(sql, f"Not found: dataset {min(missing)}.")
    if translation.bound is not None:
        connection.execute(f"DESCRIBE {translation.bound}")
    for left, right in translation.operands:
        try:
            pairs = zip(_types_of(connection, left), _types_of(connection, right), strict=False)
        except duckdb.BinderException:  # it names a column of the query around it
            continue
        for number, (a, b) in enumerate(pairs, start=1):
            if {a, b} & {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"} and "VARCHAR" in (a, b):
                refuse("A text and a date in one column of a set operation", "DATE before the text")
            if not _alike(a, b):
                raise _error(
                    sql, f"Column {number} of a set operation has incompatible types: {a}, {b}."
                )


def _types_of(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [row[1] for row in connection.execute(f"DESCRIBE {query}").fetchall()]


_WHOLE = {"BIGINT", "INTEGER", "HUGEINT", "SMALLINT", "TINYINT", "UBIGINT"}


def _alike(a: str, b: str) -> bool:
    kinds = {kind.partition("(")[0] for kind in (a, b)}
    if NULL_TYPE in kinds:
        return True
    return a == b or kinds <= {*_WHOLE, "DOUBLE"} or kinds <= {*_WHOLE, "DECIMAL"}


def _refuse(sql: str, error: duckdb.Error) -> NoReturn:
    message = str(error).split("\nLINE ")[0].strip()
    ours = _OURS.search(message)
    if ours:
        text = ours["raised"] or ours["cast"]
        if text.startswith("?"):
            what, _, write = text[1:].partition(": ")
            refuse(f"{what[:1].upper()}{what[1:]}", write or "the query without it")
        raise _error(sql, f"{text[1:]}.") from error
    for pattern, what in _OVERFLOWS:
        if pattern.search(message):
            raise _error(sql, f"{what}.") from error
    unknown = re.search(r'Referenced column "(.+?)" not found', message)
    if unknown:
        raise StatementError(
            f"Unrecognized name: {unknown[1]}.\n  {sql.strip()}",
            kept="nothing was changed.",
            fix="Correct it; an alias of SELECT is known in GROUP BY, HAVING, QUALIFY and ORDER BY "
            "only, and a field of a struct s as s.field.",
        ) from error
    unsupported = _NO_OVERLOAD.search(message)
    if unsupported:
        name = (unsupported[1] or unsupported[2]).upper().partition("(")[0]
        what, fix = name, "Cast the arguments to the types that it takes"
        if name in "+-":
            what, fix = "An operator + or -", _DATES
        raise UsageError(
            f"{what} doesn't take these types on DuckDB.\n  {sql.strip()}",
            kept="nothing was changed.",
            fix=f"{fix}; docs/analysts.md lists what is proven on DuckDB.",
        ) from error
    raise _error(sql, f"DuckDB refused the query: {message.splitlines()[0]}") from error


def _error(sql: str, what: str) -> StatementError:
    return StatementError(f"{what}\n  {sql.strip()}", kept="nothing was changed.")
