"""Texts that stand where an id is missing and are nobody's, as placeholders.yaml lists them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import yaml

FILE = Path(__file__).with_name("placeholders.yaml")
_ROUNDS = 3
_QUOTES = " \t\r\n\"'`\u00a0\u200b«»‹›“”„‘’\x00"


@dataclass(frozen=True)
class Placeholders:
    """Which texts are nobody's id.

    Args:
        extra: texts besides those of placeholders.yaml (``identity.placeholders``).
    """

    extra: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> str:
        """RE2 of the whole of a placeholder that is trimmed and in small letters."""
        listed = _listed()
        texts = [text for entry in listed["texts"] for text in entry["are"]]
        # a quote, which a full-width one has become by now, would end the text in SQL
        texts += [_plain(text).replace("'", "") for text in self.extra]
        patterns = [entry["is"] for entry in listed["patterns"]]
        boxes = "|".join(map(_spelt, listed["mailboxes"]))
        any_ = "|".join([*map(_spelt, dict.fromkeys(texts)), *patterns, boxes])
        hashes = "|".join(_hashes(listed["hashed"]))
        addresses = "|".join(map(re.escape, listed["addresses"]))
        return f"^(?:(?:{any_})(?:@.*)?|[^@]+@(?:{boxes})(?:[.].*)?|{addresses}|{hashes})$"

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Those that are whole texts, as they are listed and in the usual capitals."""
        texts = [text for entry in _listed()["texts"] for text in entry["are"]]
        spellings = (s for t in (*texts, *self.extra) for s in (t, t.upper(), t.title(), t.lower()))
        return tuple(dict.fromkeys([*spellings, "[object Object]", "NaN"]))

    def real(self, text: str | None) -> str | None:
        """The text as it is; None for a placeholder."""
        return None if text is None or self._is_one(_plain(text)) else text

    def real_address(self, address: str | None) -> str | None:
        """An e-mail address as it is; None for what has none or is typed where none is given."""
        plain = _plain(address or "")
        return address if "@" in plain and not self._is_one(plain) else None

    def real_values(self, values: pa.Array | pa.ChunkedArray) -> Any:
        """Texts as they are, NULL in the place of placeholders; of the array's own type."""
        distinct = pc.unique(values).to_pylist()
        nobodys = [v for v in distinct if v is not None and self.real(v) is None]
        if not nobodys:
            return values
        taken = pc.is_in(values, value_set=pa.array(nobodys, values.type))
        return pc.if_else(taken, pa.scalar(None, values.type), values)

    def _is_one(self, plain: str) -> bool:
        return self._compiled.fullmatch(plain) is not None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


SHIPPED = Placeholders()


def placeholders(extra: Iterable[str] = ()) -> Placeholders:
    """The placeholders of the package, and a configuration's own."""
    return Placeholders(tuple(extra)) if extra else SHIPPED


def _plain(text: str) -> str:
    """Without percent-encoding, what nobody sees, kinds of dashes, quotes around, and capitals."""
    for _ in range(_ROUNDS):
        if "%" not in text:
            break
        text = unquote(text)
    if not text.isascii():  # an ASCII text is its own normal form, and its one dash is "-"
        signs = (
            "-" if unicodedata.category(c) == "Pd" else c
            for c in unicodedata.normalize("NFKC", text)
            if unicodedata.category(c) != "Cf"
        )
        text = "".join(signs)
    return text.strip(_QUOTES).lower()


def _spelt(text: str) -> str:
    """A text's pattern: words are joined by a space, a dash, an underscore or nothing."""
    return re.sub(r"(?<=[a-z])(?:\\-|\\ |_)(?=[a-z])", "[-_ ]?", re.escape(text))


def _hashes(texts: Iterable[str]) -> list[str]:
    """What tags send that hash a placeholder: MD5, SHA-1 and SHA-256 of it, in hexadecimal."""
    return [
        hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()
        for text in texts
        for name in ("md5", "sha1", "sha256")
    ]


@cache
def _listed() -> dict[str, Any]:
    listed: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return listed
