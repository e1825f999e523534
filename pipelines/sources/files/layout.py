"""How an export file is written: the keys of a mapping that say nothing of advertising."""

from __future__ import annotations

import codecs
import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)

# The same gap to the eye, and the same mark: a mapping says one, and all of them are read.
SPACES, APOSTROPHES = " \u00a0\u202f\u2009", "'\u2019"
_DELIMITERS = {"tab": "\t", "\\t": "\t"}
MAX_HEADER_ROW = 1_000
# what numbers are made of
MINUSES = "\u2212\u2010\u2011\u2012\u2013\u2014\ufe58\ufe63\uff0d"
UNSTRIPPABLE = re.compile(rf".*\d.*|[.,'+()<>\s{MINUSES}-]*|[eE]")


class Section(BaseModel):
    """A part of a mapping: no key that isn't known, and a number where a text belongs is one."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str | int | float) else value


def _row_or_find(value: object) -> object:
    if value == "find" or (type(value) is int and 1 <= value <= MAX_HEADER_ROW):
        return value
    raise ValueError(f"the number of a row, from 1 to {MAX_HEADER_ROW}, or find")


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
HeaderRow = Annotated[int | Literal["find"], PlainValidator(_row_or_find)]


def spelt(text: object) -> str:
    """A column's name, or a cell's text, without differences that nobody sees: of spaces, of
    characters without width, and of two codes for one letter."""
    visible = (
        c for c in unicodedata.normalize("NFKC", str(text)) if unicodedata.category(c) != "Cf"
    )
    return " ".join("".join(visible).split())


class LeaveOut(Section):
    """Rows that are not delivery, such as totals: those whose cell in ``column`` is one of the
    texts in ``equals``, begins with ``starts_with``, or means nothing (``empty: true``).

    Kinds of spaces don't count, capitals do. A row that is shorter than the header is empty in
    the columns that it lacks, so that a footer can be left out, too.
    """

    column: str
    equals: Texts = ()
    starts_with: str | None = Field(None, min_length=1)
    empty: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        ways = [bool(self.equals), self.starts_with is not None, self.empty is not None]
        if sum(ways) != 1:
            raise ValueError("give one of 'equals', 'starts_with' and 'empty: true'")
        return self

    def matches(self, cell: str, null_tokens: tuple[str, ...]) -> bool:
        """Whether a row with this cell is left out."""
        text = spelt(cell)
        if self.starts_with is not None:
            return text.startswith(spelt(self.starts_with))
        return text in map(spelt, self.equals) if self.equals else text in ("", *null_tokens)


class Layout(Section):
    """How the file is written, and which of its rows are left out.

    Args:
        encoding: of a text file, by any name that Python knows: ``utf-8`` (with or without a
            byte order mark), ``utf-16`` (its mark says which), ``cp1252``, ``latin-1``, …
        compression: ``none``, ``gzip`` or ``zip`` (holding one file); unsaid, what the file is.
        max_unpacked_mib: a packed file, and a workbook is one, is refused if it unpacks to more.
        max_unpacked_times: and if it unpacks to more than so many times its size (files under 16
            MiB excepted).
        delimiter: what stands between cells of a text file; ``tab`` is one, too.
        header_row: number of the row with the columns' names, from 1, or ``find``: the first
            (of a thousand) that has every column the mapping names. What stands above is
            skipped. Not for Parquet.
        sheet: the worksheet's name; unsaid, the only visible one that has rows.
        decimal: the decimal sign. Unsaid, ``.``, or ``,`` where ``thousands`` is ``.``.
        thousands: the sign between groups of digits, which must be of three (or Indian, of two
            before the last three) and stand before the decimal sign. A space is each kind of
            space, an apostrophe each kind of apostrophe. Unsaid or empty, there is none.
        strip: signs that may stand before or after a number: ``["€", "%"]``. A percentage is
            read in percent.
        read_as: cells that stand for a number: ``{"< 10": 5}``.
        null_tokens: cells that mean nothing; a metric that is nothing is 0 (but see
            ``Mapping.empty_cost``).
        leave_out: rows to leave out; how many were is logged.
        also_called: other names of columns that the mapping names, for files without those.
    """

    encoding: str = "utf-8"
    compression: Literal["none", "gzip", "zip"] | None = None
    max_unpacked_mib: int = Field(256, ge=1)
    max_unpacked_times: int = Field(100, ge=1)
    delimiter: str = ","
    header_row: HeaderRow = 1
    sheet: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: str | None = None
    strip: Texts = ()
    read_as: dict[str, Decimal] = Field({})
    null_tokens: tuple[str, ...] = ("", "-", "--")
    leave_out: tuple[LeaveOut, ...] = ()
    also_called: dict[str, Texts] = {}

    @property
    def last_header_row(self) -> int:
        """The last row that may be the header."""
        return MAX_HEADER_ROW if self.header_row == "find" else self.header_row

    @property
    def decimal_sign(self) -> str:
        """What is said, or follows from ``thousands``."""
        return self.decimal or ("," if self.thousands == "." else ".")

    @property
    def says_its_signs(self) -> bool:
        """Whether both signs are said, so that ``1.234`` has one meaning."""
        return self.decimal is not None and self.thousands is not None

    @field_validator("encoding")
    @classmethod
    def _text_codec(cls, name: str) -> str:
        try:
            codec = codecs.lookup(name)
        except LookupError:
            codec = None
        if codec is None or not codec._is_text_encoding or codec.name in {"undefined", "idna"}:
            raise ValueError(
                "no encoding of texts that Python knows; utf-8, utf-16, cp1252 and latin-1 are some"
            )
        return codec.name

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str) -> str:
        delimiter = _DELIMITERS.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ValueError("a delimiter is one character, such as ';', or tab")
        return delimiter

    @field_validator("thousands")
    @classmethod
    def _grouping(cls, sign: str | None) -> str | None:
        if sign is None or sign in ("", ".", ","):
            return sign
        if len(sign) == 1 and sign in SPACES + APOSTROPHES:
            return " " if sign in SPACES else "'"
        raise ValueError(
            "a thousands separator is ',', '.', a space, an apostrophe or, for none, ''"
        )

    @field_validator("strip")
    @classmethod
    def _signs(cls, signs: tuple[str, ...]) -> tuple[str, ...]:
        stripped = tuple(sign.strip() for sign in signs)
        for sign in stripped:
            if UNSTRIPPABLE.fullmatch(sign):
                raise ValueError(
                    f"'{sign}' is a part of numbers; signs to strip are such as '€' and '%'"
                )
        return stripped

    @field_validator("read_as")
    @classmethod
    def _from_zero(cls, numbers: dict[str, Decimal]) -> dict[str, Decimal]:
        for cell, number in numbers.items():
            if not number.is_finite() or number < 0:
                raise ValueError(f"'{cell}' must stand for a number from 0")
        return {cell.strip(): number for cell, number in numbers.items()}

    @model_validator(mode="after")
    def _no_conflict(self) -> Self:
        if self.thousands and self.thousands == self.decimal_sign:
            raise ValueError(f"decimal and thousands are both '{self.thousands}'")
        if both := [cell for cell in self.read_as if cell in self.null_tokens]:
            raise ValueError(f"'{both[0]}' stands in read_as and in null_tokens")
        return self
