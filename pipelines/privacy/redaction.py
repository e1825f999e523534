"""The one rule by which a person's data is taken out of what a source sends.

Fields are left out by their names (field_names.py); in the texts that stay, e-mail addresses,
telephone numbers (phones.py) and what a query string says of a person are blotted out, however
often the text is percent-encoded, and within JSON. Landing applies it to every source (columns.py).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import orjson

from pipelines.privacy.field_names import is_personal, is_personal_query, names_an_id
from pipelines.privacy.phones import without_phones

EMAIL, PHONE, FIELD, DIGEST = "(e-mail)", "(phone)", "(redacted)", "(hash)"
_AT = r"(?:[@＠﹫]|&#0*64;|&#x0*40;|\\u0040)"
_LOCAL = r"[^\s@＠﹫\"'<>()\[\],;:/?&=#\\]"
_EMAIL = re.compile(
    # not a picture for fine screens (logo@2x.png)
    rf"(?<!{_LOCAL}){_LOCAL}+{_AT}(?!\dx\.)(?:[^\W_]|-)+(?:\.(?:[^\W_]|-)+)*\.[^\W\d_]"
    r"(?:[^\W_]|-)+"
)
_USER = re.compile(r"(?<=://)[^/\s?#@]+@(?=[^/\s?#@]+)")
_RUN = r"[^\s\"'<>?&#=;,/]"
_ENCODED = re.compile(rf"(?<!{_RUN}){_RUN}*%[0-9A-Fa-f]{{2}}{_RUN}*")
# in a query string or fragment, or in a text that is nothing else
_PARAMETER = re.compile(r"(?:(?<=[?&#;])|^(?=\S*$))([^=&#?;\s\"'<>/]{1,80})=([^&#;\s\"'<>]*)")
_SPACE = re.compile(r"(?<=[^+=])\+")
# SHA-256 in hex, as platforms ask for e-mail addresses and numbers: a guess away from them
_DIGEST = re.compile(r"(?<![^\W_])[0-9A-Fa-f]{64}(?![^\W_])")
_ROUNDS = 5
# Texts within texts, and objects within objects, are looked into so far; what is deeper goes whole,
# for a text from outside may be made as deep as it is long.
_DEEPEST_TEXT, _DEEPEST_VALUE = 12, 100
# what a text holds that may be taken out of it; the same in Python and RE2
SUSPICIOUS = (
    r"[@＠﹫%]|&#|\\u0040|(?:^|[?&#;])[^=&#?;\s\"'<>/]{1,80}=|\d[\d ().+/-]{5,}\d|^\s*[\[{]"
    r"|[0-9A-Fa-f]{64}"
)
_SUSPICIOUS = re.compile(SUSPICIOUS)


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
    return _decoded(_EMAIL.sub(EMAIL, text), lambda part: _without_emails(part, depth + 1))


@lru_cache(maxsize=65_536)
def _redacted(text: str, ids: bool, depth: int) -> str:
    if not _SUSPICIOUS.search(text):
        return text
    if depth > _DEEPEST_TEXT:
        return FIELD
    if (inner := _json(text)) is not None:
        outer = _cleaned(inner, False, depth + 1, 0)
        return text if outer == inner else orjson.dumps(outer).decode()
    text = _USER.sub("", text)
    parts, at = [], 0
    for match in _PARAMETER.finditer(text):
        parts += [_plain(text[at : match.start()], ids, depth), _parameter(match, depth)]
        at = match.end()
    return "".join([*parts, _plain(text[at:], ids, depth)])


def _cleaned(value: Any, ids: bool, depth: int, level: int) -> Any:
    """See :func:`cleaned`; ``depth`` is the text's that the value is read from, and ``level`` the
    value's own within it."""
    if isinstance(value, str):
        return _redacted(value, ids, depth)
    if not isinstance(value, dict | list | tuple):
        return value
    if level > _DEEPEST_VALUE:
        return FIELD
    if isinstance(value, dict):
        field = entry_name(value)
        return {
            _cleaned(key, False, depth, level + 1): _cleaned(
                inner, names_an_id(key) if isinstance(key, str) else ids, depth, level + 1
            )
            for key, inner in value.items()
            if not (isinstance(key, str) and is_personal(key)) or (key == "name" and field)
        }
    return [
        _cleaned(entry, _holds_ids(entry), depth, level + 1)
        for entry in value
        if not _is_field(entry)
    ]


def entry_name(entry: Any) -> str | None:
    """The name of the field that an entry of a list is, such as a parameter of GA4; None for
    none."""
    if not isinstance(entry, dict) or "value" not in entry:
        return None
    name = entry.get("key", entry.get("name"))
    return name if isinstance(name, str) else None


def _is_field(entry: Any) -> bool:
    name = entry_name(entry)
    return name is not None and is_personal(name)


def _holds_ids(entry: Any) -> bool:
    name = entry_name(entry)
    return name is not None and names_an_id(name)


def _plain(text: str, ids: bool, depth: int) -> str:
    """Text that is no parameter of an address."""
    if "%" in text:
        text = _decoded(text, lambda part: _redacted(part, ids, depth + 1))
    text = _EMAIL.sub(EMAIL, text)
    return without_phones(text if ids else _DIGEST.sub(DIGEST, text), PHONE, ids=ids)


def _parameter(match: re.Match[str], depth: int) -> str:
    name, value = match[1], match[2]
    plain = _unquoted(name) if "%" in name else name
    if not value or value == FIELD:
        return match[0]
    if is_personal_query(plain):
        return f"{name}={FIELD}"
    # a plus is a space there, but for the one of a number
    spaced = _SPACE.sub(" ", value)
    outer = _redacted(spaced, names_an_id(plain), depth + 1)
    return match[0] if outer == spaced else f"{name}={outer.replace(' ', '+')}"


def _decoded(text: str, clean: Any) -> str:
    """The text with its percent-encoded parts cleaned as what they encode, where that changes
    anything."""

    def part(match: re.Match[str]) -> str:
        inner = _unquoted(match[0])
        outer = clean(inner) if inner != match[0] else inner
        return match[0] if outer == inner else quote(outer, safe="/:()@!*~,")

    return _ENCODED.sub(part, text)


def _unquoted(text: str) -> str:
    for _ in range(_ROUNDS):
        inner = unquote(text)
        if inner == text:
            break
        text = inner
    return text


def _json(text: str) -> Any:
    """An object or list that a text is the JSON of; None for another text."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # deeper than 1,024 levels, too
        return None
