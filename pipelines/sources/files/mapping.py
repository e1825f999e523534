"""The schema of a mapping file: which column of an ads export means what."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from pipelines.errors import ConfigError
from pipelines.platforms import platform_table
from pipelines.source_settings import TimeZone
from pipelines.yaml_files import problems, read_yaml

ABSENT = "absent"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Text(_Section):
    """A text that is the same on every row (``constant``), or that a ``column`` gives."""

    constant: str | None = None
    column: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.constant is None) == (self.column is None):
            raise ValueError("give either 'constant' or 'column'")
        return self


class Status(Text):
    """ENABLED, PAUSED or REMOVED: a constant, or a column translated by ``values``."""

    values: dict[str, Literal["ENABLED", "PAUSED", "REMOVED"]] = {}

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.constant is not None and self.constant not in {"ENABLED", "PAUSED", "REMOVED"}:
            raise ValueError("a constant status is ENABLED, PAUSED or REMOVED")
        if self.column is not None and not self.values:
            raise ValueError("a status column needs 'values', such as Active: ENABLED")
        return self


class Statuses(_Section):
    campaign: Status | None = None
    adgroup: Status | None = None
    ad: Status | None = None


class Names(_Section):
    """Columns of names; entities are made for the levels that have one."""

    campaign: str | None = None
    adgroup: str | None = None
    ad: str | None = None


class Day(_Section):
    """The column of the day and its format, in strptime's terms (``%d-%m-%Y``)."""

    column: str
    format: str = Field(pattern="%")


class Columns(_Section):
    """Ids and metrics. ``cost`` and ``conversion_value`` are decimals in the currency."""

    campaign_id: str
    adgroup_id: str | None = None
    ad_id: str | None = None
    impressions: str
    clicks: str
    cost: str
    conversions: str
    conversion_value: str = Field(description="a column, or 'absent' where the export has none")


class Mapping(_Section):
    """What an export file holds.

    Args:
        level: what a row is, by day: an ad or a campaign.
        complete: whether the file has everything that was delivered on its days. What is
            published of them and isn't in a complete file is withdrawn; in another it stays.
        campaign_totals: ``sum_of_ads`` states that the file is complete, every campaign and
            every ad of it, so that its ads add up to its campaigns; otherwise a file of ads
            gives no campaign rows.
        duplicate_rows: ``sum`` where a grain legitimately has several rows (a breakdown was
            exported); ``refuse`` takes them for a mistake.
        thousands: separator inside numbers, such as ``,``.
        null_tokens: cells that mean nothing; a metric that is nothing is 0.
        daily_budget: column of the campaign's present daily budget, decimal.
    """

    platform: str
    account_id: Text
    account_name: str | None = None
    time_zone: TimeZone
    currency: Text
    level: Literal["ad", "campaign"]
    date: Day
    complete: bool = True
    columns: Columns
    status: Statuses
    names: Names = Names()
    daily_budget: str | None = None
    attribution_window: str = "unknown"
    campaign_totals: Literal["sum_of_ads"] | None = None
    duplicate_rows: Literal["refuse", "sum"] = "refuse"
    null_tokens: tuple[str, ...] = ("", "-")
    delimiter: str = Field(",", min_length=1, max_length=1)
    thousands: str = Field("", max_length=1)

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
        if self.level == "ad":
            if not (self.columns.adgroup_id and self.columns.ad_id):
                raise ValueError("level: ad needs columns.adgroup_id and columns.ad_id")
            if self.status.ad is None:
                raise ValueError("level: ad needs status.ad")
        elif self.campaign_totals:
            raise ValueError("campaign_totals is for files with level: ad")
        if self.makes_campaigns and self.status.campaign is None:
            raise ValueError("campaign rows need status.campaign")
        return self

    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""
        columns = self.columns.model_dump()
        texts = (self.account_id, self.currency, self.status.campaign, self.status.adgroup)
        named = [
            self.date.column,
            *(c for c in columns.values() if c and c != ABSENT),
            *(t.column for t in (*texts, self.status.ad) if t and t.column),
            *(c for c in self.names.model_dump().values() if c),
            *([self.daily_budget] if self.daily_budget else []),
        ]
        return tuple(dict.fromkeys(named))


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ConfigError: no file, not YAML, or a key or value that is wrong; names every one.
    """
    if not path.is_file():
        raise ConfigError(
            f"No mapping file at {path}.",
            kept="nothing was read or published.",
            fix="Write one; infra/mappings/ holds examples.",
        )
    try:
        raw, tree = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}", fix="Correct the file.") from error
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            f"{path} is not a usable mapping:\n{problems(error, Mapping, tree)}",
            kept="nothing was read or published.",
            fix="Correct the file; infra/mappings/ holds examples.",
        ) from error
