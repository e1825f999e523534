"""The schema of an ads mapping: which column of the export means what."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipelines.platform_ids import canonical_id
from pipelines.platforms import platform_table
from pipelines.sources.files.layout import Section, spelt
from pipelines.sources.files.mapping import ABSENT, Day, FileMapping, Text

# Names of columns whose values are periods; they are compared in small letters.
PERIODS = {
    **dict.fromkeys(("week", "woche", "week start", "week starting", "week ending"), "week"),
    **dict.fromkeys(("week of", "iso week", "kalenderwoche", "kw", "semana", "semaine"), "week"),
    **dict.fromkeys(("settimana", "week number", "tydzień", "uke", "vecka", "uge"), "week"),
    **dict.fromkeys(("month", "monat", "quarter", "quartal", "year", "jahr"), "month"),
    **dict.fromkeys(("mes", "mois", "mese", "mês", "maand", "miesiąc", "trimestre"), "month"),
    **dict.fromkeys(("kwartaal", "año", "année", "anno", "ano", "jaar", "rok"), "month"),
}


def _as_column(value: object) -> object:
    return {"column": value} if isinstance(value, str | int) else value


ColumnOrConstant = Annotated[Text, BeforeValidator(_as_column)]


class Status(Text):
    """ENABLED, PAUSED or REMOVED: a constant, or a column translated by ``values``."""

    values: dict[str, Literal["ENABLED", "PAUSED", "REMOVED"]] = Field({})

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.constant is not None and self.constant not in {"ENABLED", "PAUSED", "REMOVED"}:
            raise ValueError("a constant status is ENABLED, PAUSED or REMOVED")
        if self.column is not None and not self.values:
            raise ValueError("a status column needs 'values', such as Active: ENABLED")
        return self


class Statuses(Section):
    campaign: Status | None = None
    adgroup: Status | None = None
    ad: Status | None = None


class Names(Section):
    """Columns of names; entities are made for the levels that have one."""

    campaign: str | None = None
    adgroup: str | None = None
    ad: str | None = None


class Columns(Section):
    """Ids and metrics. ``cost`` and ``conversion_value`` are decimals in the currency."""

    campaign_id: str
    adgroup_id: str | None = None
    ad_id: str | None = None
    impressions: str
    clicks: str
    cost: str
    conversions: str = Field(description="a column, or 'absent' where the export has none")
    conversion_value: str = Field(description="a column, or 'absent' where the export has none")


class AdsMapping(FileMapping):
    """What an export of ads by day holds.

    Args:
        level: what a row is, by ``grain``: an ad or a campaign.
        grain: how long a row is: a ``day``, a ``week`` of seven days, or a calendar ``month``.
            What lands is days, so the other two need ``spread``.
        spread: ``evenly`` divides a row among the days of its period, so that they sum to it
            exactly, and marks each with its grain (``spread_from``, in ``_extra``).
        sparse: days that lie a week or a month apart, and none between, are taken for weeks and
            months and refused; true says that they are days.
        campaign_totals: ``sum_of_ads`` states that the file is complete, every campaign and
            every ad of it, so that its ads add up to its campaigns; otherwise a file of ads
            gives no campaign rows.
        duplicate_rows: ``sum`` where a grain legitimately has several rows (a breakdown was
            exported); ``refuse`` takes them for a mistake.
        empty_cost: ``refuse`` a cost that is nothing where there are impressions or clicks, or
            everywhere; or take it for ``zero``.
        check_total: the costs must add up to that of a row that is left out.
        rounded_ids: ``refuse`` ids whose digits all end as rounding leaves them (zeros from the
            16th on, or the precision of a float); ``keep`` takes them as they are written.
        daily_budget: column of the campaign's present daily budget, decimal.
        budget_id: the budget's id (a column, or a ``constant`` of all the file's campaigns):
            campaigns of an account with one id spend one budget.
    """

    table: Literal["ads"] = "ads"
    account_id: Text
    currency: Text
    level: Literal["ad", "campaign"]
    date: Day
    grain: Literal["day", "week", "month"] = "day"
    spread: Literal["evenly"] | None = None
    sparse: bool = False
    columns: Columns
    status: Statuses
    names: Names = Names()
    daily_budget: str | None = None
    budget_id: ColumnOrConstant | None = None
    attribution_window: str = "unknown"
    campaign_totals: Literal["sum_of_ads"] | None = None
    duplicate_rows: Literal["refuse", "sum"] = "refuse"
    empty_cost: Literal["refuse", "zero"] = "refuse"
    check_total: bool = False
    rounded_ids: Literal["refuse", "keep"] = "refuse"

    @property
    def account(self) -> str | None:
        """The account that all rows are of, in its platform's spelling."""
        constant = self.account_id.constant
        return None if constant is None else canonical_id(self.platform, "account", constant)

    @property
    def makes_campaigns(self) -> bool:
        return self.level == "campaign" or self.campaign_totals is not None

    @field_validator("platform")
    @classmethod
    def _known(cls, name: str) -> str:
        if problem := platform_table().problem([name]):
            raise ValueError(problem)
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if problem := self._account_problem():
            raise ValueError(f"account_id '{self.account_id.constant}' {problem}")
        if self.level == "ad":
            if not (self.columns.adgroup_id and self.columns.ad_id):
                raise ValueError("level: ad needs columns.adgroup_id and columns.ad_id")
            if self.status.ad is None:
                raise ValueError("level: ad needs status.ad")
        elif self.campaign_totals:
            raise ValueError("campaign_totals is for files with level: ad")
        if self.budget_id and not self.daily_budget:
            raise ValueError("budget_id is the id of the budget in daily_budget, which is missing")
        if self.campaign_totals and not self.complete:
            raise ValueError("campaign_totals: sum_of_ads needs a file that is complete")
        if self.check_total and not self.leave_out:
            raise ValueError("check_total needs the total's row in leave_out")
        if self.makes_campaigns and self.status.campaign is None:
            raise ValueError("campaign rows need status.campaign")
        return self

    @model_validator(mode="after")
    def _days(self) -> Self:
        """What a row is, in days."""
        if self.grain != "day":
            if self.spread is None:
                raise ValueError(
                    f"rows of a {self.grain} can't land as days: export by day, or say "
                    "'spread: evenly' to divide each among its days"
                )
            return self
        if self.spread is not None:
            raise ValueError("spread is for 'grain: week' and 'grain: month'; a day is one already")
        period = PERIODS.get(spelt(self.date.column).lower())
        if period is None and not self.date.names_a_day:
            period = "week" if re.search("%[UVW]", self.date.format) else "month"
        if period and not self.sparse:
            raise ValueError(
                f"'{self.date.column}' as {self.date.format} is a {period}, and a row must be a "
                f"day: export by day, or say 'grain: {period}' and 'spread: evenly'"
            )
        return self

    def _account_problem(self) -> str:
        try:
            self.account  # noqa: B018
        except ValueError as error:
            return str(error)
        return ""

    @property
    def id_columns(self) -> tuple[str, ...]:
        """Every column of ids that the mapping names."""
        ids = (self.columns.campaign_id, self.columns.adgroup_id, self.columns.ad_id)
        return tuple(column for column in (self.account_id.column, *ids) if column)

    @property
    def key_columns(self) -> tuple[str, ...]:
        return (self.date.column, self.columns.campaign_id)

    @property
    def total_column(self) -> str:
        """A total's cost is that of all rows."""
        return self.columns.cost

    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""
        columns = self.columns.model_dump()
        states = (self.status.campaign, self.status.adgroup, self.status.ad)
        texts = (self.account_id, self.currency, self.budget_id, *states)
        named = [
            self.date.column,
            *([self.date.ends] if self.date.ends else []),
            *(c for c in columns.values() if c and c != ABSENT),
            *(t.column for t in texts if t and t.column),
            *(c for c in self.names.model_dump().values() if c),
            *([self.daily_budget] if self.daily_budget else []),
        ]
        return tuple(dict.fromkeys(named))
