"""What both adapters need of GoogleSQL text: its tree, its parameters, its scripts."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokens import Token, TokenType

from pipelines.errors import StatementError
from pipelines.warehouse.base import Answered, Question, Statement, Value

# sqlglot warns on the terminal of what it reads as no more than a command; it is refused here
logging.getLogger("sqlglot").setLevel(logging.ERROR)

Dialect = str | type[sqlglot.Dialect]
# Mark the errors by which the guard of `expect_rows`, and a question, stop a script; the adapter
# looks for them.
ROW_COUNT_MARK = "adcanary row count"
REFUSED_MARK = "adcanary refused"


def parse(sql: str, dialect: Dialect = "bigquery") -> exp.Expression:
    """One GoogleSQL statement as a tree.

    Args:
        dialect: sqlglot's name or class of the grammar.

    Raises:
        StatementError: it can't be parsed (says where), or it is not exactly one statement.
    """
    try:
        trees = sqlglot.parse(sql, read=dialect, error_level=ErrorLevel.IMMEDIATE)
    except SqlglotError as error:
        raise StatementError(
            f"This statement can't be read as GoogleSQL{_place(error)}\n  {sql.strip()}",
            fix="Correct it and run it again; both warehouses take GoogleSQL.",
        ) from error
    statements = [tree for tree in trees if isinstance(tree, exp.Expression)]
    if len(statements) != 1:
        count = len(statements) or "none"
        raise StatementError(
            f"Expected one GoogleSQL statement; {count} were given.\n  {sql.strip()}",
            fix="Pass exactly one statement, with nothing after its semicolon.",
        )
    return statements[0]


def parse_query(sql: str, dialect: Dialect = "bigquery") -> exp.Expression:
    """One read-only GoogleSQL statement as a tree.

    Raises:
        StatementError: it can't be parsed, or it would change something.
    """
    tree = parse(sql, dialect)
    if not isinstance(tree, exp.Query):
        raise StatementError(
            f"Only read-only statements (SELECT, WITH) can be run here.\n  {sql.strip()}",
            kept="nothing was changed.",
            fix="To change data, use `adcanary ingest`, `build`, `job` or `proposals`.",
        )
    return tree


def script(statements: Sequence[Statement], first: Question | None = None) -> str:
    """All statements or none, as one GoogleSQL script.

    Values become typed literals: the script is then a full record of what it did, parameter names
    can't clash between statements, and a NULL takes the type of the column it meets.
    ``expect_rows`` becomes a count, before the statement, of the rows it will affect: a transaction
    reads from one snapshot, so the two agree. An error ends the script, which rolls its open
    transaction back. The answer to ``first`` is a variable, and the script's result.
    https://cloud.google.com/bigquery/docs/transactions

    Raises:
        StatementError: a value is missing, or the rows of a statement can't be counted.
    """
    parts = ["BEGIN TRANSACTION"]
    if first is not None:
        types = ", ".join(f"{column} INT64" for column in first.columns)
        parts = [f"DECLARE answer STRUCT<{types}>", *parts, f"SET answer = ({asked(first)})"]
    for number, statement in enumerate(statements, start=1):
        if statement.expect_rows is not None and not _is_of(statement, statement.expect_rows):
            parts.append(_guard(number, statement))
        parts.append(inline(statement.sql, statement.params))
    parts.append("COMMIT TRANSACTION")
    if first is not None:
        parts.append(f"SELECT {', '.join(f'answer.{c} AS {c}' for c in first.columns)}")
    # On its own line, a semicolon can't end up inside a statement's last comment.
    return "\n;\n".join(parts) + "\n;"


def asked(question: Question) -> str:
    """The query that answers a question with a STRUCT, or with the error that refuses."""
    columns = ", ".join(question.columns)
    shown = ", ' ', ".join(f"'{c}=', CAST({c} AS STRING)" for c in question.columns)
    return inline(
        f"SELECT AS STRUCT {columns} FROM ({question.sql}) AS asked "
        f"WHERE IF({question.refused}, ERROR(CONCAT('{REFUSED_MARK}: ', {shown})), TRUE)",
        question.params,
    )


def inline(sql: str, params: Mapping[str, Value | Answered]) -> str:
    """The statement with its ``@name`` parameters as literals; strings and comments are untouched.

    Raises:
        StatementError: a parameter has no value.
    """
    parts: list[str] = []
    position = 0
    for start, end, name in _parameters(sql):
        if name not in params:
            raise StatementError(f"The parameter @{name} has no value.\n  {sql.strip()}")
        parts += [sql[position:start], literal(params[name])]
        position = end
    return "".join([*parts, sql[position:]]).strip()


def literal(value: Value | Answered) -> str:
    """A value as GoogleSQL reads it back exactly; a datetime without a zone is UTC."""
    match value:
        case Answered():
            text = f"answer.{value.column}"
        case None:
            text = "NULL"
        case bool():
            text = "TRUE" if value else "FALSE"
        case int():
            text = str(value) if value >= 0 else f"({value})"
        case float():
            text = _float(value)
        case datetime():
            instant = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            text = f"TIMESTAMP '{instant.isoformat(sep=' ', timespec='microseconds')}'"
        case date():
            text = f"DATE '{value.isoformat()}'"
        case str():
            text = _string(value)
    return text


def _float(value: float) -> str:
    if not math.isfinite(value):
        return f"CAST('{value}' AS FLOAT64)"
    digits = repr(value)
    # With an exponent, no engine takes it for a decimal.
    exact = digits if "e" in digits else f"{digits}e0"
    return exact if value >= 0 and not digits.startswith("-") else f"({exact})"


def _string(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r") + "'"


def _parameters(sql: str) -> Iterator[tuple[int, int, str]]:
    """Where each ``@name`` starts and ends, and its name; not ``@@system_variable``."""
    tokens = _tokens(sql)
    for index, token in enumerate(tokens[:-1]):
        follower = tokens[index + 1]
        doubled = index > 0 and tokens[index - 1].token_type == TokenType.PARAMETER
        if (
            token.token_type == TokenType.PARAMETER
            and follower.token_type != TokenType.PARAMETER
            and not doubled
        ):
            yield token.start, follower.end + 1, follower.text


def _tokens(sql: str) -> list[Token]:
    try:
        return list(sqlglot.tokenize(sql, read="bigquery"))
    except SqlglotError as error:
        raise StatementError(
            f"This statement can't be read as GoogleSQL: {error}\n  {sql}"
        ) from error


def _is_of(statement: Statement, rows: int) -> bool:
    """Whether the statement says itself how many rows it inserts, and it is so many."""
    tree = parse(statement.sql)
    values = tree.expression if isinstance(tree, exp.Insert) else None
    return isinstance(values, exp.Values) and len(values.expressions) == rows


def _guard(number: int, statement: Statement) -> str:
    """The statement that ends the script if the next one would affect the wrong number of rows."""
    counted = inline(_affected(statement), statement.params)
    expected = statement.expect_rows
    says = f"{ROW_COUNT_MARK}: statement {number} has to affect {expected} row(s), not "
    return (
        f"SELECT IF(touched.n = {expected}, NULL, "
        f"ERROR(CONCAT({_string(says)}, CAST(touched.n AS STRING)))) "
        f"FROM ({counted}) AS touched"
    )


def _affected(statement: Statement) -> str:
    """The query that counts, as ``n``, the rows that a DML statement will affect."""
    tree = parse(statement.sql)
    if isinstance(tree, exp.Insert):
        rows = tree.expression
        if isinstance(rows, exp.Values):
            return f"SELECT {len(rows.expressions)} AS n"
        if isinstance(rows, exp.Query):
            return f"SELECT COUNT(*) AS n FROM ({_sql(rows)}) AS inserted"
    if isinstance(tree, exp.Delete) or (
        isinstance(tree, exp.Update) and not tree.args.get("from_")
    ):
        where = tree.args.get("where")
        return f"SELECT COUNT(*) AS n FROM {_sql(tree.this)} {_sql(where) if where else ''}"
    raise StatementError(
        f"The rows that this statement affects can't be counted.\n  {statement.sql.strip()}",
        fix="Use expect_rows only with INSERT, DELETE, or UPDATE without FROM.",
    )


def _sql(tree: exp.Expression) -> str:
    return tree.sql("bigquery", comments=False)


def _place(error: SqlglotError) -> str:
    details = getattr(error, "errors", None)
    if not details:
        return f": {error}"
    detail = details[0]
    return f" at line {detail['line']}, column {detail['col']}: {detail['description']}"
