"""Which columns of which tables hold a person's ids: reads sql/privacy/person_columns.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import yaml

from pipelines.platforms import platform_table
from pipelines.shipped import shipped
from pipelines.warehouse.base import STAGE_DATASET

DECLARATION = shipped("sql") / "privacy" / "person_columns.yaml"

# The datasets that are adcanary's; a project may hold others, which are nobody's business here.
DATASETS = ("raw", "staging", "intermediate", "marts", "contracts", "canary", STAGE_DATASET)

# Shorter ids, and numbers, are too easily something else: they count only in a column declared
# for their kind.
DISTINCTIVE = 12


class Kind(StrEnum):
    """What an id is an id of. USER, EMAIL and PHONE are salted hashes and name a person, an
    account before an address before a number."""

    USER = "user"
    EMAIL = "email"
    PHONE = "phone"
    DEVICE = "device"
    CLICK = "click"
    LEAD = "lead"
    # of a record: it ties rows together, and outlives the person's ids
    ORDER = "order"
    DEAL = "deal"
    # keys that dbt derives: of a device, of a person
    DEVICE_KEY = "device_key"
    PERSON_KEY = "person_key"


NAMERS = (Kind.USER, Kind.EMAIL, Kind.PHONE)
RECORDS = (Kind.ORDER, Kind.DEAL)


class Id(NamedTuple):
    """One id of a person, as it is stored: never a raw e-mail address, number or user id."""

    kind: Kind
    value: str

    @property
    def distinctive(self) -> bool:
        """Whether it can be told from other values wherever it stands."""
        return (
            self.kind not in RECORDS and len(self.value) >= DISTINCTIVE and not self.value.isdigit()
        )


class PersonColumn(NamedTuple):
    """A column, or a field within it (``a.b``), with the kind of id that it holds."""

    path: str
    kind: Kind

    @property
    def column(self) -> str:
        return self.path.split(".", 1)[0]

    @property
    def nested(self) -> bool:
        return "." in self.path


@dataclass(frozen=True)
class PersonTable:
    """One table as declared; see the file for what the fields mean."""

    table: str
    deletes: bool
    columns: tuple[PersonColumn, ...] = ()
    urls: tuple[str, ...] = ()
    day: str | None = None

    @property
    def namers(self) -> tuple[PersonColumn, ...]:
        """The columns that say whose a row is, the strongest first."""
        return tuple(c for kind in NAMERS for c in self.columns if c.kind is kind)

    @property
    def cleared(self) -> tuple[str, ...]:
        """The columns that an anonymised row loses."""
        return tuple(c.path for c in self.columns if c.kind not in RECORDS and not c.nested)


@cache
def person_tables() -> dict[str, PersonTable]:
    """Every declared table by its ``dataset.table``."""
    tables = {}
    for table, entry in yaml.safe_load(DECLARATION.read_text())["tables"].items():
        columns = (entry.get("columns") or {}).items()
        tables[table] = PersonTable(
            table=table,
            deletes={"delete": True, "anonymise": False}[entry["action"]],
            columns=tuple(PersonColumn(path, Kind(kind)) for path, kind in columns),
            urls=tuple(entry.get("urls", ())),
            day=entry.get("day"),
        )
    return tables


def not_persons() -> frozenset[str]:
    """``dataset.table.path`` of what is named like a person's id but isn't one."""
    listed = yaml.safe_load(DECLARATION.read_text())["not_persons"]
    return frozenset(f"{table}.{path}" for table, paths in listed.items() for path in paths)


def declared(table: str) -> PersonTable | None:
    """The declaration of a table; of a stage, that of the table it is staged for."""
    dataset, name = table.split(".", 1)
    if dataset == STAGE_DATASET:
        table = ".".join(name.split("__", 2)[:2])
    return person_tables().get(table)


def click_in_url() -> str:
    """A pattern with one group, the click id; RE2 (both warehouses) and Python read it alike."""
    names = "|".join(platform_table().click_id_names)
    return rf"[?&](?:{names})=([^&#\"\\\s]+)"


def clicks_in(text: str) -> list[str]:
    """The click ids in the query strings of a text."""
    return re.findall(click_in_url(), text)
