"""The schema of a mapping of a calendar: which column of the list means what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from pipelines.sources.files.layout import Section
from pipelines.sources.files.list_mapping import Choice, ListMapping, named
from pipelines.sources.files.mapping import ABSENT

STOCK_OUT = "stock_out"
KINDS = ("promotion", "holiday", "price_change", STOCK_OUT, "other")
YES_NO = ("true", "false")

Kind = Annotated[Choice, AfterValidator(lambda choice: choice.require(KINDS))]
YesNo = Annotated[Choice, AfterValidator(lambda choice: choice.require(YES_NO))]


class Columns(Section):
    """What is read of an event, by the file's columns.

    Args:
        event_id: absent, its name, market and first day name it.
        name: what it is called each time it comes back.
        end_date: absent or nothing, it is over on its first day.
        market: absent or nothing, it is of all markets.
        population_share: of all possible customers, how many it concerns, up to 1.
        intensity: how strong it is beside others of its kind, in any one unit.
        expected_sign: 1, -1 or 0.
    """

    event_id: str = ABSENT
    name: str
    start_date: str
    end_date: str = ABSENT
    market: str = ABSENT
    population_share: str = ABSENT
    intensity: str = ABSENT
    expected_sign: str = ABSENT


class CalendarMapping(ListMapping):
    """What a calendar holds, a row an event.

    Args:
        known_in_advance: unsaid, all but stock-outs are.
    """

    table: Literal["calendar_events"]
    platform: Literal["calendar"]
    kind: Kind
    known_in_advance: YesNo | None = None
    columns: Columns

    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""
        known = [self.known_in_advance] if self.known_in_advance else []
        return named(self.columns, self.kind, *known)
