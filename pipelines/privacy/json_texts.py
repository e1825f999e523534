"""Finds JSON in texts, and writes it again so that only what was changed in it is another.

Numbers stay as they are spelt, and a key that comes twice stays twice: ``json`` with hooks does
both, and reads an object wherever it stands in a text. ``orjson`` does neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple


class Number(str):
    """A number, or NaN, as it was spelt."""

    __slots__ = ()


@dataclass(frozen=True)
class Members:
    """An object: its names and values in order, each as often as it was there."""

    pairs: tuple[tuple[str, Any], ...]


class Part(NamedTuple):
    """What precedes a value in a text, the value as it is spelt, and what it reads as.

    The last part has no value (``spelt`` is empty); ``too_deep`` says that what follows is nested
    beyond reading.
    """

    before: str
    spelt: str = ""
    value: Any = None
    too_deep: bool = False


_OPENING = re.compile(r"\{(?=\s*[\"}])|\[(?=\s*[\[{\"0-9tfn\]-])")
# a text may open as many brackets as it is long, and close none
_TRIES = 20
_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Members(tuple(pairs)),
    parse_int=Number,
    parse_float=Number,
    parse_constant=Number,
    strict=False,
)


def json_parts(text: str) -> Iterator[Part]:
    """The text, split at every object or list that stands in it, however many there are."""
    at = start = failures = 0
    while failures < _TRIES and (match := _OPENING.search(text, start)):
        try:
            value, end = _DECODER.raw_decode(text, match.start())
        except json.JSONDecodeError:
            failures, start = failures + 1, match.end()
            continue
        except RecursionError:
            yield Part(text[at : match.start()], too_deep=True)
            return
        yield Part(text[at : match.start()], text[match.start() : end], value)
        at = start = end
    yield Part(text[at:])


def dumped(value: Any) -> str:
    """The JSON of what :func:`json_parts` read, without spaces."""
    if isinstance(value, Members):
        return "{" + ",".join(f"{dumped(k)}:{dumped(v)}" for k, v in value.pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumped, value)) + "]"
    if isinstance(value, Number):
        return value
    try:
        str(value).encode()
    except UnicodeEncodeError:  # half a pair, which UTF-8 can't hold, stays escaped
        return json.dumps(value)
    return json.dumps(value, ensure_ascii=False)
