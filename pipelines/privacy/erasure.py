"""Erases a person from every table, leaves a tombstone, and proves that nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.build_record import outdated
from pipelines.errors import IntegrityError
from pipelines.privacy import tombstones
from pipelines.privacy.declared import NAMERS, Id, Kind, PersonTable, declared
from pipelines.privacy.linkage import Person, find_person
from pipelines.privacy.requests import Request
from pipelines.privacy.search import Search, Searched, searchable
from pipelines.warehouse import Statement, Warehouse

_WITHDRAWN = "withdrawn consent"


@dataclass(frozen=True)
class Reached:
    """What an erasure does to one table: its rows that hold the person's ids."""

    table: str
    action: str
    rows: int


@dataclass(frozen=True)
class Erasure:
    """What was done; ``scanned`` tables were searched afterwards and hold none of the ids."""

    request_id: str
    reached: tuple[Reached, ...]
    person: Person
    scanned: int


def preview(warehouse: Warehouse, person: Person) -> tuple[Reached, ...]:
    """What an erasure would reach, by table. Nothing is changed."""
    return _reached(Search(person.ids).count(warehouse, searchable(warehouse)))


def erase(warehouse: Warehouse, person: Person, request: Request) -> Erasure:
    """Erase a person's own ids from every table of adcanary's datasets, stages included.

    Rows go or lose their ids as sql/privacy/person_columns.yaml says; in any other table a value
    that holds an id becomes NULL, and a row that may not have a NULL there goes. A row that names
    another person stays, less the id. Tombstones are set first, so that a pull that begins
    meanwhile doesn't bring the person back.

    Raises:
        IntegrityError: the scan afterwards still finds an id; names the tables.
    """
    search = Search(person.ids)
    tables = searchable(warehouse)
    warehouse.transaction(
        tombstones.statements(person.ids, request.requested_at, request.request_id),
        label="tombstones",
    )
    rows = search.count(warehouse, tables)
    statements = [
        statement
        for searched in tables
        if searched.table in rows
        for statement in _statements(search, searched)
    ]
    warehouse.transaction(
        [*statements, request.record(person, rows), outdated("erasure")], label="erase"
    )
    scanned = prove(warehouse, person)
    warehouse.transaction([request.proved(datetime.now(UTC))], label="proof")
    return Erasure(request.request_id, _reached(rows), person, scanned)


def erase_ids(
    warehouse: Warehouse,
    ids: Iterable[str],
    *,
    requested_by: str,
    now: datetime,
    reason: str = _WITHDRAWN,
) -> list[Erasure]:
    """Erase the people of these stored ids, each with what belongs to that person alone.

    For landing, with what a source says of withdrawn consent. An id that was erased before is
    left out: its tombstone keeps it away, and a source says the same in every look-back.

    Args:
        ids: salted hashes as a source hands them on; what each is a hash of is looked up.
    """
    known = tombstones.load(warehouse)
    done = []
    for value in sorted(set(ids)):
        seeds = tuple(Id(kind, value) for kind in (*NAMERS, Kind.DEVICE))
        if not any(known.holds(seed) for seed in seeds):
            person = find_person(warehouse, seeds)
            request = Request("withdraw", requested_by, reason, now)
            done.append(erase(warehouse, person, request))
            known = tombstones.load(warehouse)
    return done


def prove(warehouse: Warehouse, person: Person) -> int:
    """Search every string of every table for the person's ids; how many tables were searched.

    Numbers of orders and deals don't count: the record stays, and is nobody's.

    Raises:
        IntegrityError: something is left.
    """
    tables = searchable(warehouse)
    left = Search(person.ids).count(warehouse, tables, records=False)
    if left:
        places = ", ".join(f"{table} ({rows} rows)" for table, rows in left.items())
        raise IntegrityError(
            f"The erasure is not complete: ids of the person are still in {places}.",
            kept="what was erased is erased, and its tombstones stand.",
            fix="If an ingest or a build ran meanwhile, erase the person again; otherwise the "
            "table isn't one that adcanary may change.",
        )
    return len(tables)


def _reached(rows: dict[str, int]) -> tuple[Reached, ...]:
    return tuple(Reached(table, _action(declared(table)), n) for table, n in rows.items())


def _action(table: PersonTable | None) -> str:
    if table is None:
        return "ids cleared"
    return "deleted" if table.deletes else "anonymised"


def _statements(search: Search, searched: Searched) -> list[Statement]:
    """First what is the person's, then the ids where they stand in somebody else's rows."""
    table = declared(searched.table)
    theirs = f"{search.hit(searched)} AND {search.theirs(searched)}"
    sql = []
    if table and table.deletes:
        sql.append(f"DELETE FROM {searched.table} WHERE {theirs}")
    elif table:
        names = {c.name for c in searched.columns}
        cleared = [f"{name} = NULL" for name in (*table.cleared, "_extra") if name in names]
        sql.append(f"UPDATE {searched.table} SET {', '.join(cleared)} WHERE {theirs}")
    return [Statement(text, search.params) for text in (*sql, *_clear(search, searched))]


def _clear(search: Search, searched: Searched) -> list[str]:
    """Values that hold an id become NULL; where they can't, the row goes."""
    nullable = [c for c in searched.columns if c.nullable]
    fixed = [c for c in searched.columns if not c.nullable]
    sql = []
    if nullable:
        values = ", ".join(
            f"{c.quoted} = CASE WHEN {search.found_in([c])} THEN NULL ELSE {c.quoted} END"
            for c in nullable
        )
        sql.append(f"UPDATE {searched.table} SET {values} WHERE {search.found_in(nullable)}")
    if fixed:
        sql.append(f"DELETE FROM {searched.table} WHERE {search.found_in(fixed)}")
    return sql
