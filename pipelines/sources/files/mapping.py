"""What every mapping file says, whatever table its file lands in; the rooms below have the rest."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pipelines.source_settings import TimeZone
from pipelines.sources.files.layout import Layout, Section

ABSENT = "absent"
# Directives of strptime: of days, and of weeks, which make a day with a weekday.
_DAYS, _WEEKS, _WEEKDAYS = set("dejcxDF"), set("UVW"), set("aAuw")


class Text(Section):
    """A text that is the same on every row (``constant``), or that a ``column`` gives."""

    constant: str | None = None
    column: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.constant is None) == (self.column is None):
            raise ValueError("give either 'constant' or 'column'")
        return self


class Constant(Section):
    """A text that is the same on every row, because the file doesn't hold it."""

    constant: str = Field(min_length=1)


class Day(Section):
    """The day of a row, or of the period that a row is.

    Args:
        column: where it stands.
        format: in strptime's terms, such as ``%d-%m-%Y``; without a day it names a period
            (``%B %Y``, ``%G-W%V``).
        marks: the period's ``first`` day or its ``last``.
        ends: a column with the period's last day. Where a row is a day it must be the same one.
    """

    column: str
    format: str = Field(pattern="%")
    marks: Literal["first", "last"] = "first"
    ends: str | None = None

    @property
    def names_a_day(self) -> bool:
        """Whether the format has the day, rather than only its month or week."""
        directives = set(re.findall(r"%-?([A-Za-z])", self.format))
        return bool(directives & _DAYS) or bool(directives & _WEEKS and directives & _WEEKDAYS)


class FileMapping(Layout):
    """What an export file holds; how it is written is said by the keys of :class:`Layout`.

    Args:
        platform: whose export it is.
        time_zone: the account's own, of which its days are.
        complete: whether the file has everything of its days. What is published of them and isn't
            in a complete file is withdrawn; in another it stays.
    """

    # whether messages may repeat what a cell holds; not where it may be about a person
    quotes_cells: ClassVar[bool] = True

    platform: str
    account_name: str | None = None
    time_zone: TimeZone
    complete: bool = True

    @abstractmethod
    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""

    @property
    def id_columns(self) -> tuple[str, ...]:
        """Columns of ids, which must have kept all of their digits."""
        return ()

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Columns that a row of the export always fills, and its row of totals leaves empty; the
        first is named in advice."""
        return ()

    @property
    def total_column(self) -> str | None:
        """The column of which a row of totals, which is left out, has the sum."""
        return None
