"""What sqlglot reads as a query though GoogleSQL's grammar has none of it: the signs, words and
clauses of other dialects. BigQuery refuses a query with one of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from pipelines.warehouse.proven import refuse

# by their texts: what they are called, and what to write
_SIGNS = {
    "::": ("The operator ::", "CAST(x AS INT64)"),
    "==": ("The operator ==", "="),
    "<=>": ("The operator <=>", "IS NOT DISTINCT FROM"),
    "|>": ("The operator |>", "the clauses in the order of SELECT"),
    "{": ("A value in braces", "STRUCT(1 AS a)"),
}
_TYPES = (
    {"INT64", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT", "FLOAT64", "BOOL"}
    | {"NUMERIC", "DECIMAL", "BIGNUMERIC", "BIGDECIMAL", "STRING", "BYTES", "BOOLEAN", "DATE"}
    | {"DATETIME", "TIME", "TIMESTAMP", "JSON", "ARRAY", "STRUCT"}
)
# more decimals than NUMERIC has, which only a cast rounds
_TOO_EXACT = re.compile(r"\s*[-+]?\d*\.\d{10,}\s*")
_T = TokenType
_COMPARISONS = {_T.EQ, _T.NEQ, _T.GT, _T.GTE, _T.LT, _T.LTE, _T.IN, _T.BETWEEN, _T.LIKE, _T.IS}
# what may stand in a comparison's operand, or between two comparisons that are a chain
_OPERAND = (
    {_T.VAR, _T.IDENTIFIER, _T.NUMBER, _T.STRING, _T.NULL, _T.TRUE, _T.FALSE, _T.NOT, _T.UNNEST}
    | {_T.DOT, _T.PLUS, _T.DASH, _T.STAR, _T.SLASH, _T.DPIPE, _T.DISTINCT, _T.FROM, _T.R_PAREN}
)  # fmt: skip
_SETS = {_T.UNION, _T.INTERSECT, _T.EXCEPT}
_EVERY = {_T.ALL, _T.DISTINCT}


def check_tokens(sql: str) -> None:
    """Refuse what only the tokens show, and the tree no longer.

    Raises:
        UsageError: names the part.
    """
    tokens = sqlglot.tokenize(sql, read="bigquery")
    for token, follower in itertools.pairwise(tokens):
        _check_pair(token, follower)
    _check_selects(tokens)
    _check_comparisons(tokens)
    _check_types(tokens)
    _check_set_operations(tokens)


def check_tree(tree: exp.Expression) -> None:
    """Refuse what the tree shows.

    Raises:
        UsageError: names the part.
    """
    for node in tree.walk():
        if isinstance(node, exp.Query) and node.args.get("offset") and not node.args.get("limit"):
            refuse("OFFSET without LIMIT", "LIMIT before it")
        elif isinstance(node, exp.CTE) and node.args.get("materialized") is not None:
            refuse("MATERIALIZED", "the query without it")
        elif isinstance(node, exp.TableAlias) and node.this and node.columns:
            refuse(f"Columns named by the alias {node.name}", "AS in the query that it is of")
        if isinstance(node, exp.Like | exp.DPipe | exp.Not):
            operands = (node.this, node.args.get("expression"))
            if any(isinstance(operand, exp.Null) for operand in operands):
                refuse("A literal NULL beside an operator", "NULL alone, or CAST(NULL AS STRING)")


def _check_pair(token: Token, follower: Token) -> None:
    kind, text = token.token_type, token.text.upper()
    if token.text in _SIGNS and kind not in (_T.STRING, _T.IDENTIFIER):
        refuse(*_SIGNS[token.text])
    if kind in _COMPARISONS - {_T.IS} and follower.token_type is _T.NOT:
        refuse("NOT behind a comparison", "parentheses around it")
    if kind is _T.NOTNULL:
        refuse("NOTNULL", "IS NOT NULL")
    if kind in (_T.IS, _T.NOT) and follower.token_type is _T.UNKNOWN:
        refuse("IS UNKNOWN", "IS NULL")
    if kind is _T.SEMICOLON and follower.token_type is _T.SEMICOLON:
        refuse("A second semicolon", "one at most")
    if kind is _T.L_PAREN and follower.token_type is _T.ALL:
        refuse("ALL in a function", "the function without it")
    if kind is _T.STAR and follower.text.upper() == "EXCLUDE":
        refuse("* EXCLUDE", "* EXCEPT (x)")
    if follower.text.startswith("$$"):
        refuse("A text between $$", "'a text'")
    if follower.token_type is not _T.STRING:
        return
    if text == "NUMERIC" and _TOO_EXACT.fullmatch(follower.text):
        refuse(f"NUMERIC '{follower.text}'", f"CAST('{follower.text}' AS NUMERIC)")
    if kind is _T.ALIAS:
        refuse(f"The alias '{follower.text}'", f"`{follower.text}`")
    if kind is _T.INTERVAL:
        refuse(f"INTERVAL '{follower.text}'", "INTERVAL 1 DAY")


def _check_selects(tokens: Sequence[Token]) -> None:
    """A query begins with SELECT, and its LIMIT is one number."""
    begun = [False]  # whether SELECT was seen, for each open parenthesis and the whole
    for i, token in enumerate(tokens):
        before = tokens[i - 1] if i else None
        match token.token_type:
            case _T.L_PAREN:
                begun.append(before is not None and before.text.upper() == "EXTRACT")
            case _T.R_PAREN:
                begun.pop()
            case _T.SELECT:
                begun[-1] = True
            case _T.FROM if not begun[-1]:
                refuse("FROM before SELECT", "SELECT first")
            case kind if kind in _SETS:
                # not the columns of * EXCEPT
                begun[-1] &= i + 1 == len(tokens) or tokens[i + 1].token_type not in _EVERY
            case _T.COMMA if i > 1 and tokens[i - 2].token_type is _T.LIMIT:
                refuse("LIMIT with two numbers", "LIMIT 10 OFFSET 20")


def _check_comparisons(tokens: Sequence[Token]) -> None:
    """Comparisons don't chain: of ``a = b IS NULL``, no rule says which comes first."""
    compared = [False]  # whether the last operator was a comparison, for each open parenthesis
    between = [0]  # how many BETWEEN wait for their AND
    for token in tokens:
        kind = token.token_type
        if kind is _T.L_PAREN:
            compared.append(False)
            between.append(0)
        elif kind is _T.R_PAREN:
            compared.pop()
            between.pop()
        elif kind in _COMPARISONS:
            if compared[-1]:
                refuse("A comparison of a comparison", "parentheses around one of them")
            compared[-1] = True
            between[-1] += kind is _T.BETWEEN
        elif kind is _T.AND and between[-1]:
            between[-1] -= 1
        elif kind not in _OPERAND:
            compared[-1] = False


def _check_types(tokens: Sequence[Token]) -> None:
    """Casts and arrays name their types as GoogleSQL does."""
    casts: list[bool] = []  # whether it is a cast's, for each open parenthesis
    for i, (token, follower) in enumerate(itertools.pairwise(tokens)):
        if token.token_type is _T.L_PAREN:
            casts.append(i > 0 and tokens[i - 1].text.upper() in ("CAST", "SAFE_CAST"))
        elif token.token_type is _T.R_PAREN:
            casts.pop()
        of_cast = token.token_type is _T.ALIAS and casts and casts[-1]
        of_array = token.token_type is _T.LT and tokens[i - 1].token_type is _T.ARRAY
        if (of_cast or of_array) and follower.text.upper() not in _TYPES:
            refuse(f"The type {follower.text}", "GoogleSQL's name of it, such as FLOAT64")


def _check_set_operations(tokens: Sequence[Token]) -> None:
    """Refuse set operations whose order only parentheses would say."""
    operations: list[str | None] = [None]  # one for each open parenthesis, and the query
    ended: list[str | None] = [None]  # the clause that a set operation can't follow
    for token, follower in itertools.pairwise(tokens):
        match token.token_type:
            case _T.L_PAREN:
                operations.append(None)
                ended.append(None)
            case _T.R_PAREN:
                operations.pop()
                ended.pop()
            case _T.ORDER_BY | _T.LIMIT:
                ended[-1] = " ".join(token.text.upper().split())
            case kind if kind in _SETS and follower.token_type in _EVERY:
                operation = f"{token.text} {follower.text}".upper()
                if ended[-1]:
                    refuse(f"{ended[-1]} before {operation}", "parentheses around the query")
                if operations[-1] not in (None, operation):
                    refuse("Different set operations without parentheses", "parentheses around one")
                operations[-1] = operation
