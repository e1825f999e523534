"""The one rule by which a person's data is taken out of what a source sends.

Fields are left out by their names (field_names.py); in the texts that stay, e-mail addresses,
telephone numbers (phones.py) and what a query string says of a person are blotted out, however
often the text is percent-encoded, and within JSON. Landing applies it to every source (columns.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pipelines.privacy.emails import EMAIL as _EMAIL
from pipelines.privacy.emails import SIGNS as ADDRESS_SIGNS
from pipelines.privacy.encodings import decoded, unquoted
from pipelines.privacy.field_names import is_personal, is_personal_query, names_an_id
from pipelines.privacy.iban import without_ibans
from pipelines.privacy.json_texts import Members, Number, dumped, json_parts
from pipelines.privacy.phones import without_phones

EMAIL, PHONE, FIELD, DIGEST, IBAN = "(e-mail)", "(phone)", "(redacted)", "(hash)", "(iban)"
_USER = re.compile(r"(?<=://)[^/\s?#@]+@(?=[^/\s?#@]+)")
_NAME = r"[^=&?#;\s\"'<>/]{1,80}"
# In a query string or fragment, or in a text that is nothing else. What follows a space is of the
# value where the address ends with it, or another parameter follows.
_PARAMETER = re.compile(
    rf"(?:(?<=[?&#;])|^(?=\S*$))({_NAME})="
    r"(\"[^\"]*\"|[^&#;\s\"<>]*(?:(?: [^&#;\s\"<>=]+){1,8}(?=&|$))?)"
)
_SPACE = re.compile(r"(?<=[^+=])\+")
# a member of an object that was cut off, or is no JSON: {'first_name': 'Ada
_MEMBER = re.compile(
    r"(?P<quote>\\{0,7}[\"'])(?P<name>[^\"'\\]{1,80})(?P=quote)\s{0,9}[:=]>?\s{0,9}"
    r"(?P<value>(?P=quote)(?:(?!(?P=quote))(?:\\.|.))*(?:(?P=quote)|\Z)|[^\s,}\]\[{]+)",
    re.DOTALL,
)
# what names the value that comes next
_NAMED = re.compile(rf"(?:[?&#;]|^)({_NAME})=\s*\Z|[\"']([^\"'\\]{{1,80}})[\"']\s*:\s*\Z")
# SHA-256 in hex, as platforms ask for e-mail addresses and numbers: a guess away from them
_DIGEST = re.compile(r"(?<![^\W_])[0-9A-Fa-f]{64}(?![^\W_])")
# signs of the shortest of what goes, a@b.cd
_SHORTEST = 6
# Texts within texts, and objects within objects, are looked into so far; what is deeper goes whole,
# for a text from outside may be made as deep as it is long.
_DEEPEST_TEXT, _DEEPEST_VALUE = 12, 100
# what a text holds that may be taken out of it; the same in Python and RE2
SUSPICIOUS = (
    rf"{ADDRESS_SIGNS}|(?:^|[?&#;]){_NAME}=|\d(?:\W{{0,3}}\d){{6}}|^\s*[\[{{]"
    r"|[\[{]\s*[\"\[{]|[\"']\s*[:=]|[0-9A-Fa-f]{64}"
)
_SUSPICIOUS = re.compile(SUSPICIOUS)
_KEYS = ("key", "name", "field", "label", "property", "question", "parameter", "param", "attribute")
_VALUES = frozenset(("value", "values", "val", "answer", "answers", "string_value", "stringValue"))


def without_emails(text: str) -> str:
    """The text without e-mail addresses; ids and numbers stay."""
    return _without_emails(text, 0)


def redacted(text: str, *, ids: bool = False) -> str:
    """The text without e-mail addresses, telephone numbers, hashes as they are made of both, and
    personal parameters of addresses.

    Text that holds nothing of these comes back as it is, to the letter.

    Args:
        ids: it is said to hold ids, which telephone numbers are easily taken for.
    """
    return _redacted(text, ids, 0)


def cleaned(value: Any, *, ids: bool = False) -> Any:
    """A JSON-like value, however deep, without the fields that are about a person, its texts
    :func:`redacted`.

    An object that names its field (``{"key": "first_name", "value": …}``) is one.
    """
    return _cleaned(value, ids, 0, 0)


def _without_emails(text: str, depth: int) -> str:
    if depth > _DEEPEST_TEXT:
        return FIELD
    return decoded(_EMAIL.sub(EMAIL, text), lambda part: _without_emails(part, depth + 1))


@lru_cache(maxsize=65_536)
def _redacted(text: str, ids: bool, depth: int) -> str:
    if not _SUSPICIOUS.search(text):
        return text
    if depth > _DEEPEST_TEXT:
        return FIELD
    if "{" not in text and "[" not in text:
        return _outside_json(text, ids, depth)
    parts = []
    for before, spelt, inner, too_deep in json_parts(text):
        parts.append(_outside_json(before, ids, depth))
        if too_deep or (spelt and _is_of_a_person(before)):
            parts.append(FIELD)
        elif spelt:
            outer = _cleaned(inner, False, depth + 1, 0)
            parts.append(spelt if outer == inner else dumped(outer))
    return "".join(parts)


def _is_of_a_person(before: str) -> bool:
    """Whether what precedes a value names it as a person's."""
    match = _NAMED.search(before[-100:])
    return match is not None and is_personal_query(unquoted(match[1] or match[2]))


def _outside_json(text: str, ids: bool, depth: int) -> str:
    text = _USER.sub("", text) if "@" in text else text
    if '"' in text or "'" in text:
        text = _MEMBER.sub(_member, text)
    parts, at = [], 0
    for match in _PARAMETER.finditer(text) if "=" in text else ():
        parts += [_plain(text[at : match.start()], ids, depth), _parameter(match, depth)]
        at = match.end()
    return "".join([*parts, _plain(text[at:], ids, depth)])


def _cleaned(value: Any, ids: bool, depth: int, level: int) -> Any:
    """See :func:`cleaned`; ``depth`` is the text's that the value is read from, and ``level`` the
    value's own within it."""
    if isinstance(value, str) and not isinstance(value, Number):
        return _redacted(value, ids, depth)
    if not isinstance(value, dict | Members | list | tuple):
        return value
    if level > _DEEPEST_VALUE:
        return FIELD
    if isinstance(value, dict):
        return dict(_members(value.items(), dict(value), ids, depth, level + 1))
    if isinstance(value, Members):
        pairs = value.pairs
        return Members(tuple(_members(pairs, dict(pairs), ids, depth, level + 1)))
    return [
        _cleaned(entry, _holds_ids(entry), depth, level + 1)
        for entry in value
        if not _is_field(entry)
    ]


def _members(
    pairs: Iterable[tuple[Any, Any]], entry: dict[Any, Any], ids: bool, depth: int, level: int
) -> Iterator[tuple[Any, Any]]:
    """An object's members, without those about a person; its value, if it is a field itself."""
    field = entry_name(entry)
    is_field = field is not None and is_personal(field)
    for key, inner in pairs:
        if isinstance(key, str):
            if (is_personal(key) and not (field and key in _KEYS)) or (is_field and key in _VALUES):
                continue
            ids = names_an_id(key)
        yield _cleaned(key, False, depth, level), _cleaned(inner, ids, depth, level)


def entry_name(entry: Any) -> str | None:
    """The name of the field that an entry of a list is, such as a parameter of GA4; None for
    none."""
    if isinstance(entry, Members):
        entry = dict(entry.pairs)
    if not isinstance(entry, dict) or _VALUES.isdisjoint(entry):
        return None
    return next((entry[key] for key in _KEYS if isinstance(entry.get(key), str)), None)


def _is_field(entry: Any) -> bool:
    name = entry_name(entry)
    return name is not None and is_personal(name)


def _holds_ids(entry: Any) -> bool:
    name = entry_name(entry)
    return name is not None and names_an_id(name)


def _plain(text: str, ids: bool, depth: int) -> str:
    """Text that is no parameter of an address."""
    if len(text) < _SHORTEST:
        return text
    text = _EMAIL.sub(EMAIL, text)
    text = decoded(text, lambda part: _redacted(part, ids, depth + 1))
    text = without_ibans(text, IBAN)
    return without_phones(text if ids else _DIGEST.sub(DIGEST, text), PHONE, ids=ids)


def _member(match: re.Match[str]) -> str:
    if not is_personal_query(match["name"]):
        return match[0]
    ends = match["quote"] if match["value"].startswith(match["quote"]) else ""
    head = match[0][: match.start("value") - match.start()]
    return f"{head}{ends}{FIELD}{ends}"


def _parameter(match: re.Match[str], depth: int) -> str:
    name, value = match[1], match[2]
    plain = unquoted(name) if "%" in name else name
    if not value or value == FIELD:
        return match[0]
    if is_personal_query(plain):
        return f"{name}={FIELD}"
    # a plus is a space there, but for the one of a number
    spaced = _SPACE.sub(" ", value)
    outer = _redacted(spaced, names_an_id(plain), depth + 1)
    if outer == spaced:
        return match[0]
    return f"{name}={outer if ' ' in value else outer.replace(' ', '+')}"
