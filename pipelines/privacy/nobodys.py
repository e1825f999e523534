"""Takes placeholders out of rows that landed before they were known to be nobody's."""

from __future__ import annotations

from pipelines.build_record import outdated
from pipelines.contracts import load_contract
from pipelines.placeholders import Placeholders
from pipelines.privacy.declared import Kind, person_tables
from pipelines.privacy.hashing import placeholder_hashes
from pipelines.privacy.search import is_one_of, joined
from pipelines.warehouse import Statement, Warehouse

_HASHED = (Kind.USER, Kind.EMAIL)


def forget_placeholders(warehouse: Warehouse, salt: str, nobodys: Placeholders) -> dict[str, int]:
    """Set every landed id that is a placeholder to NULL: it is no person's, and would tie the rows
    of many together when one of them is exported or erased.

    Returns:
        Rows by table; tables without any are left out. Those of nested columns, numbers of orders
        and deals, stay, and :mod:`pipelines.privacy.linkage` follows none of them.
    """
    hashes = joined(placeholder_hashes(salt, nobodys))
    cleared: dict[str, int] = {}
    for name, table in person_tables().items():
        if not name.startswith("raw."):
            continue
        nullable = {c.name for c in load_contract(name).columns if c.nullable}
        for column in table.columns:
            if column.path not in nullable:
                continue
            if column.kind in _HASHED:
                where, params = is_one_of(column.path, "hashes"), {"hashes": hashes}
            else:
                text = f"LOWER(TRIM({column.path}))"
                where, params = f"REGEXP_CONTAINS({text}, @pattern)", {"pattern": nobodys.pattern}
            (row,) = warehouse.query(
                f"SELECT COUNT(*) AS n FROM {name} WHERE {where}", params
            ).to_pylist()
            if row["n"]:
                update = f"UPDATE {name} SET {column.path} = NULL WHERE {where}"
                warehouse.transaction(
                    [Statement(update, params), outdated("placeholders")], label="placeholders"
                )
                cleared[name] = cleared.get(name, 0) + row["n"]
    return cleared
