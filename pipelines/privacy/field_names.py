"""Whether a field is about a person, by its name: personal_fields.yaml has the names.

A name is all that there is to go by, so what may be a person's counts as such: fields are left
out that someone may miss, and they are logged.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

_TABLE = Path(__file__).with_name("personal_fields.yaml")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# letters that have no decomposition
_PLAIN = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "ı": "i"})


@dataclass(frozen=True)
class _Names:
    """personal_fields.yaml, the languages of each list together."""

    parts: frozenset[str]
    stems: tuple[str, ...]
    kinds_of_contact: frozenset[str]
    measures: frozenset[str]
    names_and_addresses: frozenset[str]
    things: frozenset[str]
    persons: frozenset[str]
    names: frozenset[str]
    queries: frozenset[str]
    before_numbers: frozenset[str]
    ids: frozenset[str]
    numbered: frozenset[str]
    numbers: frozenset[str]


@lru_cache(maxsize=65_536)
def is_personal(field: str) -> bool:
    """Whether a field is, by its name, about a person: it is not taken.

    ``first_name``, ``Lieferadresse``, ``téléfono`` and ``userAgent`` are; ``campaign_name`` and
    ``Phone calls`` are not.
    """
    table = _names()
    parts = set(_parts(field))
    whole = "".join(_parts(field))
    if parts & table.parts or whole in table.names or any(stem in whole for stem in table.stems):
        return True
    if parts & table.kinds_of_contact and not parts & table.measures:
        return True
    return bool(parts & table.names_and_addresses) and (
        not parts & table.things or bool(parts & table.persons)
    )


@lru_cache(maxsize=65_536)
def is_personal_query(name: str) -> bool:
    """As :func:`is_personal`, of the name of a parameter in an address."""
    return is_personal(name) or "".join(_parts(name)) in _names().queries


@lru_cache(maxsize=65_536)
def names_an_id(field: str) -> bool:
    """Whether a field's name says that it holds an id or a time: ``order_id``, ``Invoice No``."""
    table, parts = _names(), _parts(field)
    if not parts:
        return False
    is_number = len(parts) > 1 and parts[-1] in table.numbers and parts[-2] in table.numbered
    return is_number or parts[-1] in table.ids


def before_numbers() -> tuple[str, ...]:
    """What stands before a telephone number."""
    return tuple(sorted(_names().before_numbers, key=lambda name: (-len(name), name)))


@lru_cache(maxsize=65_536)
def _parts(field: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKD", field.translate(_PLAIN))
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return tuple(part.lower() for part in _PARTS.findall(plain))


@cache
def _names() -> _Names:
    table = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))

    def together(name: str) -> frozenset[str]:
        entry = table[name]
        lists = entry.values() if isinstance(entry, dict) else [entry]
        return frozenset(one for many in lists for one in many)

    listed = {name: together(name) for name in _Names.__annotations__ if name != "stems"}
    return _Names(stems=tuple(sorted(together("stems"))), **listed)
