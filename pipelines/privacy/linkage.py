"""From one id of a person to all of them, without taking another person's.

Two ids are linked when one row holds both. A link is followed only to what belongs to this person
alone: a device two people signed in on, a number a household shares, or a click id that is a
placeholder on a thousand devices is reported as shared, and what it holds of others stays.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import orjson
import pyarrow as pa

from pipelines.placeholders import SHIPPED
from pipelines.privacy.declared import (
    NAMERS,
    RECORDS,
    Id,
    Kind,
    PersonTable,
    click_in_url,
    person_tables,
)
from pipelines.privacy.search import Searched, is_one_of, joined, searchable
from pipelines.warehouse import Warehouse

# Sightings of an id that are looked at, a table: who has more belongs to nobody in particular.
_SIGHTINGS = 50
# A click is one device's; a link that was passed on is seen on a few. More is a placeholder.
_DEVICES_A_CLICK = 3
_ONE_DEVICE = (Kind.CLICK, *RECORDS)
# no model of dbt's: identity_components keeps it
_HISTORY = "marts.identity_merges"


@dataclass(frozen=True)
class Sighting:
    """Who and what a row with an id names beside it."""

    user: str | None
    email: str | None
    phone: str | None
    device: str | None

    @property
    def names(self) -> tuple[Id, ...]:
        """Ids that name somebody, the strongest first."""
        stated = zip(NAMERS, (self.user, self.email, self.phone), strict=True)
        return tuple(Id(kind, value) for kind, value in stated if value)

    @property
    def person(self) -> Id | None:
        """Whose row it is."""
        return next(iter(self.names), None)


@dataclass(frozen=True)
class Person:
    """A person's own ids, the one that was asked for first, and those shared with others."""

    seeds: tuple[Id, ...]
    ids: frozenset[Id]
    shared: frozenset[Id]


def find_person(warehouse: Warehouse, seeds: Iterable[Id]) -> Person:
    """All ids that belong to the person of ``seeds`` alone.

    Args:
        seeds: ids of one person, hashed as they are stored; they are the person's whatever else
            they are seen with.
    """
    chosen = tuple(seeds)
    tables = {s.table: s for s in searchable(warehouse)}
    links = _Links(warehouse, tables)
    own: set[Id] = set()
    candidates: set[Id] = set()
    fresh = set(chosen)
    while fresh:
        own |= fresh
        candidates = (candidates | links.beside(fresh)) - own
        links.look_at(candidates | own)
        fresh = {each for each in candidates if links.belongs(each, own)}
    keys = set(_derived_keys(warehouse, tables, own))
    return Person(chosen, frozenset(own | keys), frozenset(candidates))


@dataclass(frozen=True)
class _Place:
    """Where ids of one kind stand: an expression over ``rows``."""

    kind: Kind
    id_: str
    rows: str
    table: PersonTable

    @property
    def in_url(self) -> bool:
        return self.rows != self.table.table

    @property
    def where(self) -> str:
        return f"{self.rows} WHERE {is_one_of(self.id_, f'{self.kind}_ids')}"

    def stated(self, kind: Kind) -> str:
        """What the row states of a kind, as ``<kind>_``."""
        paths = (c.path for c in self.table.columns if c.kind is kind)
        return f"{next(paths, 'CAST(NULL AS STRING)')} AS {kind}_"


class _Links:
    """What the declared tables say of ids: what stands beside them, and whose rows they are in."""

    def __init__(self, warehouse: Warehouse, tables: dict[str, Searched]) -> None:
        self._warehouse = warehouse
        self._seen: dict[Id, set[Sighting]] = defaultdict(set)
        self._looked_at: set[Id] = set()
        self._tables = {
            name: _present(table, tables[name])
            for name, table in person_tables().items()
            if name in tables and table.columns
        }

    def beside(self, ids: set[Id]) -> set[Id]:
        """Every id that stands in a row with one of these."""
        places = self._places(ids)
        each = " UNION ALL ".join(
            _ids_of_rows(table, [p for p in places if p.table is table])
            for table in self._tables.values()
        )
        linked: set[Id] = set()
        for row in self._query(each, ids).to_pylist():
            table, held = self._tables[row["found_in"]], orjson.loads(row["held"])
            linked |= {Id(c.kind, held[f"id_{n}"]) for n, c in enumerate(table.columns)}
            for n in range(len(table.urls)):
                linked |= {Id(Kind.CLICK, click) for click in held[f"url_{n}"] or ()}
        # '(not set)' of an old row is no order's number: it would tie all that have none
        return {i for i in linked if i.value and (i.kind not in RECORDS or SHIPPED.real(i.value))}

    def look_at(self, ids: set[Id]) -> None:
        """Learn whose rows the ids are in; those looked at before are known."""
        new = ids - self._looked_at
        self._looked_at |= new
        each = " UNION ALL ".join(_sightings(place) for place in self._places(new))
        rows = self._query(
            f"SELECT * FROM ({each}) AS sightings WHERE TRUE QUALIFY ROW_NUMBER() OVER "
            f"(PARTITION BY kind, id ORDER BY user_, email_, phone_, device_) <= {_SIGHTINGS}",
            new,
        )
        for row in rows.to_pylist():
            sighting = Sighting(row["user_"], row["email_"], row["phone_"], row["device_"])
            self._seen[Id(Kind(row["kind"]), row["id"])].add(sighting)

    def belongs(self, id_: Id, own: set[Id]) -> bool:
        """Whether an id beside one of the person's own belongs to this person and no other."""
        seen = self._seen[id_]
        if len(seen) >= _SIGHTINGS or len({s.device for s in seen if s.device}) > _DEVICES_A_CLICK:
            return False
        people = {s.person for s in seen if s.person}
        if people - own - {id_}:
            return False
        # an id by which rows are named has to be tied to one of the person's own
        return id_ not in people or any(self._tied(each, id_, own) for each in own)

    def _tied(self, mine: Id, id_: Id, own: set[Id]) -> bool:
        """Whether a row has both, and one of the two is seen with no other of the other's kind."""
        if not any(id_ in s.names for s in self._seen[mine]):
            return False
        if {s.person for s in self._seen[mine] if s.person} - {mine} == {id_}:
            return True
        # an account with another address is still that account's, and who has one mailbox on two
        # accounts has both; a number may be a household's
        if mine.kind not in (Kind.USER, Kind.EMAIL):
            return False
        return {i for s in self._seen[id_] for i in s.names if i.kind is mine.kind} <= own

    def _places(self, ids: set[Id]) -> list[_Place]:
        """Where to look for ids; every address of every page only for the sake of a click id."""
        clicks = any(i.kind is Kind.CLICK for i in ids)
        return [
            place
            for table in self._tables.values()
            for place in _places(table)
            if clicks or not place.in_url
        ]

    def _query(self, sql: str, ids: set[Id]) -> pa.Table:
        params = {f"{kind}_ids": joined(i.value for i in ids if i.kind is kind) for kind in Kind}
        return self._warehouse.query(sql, params)


def _places(table: PersonTable) -> Iterator[_Place]:
    for column in table.columns:
        yield _Place(column.kind, column.path, table.table, table)
    for path in table.urls:
        rows = f"{table.table} CROSS JOIN UNNEST({_clicks(path)}) AS clicked"
        yield _Place(Kind.CLICK, "clicked", rows, table)


def _ids_of_rows(table: PersonTable, places: Sequence[_Place]) -> str:
    """The query for all ids of the rows that hold one of those asked for."""
    held = [f"{c.path} AS id_{n}" for n, c in enumerate(table.columns)]
    held += [f"{_clicks(path)} AS url_{n}" for n, path in enumerate(table.urls)]
    selected = (
        f"SELECT DISTINCT '{table.table}' AS found_in, "
        f"TO_JSON_STRING(STRUCT({', '.join(held)})) AS held FROM"
    )
    in_columns = " OR ".join(is_one_of(p.id_, f"{p.kind}_ids") for p in places if not p.in_url)
    sources = [f"{table.table} WHERE {in_columns}"]
    sources += [place.where for place in places if place.in_url]
    return " UNION ALL ".join(f"{selected} {source}" for source in sources)


def _sightings(place: _Place) -> str:
    """The query for what rows with an id of a place name beside it."""
    named = ", ".join(place.stated(kind) for kind in NAMERS)
    # a person has many devices; how many only matters where there should be one
    one = place.kind in _ONE_DEVICE
    beside = place.stated(Kind.DEVICE) if one else "CAST(NULL AS STRING) AS device_"
    return (
        f"SELECT DISTINCT '{place.kind}' AS kind, {place.id_} AS id, {named}, {beside} "
        f"FROM {place.where}"
    )


def _clicks(path: str) -> str:
    """The click ids in a column's texts, an ARRAY."""
    return f"REGEXP_EXTRACT_ALL(TO_JSON_STRING({_column(path)}), r'{click_in_url()}')"


def _present(table: PersonTable, searched: Searched) -> PersonTable:
    """The declaration less columns that this warehouse's table lacks."""
    names = {c.name for c in searched.columns}
    return replace(
        table,
        columns=tuple(c for c in table.columns if c.column in names),
        urls=tuple(path for path in table.urls if _column(path) in names),
    )


def _derived_keys(warehouse: Warehouse, tables: dict[str, Searched], own: set[Id]) -> Iterator[Id]:
    """Keys that dbt derives from the person's ids: of devices, and of the person.

    A device's is ``surrogate_key`` of its cookie's id (dbt/macros/marketing/keys.sql); a person's
    is looked up in identity_components, and is this person's where the strongest ids that lead to
    it all are.
    """
    nodes = {"user_id": Kind.USER, "email_hash": Kind.EMAIL, "device": Kind.DEVICE_KEY}
    values: dict[str, set[str]] = defaultdict(set)
    for id_ in own:
        values[id_.kind].add(id_.value)
    for device in sorted(values[Kind.DEVICE]):
        key = hashlib.md5(device.encode(), usedforsecurity=False).hexdigest()
        values[Kind.DEVICE_KEY].add(key)
        yield Id(Kind.DEVICE_KEY, key)
    if "marts.identity_components" not in tables:
        return
    theirs = joined(f"{kind}|{value}" for kind, ids in nodes.items() for value in values[ids])
    rows = warehouse.query(
        "SELECT component_id, node FROM marts.identity_components WHERE component_id IN "
        f"(SELECT component_id FROM marts.identity_components WHERE {is_one_of('node', 'nodes')})",
        {"nodes": theirs},
    )
    led: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows.to_pylist():
        kind, value = row["node"].split("|", 1)
        led[row["component_id"]][kind].add(value)
    persons = set()
    for person_id, by_type in led.items():
        strongest = next((kind for kind in nodes if by_type[kind]), None)
        if strongest and by_type[strongest] <= values[nodes[strongest]]:
            persons.add(person_id)
    merged = _merged_into(warehouse, persons) if _HISTORY in tables else set()
    yield from (Id(Kind.PERSON_KEY, key) for key in sorted(persons | merged))


def _merged_into(warehouse: Warehouse, persons: set[str]) -> set[str]:
    """Keys that a person had before they turned out to be one with another: what jobs wrote then
    is still under them. One that a split gave back is somebody else's."""
    merged: set[str] = set()
    fresh = persons
    while fresh:
        rows = warehouse.query(
            f"SELECT DISTINCT from_component_id AS key FROM {_HISTORY} WHERE reason = 'merge' "
            f"AND {is_one_of('into_component_id', 'keys')} AND from_component_id NOT IN "
            "(SELECT component_id FROM marts.identity_components)",
            {"keys": joined(fresh)},
        )
        fresh = set(rows["key"].to_pylist()) - merged
        merged |= fresh
    return merged


def _column(path: str) -> str:
    return path.split(".", 1)[0]
