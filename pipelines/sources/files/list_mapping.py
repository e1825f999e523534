"""What the mapping of a list that people keep says: a row is a thing of some days, by an id."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pipelines.sources.files.cells import M, Sheet
from pipelines.sources.files.layout import Section
from pipelines.sources.files.mapping import ABSENT, Constant, Day, FileMapping


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
