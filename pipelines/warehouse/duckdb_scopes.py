"""Which names a part of a query sees, and where a clause may stand: DuckDB allows more."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from pipelines.warehouse.proven import functions, refuse

# of a SELECT whose WHERE, ON or columns name its own aliases: the names
OWN = "own aliases"
_NEEDS_FROM = ("where", "group", "having", "qualify", "order", "distinct")


def check_scopes(tree: exp.Expression) -> None:
    """Refuse what only DuckDB takes, and write out aliases where DuckDB means a column.

    Raises:
        UsageError: names the part.
    """
    for unnest in tree.find_all(exp.Unnest):
        if unnest.args.get("offset") and not unnest.args.get("alias"):
            refuse("UNNEST WITH OFFSET without an alias", "UNNEST(x) AS y WITH OFFSET")
    for star in tree.find_all(exp.Star):
        _check_star(star)
    for limit in tree.find_all(exp.Limit, exp.Offset):
        count = limit.expression
        if not isinstance(count, exp.Literal) or count.is_string:
            refuse("LIMIT or OFFSET with an expression", "a whole number")
    for join in tree.find_all(exp.Join):
        joined = join.kind == "CROSS" or join.args.get("on") or join.args.get("using")
        if not joined and not isinstance(join.this, exp.Unnest):
            refuse("JOIN without ON or USING", "CROSS JOIN, or ON")
    for select in list(tree.find_all(exp.Select)):
        _check_from(select)
        _check_names(select)
        _check_aliases(select)


def _check_star(star: exp.Expression) -> None:
    select = star.find_ancestor(exp.Select)
    if select is None or isinstance(star.parent, exp.Anonymous):
        return
    joins = select.args.get("joins") or []
    for origin in filter(None, [select.args.get("from_"), *joins]):
        # without an alias, the fields of structs are the columns
        if isinstance(origin.this, exp.Unnest) and origin.this.args.get("alias"):
            refuse("* over UNNEST", "the names of the columns")
    if any(join.args.get("using") for join in joins):
        refuse("* over JOIN … USING", "the names of the columns")


def _check_from(select: exp.Select) -> None:
    if select.args.get("from_"):
        return
    for part in _NEEDS_FROM:
        if select.args.get(part):
            refuse(f"{part.replace('order', 'order by').upper()} without FROM", "a FROM clause")
    for call in select.find_all(exp.Anonymous):
        function = functions().get(call.name.upper())
        aggregate = function is not None and function.kind != "scalars"
        if aggregate and call.find_ancestor(exp.Select) is select:
            refuse(f"{call.name.upper()} without FROM", "a FROM clause")


def _check_names(select: exp.Select) -> None:
    """Two columns of one name, and a column's name that is a table's, too."""
    names = [column.alias_or_name.lower() for column in select.expressions]
    operand = isinstance(select.parent, exp.SetOperation) and select.parent.expression is select
    twice = {n for n in names if n and n != "*" and names.count(n) > 1 and not operand}
    if twice:
        refuse(f"Two columns named {min(twice)}", "an alias for one of them")
    tables = {
        origin.this.alias_or_name.lower()
        for origin in [select.args.get("from_"), *(select.args.get("joins") or [])]
        if origin is not None and isinstance(origin.this, exp.Table | exp.Subquery)
    }
    for column in _columns(select, *select.args.values()):
        if not column.table and column.name.lower() in tables:
            refuse(f"The name {column.name}, which is a table's, as a value", "a column's name")


def _check_aliases(select: exp.Select) -> None:
    aliases = {
        column.alias.lower(): column.this
        for column in select.expressions
        if isinstance(column, exp.Alias)
        and not (isinstance(column.this, exp.Column) and column.this.name == column.alias)
    }
    own = {
        column.name.lower()
        for column in _columns(
            select, select.expressions, select.args.get("where"), select.args.get("joins")
        )
        if not column.table and column.name.lower() in aliases
    }
    if own:
        select.meta[OWN] = own
    order = select.args.get("order")
    group = select.args.get("group")
    keys = [key.this for key in order.expressions] if order else []
    for key in group.expressions if group else ():
        if isinstance(key, exp.Literal) and key.is_string:
            refuse("GROUP BY a text", "a column")
        if not isinstance(key, exp.Column) and _named(select, key, aliases):
            refuse("GROUP BY an expression with an alias in it", "GROUP BY the alias of it")
    if select.args.get("distinct"):
        _check_distinct(select, keys)
    expressions = [key for key in keys if not isinstance(key, exp.Column)]
    for part in (*expressions, select.args.get("having"), select.args.get("qualify")):
        for column in _named(select, part, aliases):
            column.replace(exp.paren(aliases[column.name.lower()].copy()))
    if select.args.get("qualify") and not any(
        select.args.get(part) for part in ("where", "group", "having")
    ):
        refuse("QUALIFY without WHERE, GROUP BY or HAVING", "WHERE TRUE before it")


def _check_distinct(select: exp.Select, keys: list[exp.Expression]) -> None:
    listed = {column.alias_or_name.lower() for column in select.expressions}
    for key in keys:
        plain = isinstance(key, exp.Column) and (key.name.lower() in listed or "*" in listed)
        if not plain and not isinstance(key, exp.Literal):
            refuse("ORDER BY what SELECT DISTINCT doesn't list", "a column that it lists")


def _named(
    select: exp.Select, part: exp.Expression | None, aliases: dict[str, exp.Expression]
) -> list[exp.Column]:
    return [
        column
        for column in _columns(select, part)
        if not column.table and column.name.lower() in aliases
    ]


def _columns(select: exp.Select, *parts: object) -> Iterator[exp.Column]:
    """The columns in parts of a SELECT, without those of queries inside it."""
    for part in parts:
        if isinstance(part, list):
            yield from _columns(select, *part)
        elif isinstance(part, exp.Expression):
            for column in list(part.find_all(exp.Column)):
                if column.find_ancestor(exp.Select) is select:
                    yield column


def without_own_aliases(tree: exp.Expression) -> exp.Expression | None:
    """The query with no alias that its own SELECT could take for a column; to be bound only.

    None where no SELECT names one.
    """
    checked = tree.copy()
    selects = [select for select in checked.find_all(exp.Select) if select.meta.get(OWN)]
    for select in selects:
        own = select.meta[OWN]
        renamed = exp.Star()
        for column in select.expressions:
            if isinstance(column, exp.Alias) and column.alias.lower() in own:
                alias = column.alias
                column.set("alias", exp.to_identifier(f"{alias} of SELECT", quoted=True))
                renamed.append("rename", exp.alias_(exp.column(column.alias, quoted=True), alias))
        for part in ("order", "limit", "offset"):
            select.set(part, None)
        if select is not checked:
            select.replace(exp.select(renamed).from_(select.copy().subquery("own")))
    return checked if selects else None
