"""The schema of a mapping of a media plan: which column of the list means what."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from pipelines.platforms import platform_table
from pipelines.sources.files.layout import Section
from pipelines.sources.files.list_mapping import Choice, ListMapping, named
from pipelines.sources.files.mapping import ABSENT, Text


def platform_names() -> tuple[str, ...]:
    """The ad platforms that a line may be bought on."""
    return tuple(platform_table().platforms)


AdPlatform = Annotated[Choice, AfterValidator(lambda choice: choice.require(platform_names()))]


class Columns(Section):
    """What is read of a line, by the file's columns.

    Args:
        campaign_name: what the campaign was planned to be called.
        market, product: as they stand in the campaigns' names or labels.
        planned_spend: of the whole flight.
        updated_at: when the line was last changed or confirmed.
    """

    line_id: str
    campaign_name: str
    market: str = ABSENT
    product: str = ABSENT
    start_date: str
    end_date: str
    planned_spend: str
    updated_at: str = ABSENT


class MediaPlanMapping(ListMapping):
    """What a media plan holds, a row a line.

    Args:
        plan_id: which plan a line is of.
        times: how ``updated_at`` is written, in strptime's terms, its offset from UTC among them.
    """

    table: Literal["media_plans"]
    platform: Literal["media_plans"]
    plan_id: Text
    ad_platform: AdPlatform
    currency: Text
    times: str = "%Y-%m-%d %H:%M %z"
    columns: Columns

    @model_validator(mode="after")
    def _currency_and_times(self) -> Self:
        if self.currency.constant and not re.fullmatch("[A-Z]{3}", self.currency.constant):
            raise ValueError(f"'{self.currency.constant}' is no currency such as EUR")
        if "%z" not in self.times:
            raise ValueError("times without their offset (%z) are of no certain hour")
        return self

    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""
        texts = [text.column for text in (self.plan_id, self.currency) if text.column]
        return tuple(dict.fromkeys([*named(self.columns, self.ad_platform), *texts]))
