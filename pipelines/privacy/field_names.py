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
from typing import Any

import yaml

_TABLE = Path(__file__).with_name("personal_fields.yaml")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|(?:[^\W\d_A-Za-z]|[\u0900-\u0eff])+")
# letters that have no decomposition
_PLAIN = str.maketrans(
    {"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "ı": "i", "đ": "d", "Đ": "D"}
    | {"œ": "oe", "ð": "d", "þ": "th", "ς": "σ"}
)
# scripts that put no spaces between words: South and South-East Asia's, Korea's, Japan's, China's
_UNSPACED = re.compile("[\u0900-\u0eff\u1000-\u11ff\u3040-\u30ff\u3400-\u9fff]")
_SHORTEST_BEGINNING = 4


@dataclass(frozen=True)
class _Parts:
    """Parts of names as they are listed: whole, beginnings, and what counts anywhere."""

    whole: frozenset[str]
    beginnings: tuple[str, ...]
    anywhere: tuple[str, ...]

    def name(self, parts: tuple[str, ...]) -> bool:
        """Whether one of the parts is listed."""
        if not self.whole.isdisjoint(parts):
            return True
        if self.beginnings and any(part.startswith(self.beginnings) for part in parts):
            return True
        return any(text in "".join(parts) for text in self.anywhere)


@dataclass(frozen=True)
class _Names:
    """personal_fields.yaml, the languages of each list together."""

    parts: _Parts
    stems: tuple[str, ...]
    kinds_of_contact: _Parts
    texts: _Parts
    measures: _Parts
    names_and_addresses: _Parts
    things: _Parts
    thing_beginnings: _Parts
    persons: _Parts
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
    table, parts = _names(), _parts(field)
    whole = "".join(parts)
    if whole in table.names or any(stem in whole for stem in table.stems):
        return True
    if table.parts.name(parts) and not table.measures.name(parts[-1:]):
        return True
    if not table.measures.name(parts):
        if table.kinds_of_contact.name(parts):
            return True
        if table.texts.name(parts) and parts[-1] not in table.ids:
            return True
    for place, part in enumerate(parts):
        if table.names_and_addresses.name((part,)):
            # user_campaign_name is the campaign's, company_contact_name is not the company's
            whose = parts[max(place - 1, 0) : place]
            is_things = _is_thing(parts) and (not table.persons.name(parts) or _is_thing(whose))
            return not is_things
    return False


def _is_thing(parts: tuple[str, ...]) -> bool:
    table = _names()
    return table.things.name(parts) or table.thing_beginnings.name(parts)


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
        return frozenset("".join(_parts(one)) for many in lists for one in many)

    def parts(name: str, *, beginnings: bool = False) -> _Parts:
        texts = together(name)
        anywhere = {text for text in texts if _UNSPACED.search(text)}
        begin = {
            text
            for text in texts - anywhere
            if beginnings or (not text.isascii() and len(text) >= _SHORTEST_BEGINNING)
        }
        return _Parts(texts - anywhere - begin, tuple(sorted(begin)), tuple(sorted(anywhere)))

    kinds: dict[str, Any] = {
        name: parts(name, beginnings=name == "thing_beginnings")
        if kind == "_Parts"
        else together(name)
        for name, kind in _Names.__annotations__.items()
        if name != "stems"
    }
    return _Names(stems=tuple(sorted(together("stems"))), **kinds)
