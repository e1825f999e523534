"""The schema of a mapping of a GA4 report: which column of the download means what."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import field_validator, model_validator

from pipelines.sources.files.layout import Section
from pipelines.sources.files.mapping import ABSENT, Constant, Day, FileMapping

_PROPERTY = re.compile(r"(?:properties/)?(\d+)")
DIMENSIONS = (
    *("session_default_channel_group", "session_source", "session_medium"),
    *("session_campaign_id", "session_campaign_name"),
)
COUNTS = (
    *("sessions", "engaged_sessions", "total_users", "new_users", "screen_page_views"),
    *("event_count", "transactions"),
)


class Columns(Section):
    """Dimensions and metrics by the names of raw.ga4_daily_report; what isn't in the download is
    ``absent`` there: a dimension lands as ``(not exported)``, a metric as NULL.

    Args:
        session_source_medium: a column that has both, such as ``google / cpc``.
        purchase_revenue: decimal, less refunds. GA4's total revenue isn't it, where a property
            has subscriptions or advertising.
    """

    session_default_channel_group: str = ABSENT
    session_source_medium: str = ABSENT
    session_source: str = ABSENT
    session_medium: str = ABSENT
    session_campaign_id: str = ABSENT
    session_campaign_name: str = ABSENT
    sessions: str
    engaged_sessions: str = ABSENT
    total_users: str = ABSENT
    new_users: str = ABSENT
    screen_page_views: str = ABSENT
    event_count: str = ABSENT
    transactions: str = ABSENT
    key_events: str = ABSENT
    purchase_revenue: str = ABSENT

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.session_source_medium != ABSENT and {self.session_source, self.session_medium} != {
            ABSENT
        }:
            raise ValueError("session_source_medium has the source and the medium already")
        return self


class Ga4ReportMapping(FileMapping):
    """What a report holds that GA4's web page downloaded, a row a day and source of sessions.

    Args:
        account_id: the property's number.
        currency: the property's.
    """

    table: Literal["ga4_daily_report"]
    platform: Literal["ga4"]
    account_id: Constant
    currency: Constant
    date: Day
    columns: Columns

    @property
    def property_id(self) -> str:
        """The property that all rows are of."""
        match = _PROPERTY.fullmatch(self.account_id.constant.strip())
        assert match is not None
        return match[1]

    @field_validator("account_id")
    @classmethod
    def _a_property(cls, account: Constant) -> Constant:
        if not _PROPERTY.fullmatch(account.constant.strip()):
            raise ValueError(f"'{account.constant}' is no GA4 property: a number such as 123456789")
        return account

    @field_validator("currency")
    @classmethod
    def _a_code(cls, currency: Constant) -> Constant:
        if not re.fullmatch("[A-Z]{3}", currency.constant):
            raise ValueError(f"'{currency.constant}' is no currency such as EUR")
        return currency

    @model_validator(mode="after")
    def _a_day(self) -> Self:
        if not self.date.names_a_day or self.date.ends or self.date.marks != "first":
            raise ValueError("a row must be a day: take the dimension Date into the report")
        return self

    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""
        named = [column for column in self.columns.model_dump().values() if column != ABSENT]
        return tuple(dict.fromkeys([self.date.column, *named]))
