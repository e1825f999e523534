"""What the mapping of a list that people keep says, and how its rows are read: a row is a thing of
some days, by an id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from pydantic import Field, model_validator

from pipelines.sources.files.cells import M, Sheet
from pipelines.sources.files.layout import Section
from pipelines.sources.files.mapping import ABSENT, Constant, Day, FileMapping, Text


class Choice(Section):
    """One of a few words: the same on every row (``constant``), or in a ``column``, whose cells
    are those words or are translated to them by ``values``."""

    constant: str | None = None
    column: str | None = None
    values: dict[str, str] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.constant is None) == (self.column is None):
            raise ValueError("give either 'constant' or 'column'")
        if self.values is not None and self.column is None:
            raise ValueError("'values' translate the cells of a column")
        return self

    def require(self, options: tuple[str, ...]) -> Choice:
        """Itself.

        Raises:
            ValueError: it gives a word that isn't one of the options.
        """
        said = [self.constant] if self.constant is not None else (self.values or {}).values()
        if wrong := [word for word in said if word not in options]:
            raise ValueError(f"'{wrong[0]}' is none of {', '.join(options)}")
        return self

    def of(self, sheet: Sheet[M], options: tuple[str, ...]) -> list[str]:
        """Each row's word."""
        if self.column is None:
            return [str(self.constant)] * len(sheet)
        return sheet.translated(self.column, self.values or {word: word for word in options})


class ListMapping(FileMapping):
    """What a list holds.

    Args:
        account_id: whose list it is. A complete file is the whole list: what it has no longer is
            withdrawn; of another, rows replace those of the same id, and others stay.
        dates: how its days are written, in strptime's terms.
    """

    account_id: Constant
    dates: str = Field("%Y-%m-%d", pattern="%")

    def day(self, column: str) -> Day:
        """A column of days."""
        return Day(column=column, format=self.dates)


def named(columns: Section, *choices: Choice) -> tuple[str, ...]:
    """The columns of the file that a section of columns and some choices name."""
    names = [name for name in columns.model_dump().values() if name != ABSENT]
    names += [choice.column for choice in choices if choice.column is not None]
    return tuple(dict.fromkeys(names))


def said(sheet: Sheet[M], text: Text) -> list[Any]:
    """What a mapping says of every row, or a column's cells, which must say something."""
    return [text.constant] * len(sheet) if text.column is None else sheet.texts(text.column)


def if_any(sheet: Sheet[M], column: str, read: Callable[[str], list[Any]]) -> list[Any]:
    """A column as ``read`` gives it; None on every row where a mapping says it is absent."""
    return [None] * len(sheet) if column == ABSENT else read(column)


def note_faults(
    sheet: Sheet[M],
    values: Mapping[str, Sequence[object]],
    faults: Callable[[dict[str, Any]], Iterable[str]],
) -> None:
    """Note why rows that can be read can't be used.

    Args:
        values: columns of the table.
        faults: of a row, the reasons.
    """
    problems = sheet.reading.problems
    for i, number in enumerate(sheet.row_numbers):
        if number not in problems.rows:  # of what can't be read, nothing more is said
            for reason in faults({name: cells[i] for name, cells in values.items()}):
                problems.add(number, f": {reason}", why=reason)
