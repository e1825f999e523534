"""The ad platforms, as platforms.yaml has them: channel, click ids, visits' sources, daily caps."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from pipelines.errors import ConfigError
from pipelines.yaml_files import FAST_LOADER, problems, read_yaml

FILE = Path(__file__).with_name("platforms.yaml")

# The groups that are bought: macro paid_channels in dbt/macros/marketing/channels.sql.
Channel = Literal[
    "Cross-network",
    "Paid Shopping",
    "Paid Search",
    "Paid Social",
    "Paid Video",
    "Display",
    "Paid Other",
    "Affiliates",
    "Audio",
]
CHANNELS: tuple[str, ...] = get_args(Channel)
Level = Literal["account", "campaign", "adgroup", "ad"]


# They go into SQL as they are.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
ClickIdName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Source = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Site = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9 _-]*([.][a-z0-9-]+)*([.][*])?$")]

# google.com, google.de and google.co.uk
_ANY_ENDING = "[.]([a-z]{2,3}|com?[.][a-z]{2})"
_BELOW = "([a-z0-9-]+[.])*"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClickId(_Entry):
    """What a click id tells of the visit that carries it; the fields are explained in the file."""

    paid: bool
    identity: bool = False
    source: Source | None = None
    channel: Channel | None = None

    @model_validator(mode="after")
    def _proves_or_hints(self) -> Self:
        if self.paid == (self.source is not None):
            raise ValueError("a click id that isn't paid has a 'source', and no other has one")
        if self.channel and not self.paid:
            raise ValueError("only a click id that is paid proves a 'channel'")
        return self


class DailyCap(_Entry):
    """The most a day may cost, in daily budgets, from ``since`` on; None where it isn't dated.
    ``week`` and ``month``: the most that a week from Sunday on, or a calendar month, may."""

    since: date | None = None
    times: float = Field(ge=1)
    week: float | None = Field(None, ge=7)
    month: float | None = Field(None, ge=28)
    source: str = Field(min_length=10)


class IdShape(_Entry):
    """What an id looks like as it is stored, and what other spellings become."""

    shape: str
    as_: str = Field(alias="as")
    spellings: Mapping[str, str] = {}

    def canonical(self, text: str) -> str | None:
        """The id as it is stored; None for what is none of this kind."""
        for pattern, stored in {self.shape: r"\g<0>", **self.spellings}.items():
            # capitals are spelling, too: no platform's ids differ by them alone
            if match := re.fullmatch(pattern, text, re.IGNORECASE):
                spelt = match.expand(stored).lower()
                return spelt if re.fullmatch(self.shape, spelt) else None
        return None


class Platform(_Entry):
    """One ad platform; the fields are explained in the file."""

    channel: Channel
    click_ids: Mapping[ClickIdName, ClickId] = {}
    ids: Mapping[Level, IdShape] = {}
    sources: tuple[Site, ...]
    daily_cap: tuple[DailyCap, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order_of_time(self) -> Self:
        days = [cap.since or date.min for cap in self.daily_cap]
        if days != sorted(set(days)):
            raise ValueError("daily_cap is in order of 'since', and only the first may lack it")
        return self

    @property
    def proofs(self) -> tuple[str, ...]:
        """The click ids that only this platform's paid clicks carry."""
        return tuple(n for n, click in self.click_ids.items() if click.paid and not click.channel)

    @property
    def site_patterns(self) -> tuple[str, ...]:
        """Patterns (RE2, without a backslash or a quote) that whole sources of it match."""
        return tuple(map(_site_pattern, self.sources))

    def cap_on(self, day: date) -> DailyCap:
        """The rule that holds on a day."""
        held = self.daily_cap[0]
        for cap in self.daily_cap:
            if (cap.since or date.min) <= day:
                held = cap
        return held


def _site_pattern(site: str) -> str:
    if site.endswith(".*"):
        return f"(www[.])?{site[:-2].replace('.', '[.]')}{_ANY_ENDING}"
    return f"{_BELOW if '.' in site else ''}{site.replace('.', '[.]')}"


class PlatformTable(_Entry):
    """All of the file."""

    platforms: Mapping[Name, Platform] = Field(min_length=1)
    other_click_ids: Mapping[ClickIdName, str] = {}

    @model_validator(mode="after")
    def _once(self) -> Self:
        # names of columns, which don't tell capitals from small letters
        names = [name.lower() for name in self.click_id_names]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"click ids stand twice: {', '.join(sorted(twice))}")
        return self

    @cached_property
    def click_ids(self) -> Mapping[str, ClickId]:
        """Those that visits are read for, paid ones first and each with the channel it proves."""
        paid, other = {}, {}
        for platform in self.platforms.values():
            for name, click in platform.click_ids.items():
                if click.paid:
                    channel = click.channel or platform.channel
                    paid[name] = click.model_copy(update={"channel": channel})
                else:
                    other[name] = click
        return paid | other

    @cached_property
    def click_id_names(self) -> tuple[str, ...]:
        """Every parameter of an address that is a click id."""
        own = (name for platform in self.platforms.values() for name in platform.click_ids)
        return (*own, *self.other_click_ids)

    def problem(self, names: Iterable[str]) -> str:
        """What is wrong with platforms that aren't in the table; nothing where all are."""
        missing = sorted(set(names) - set(self.platforms))
        if not missing:
            return ""
        near = [f"'{name}'" for name in map(self._nearest, missing) if name]
        listed = f"it has {', '.join(self.platforms)}; a new one is added there"
        hint = f"did you mean {', '.join(near)}?" if near else listed
        return f"{', '.join(missing)}: no ad platform of {FILE} ({hint})"

    def _nearest(self, name: str) -> str | None:
        longer = f"{name}_ads"
        if longer in self.platforms:
            return longer
        return next(iter(difflib.get_close_matches(name, self.platforms, n=1)), None)


@cache
def load_platforms(path: Path) -> PlatformTable:
    """Read a file of platforms.

    Raises:
        ConfigError: no file, not YAML, or a key or value that is wrong, with its line.
    """
    try:
        content, tree = read_yaml(path, FAST_LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{path} can't be read as YAML: {error}",
            kept="nothing was read or written.",
            fix="Correct the file, or install the package again.",
        ) from error
    try:
        return PlatformTable.model_validate(content)
    except ValidationError as error:
        raise ConfigError(
            f"{path} is not usable:\n{problems(error, PlatformTable, tree)}",
            kept="nothing was read or written.",
            fix="Correct the file; it explains its keys.",
        ) from error


def platform_table() -> PlatformTable:
    """The platforms that the package ships."""
    return load_platforms(FILE)


def platform(name: str) -> Platform:
    """A platform by its name.

    Raises:
        ConfigError: it isn't in platforms.yaml.
    """
    table = platform_table()
    if problem := table.problem([name]):
        raise ConfigError(
            f"{problem}.",
            kept="nothing was written.",
            fix=f"Correct the name, or add the platform to {FILE.name}, as the file explains.",
        )
    return table.platforms[name]


def full_name(name: str) -> str:
    """A platform's name from what a person may call it: ``meta`` is meta_ads.

    Raises:
        ConfigError: it isn't in platforms.yaml.
    """
    longer = f"{name}_ads"
    if longer in platform_table().platforms:
        return longer
    platform(name)
    return name


def daily_cap(name: str, day: date) -> float:
    """The most that a day on a platform may cost, as a multiple of the daily budget.

    Raises:
        ConfigError: the platform isn't in platforms.yaml.
    """
    return spending_rule(name, day).times


def spending_rule(name: str, day: date) -> DailyCap:
    """What a platform allows itself on a day, and in the week and month of it.

    Raises:
        ConfigError: the platform isn't in platforms.yaml.
    """
    return platform(name).cap_on(day)
