"""One settings object: adcanary.yaml for what anyone may read, the environment for secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    field_validator,
    model_validator,
)

from pipelines.allocation_settings import AllocationSettings
from pipelines.errors import ConfigError
from pipelines.job_settings import (
    AttributionSettings,
    AudienceSettings,
    BanditSettings,
    ClusteringSettings,
    CreativeSettings,
    FidelitySettings,
    RulesSettings,
    UpliftSettings,
)
from pipelines.platforms import platform_table
from pipelines.policy_settings import GuardrailSettings, PolicySettings
from pipelines.review_settings import ReviewSettings
from pipelines.source_settings import (
    HolidayCalendar,
    Section,
    SourcesSettings,
    TimeZone,
)
from pipelines.yaml_files import read_mapping, validated


class WarehouseSettings(Section):
    """Where data lives. ``path`` and ``lock_timeout_seconds`` are for DuckDB, the others for
    BigQuery."""

    kind: Literal["duckdb", "bigquery"] = "duckdb"
    path: Path = Path(".adcanary/adcanary.duckdb")
    lock_timeout_seconds: float = Field(25.0, gt=0, le=300)
    project: str | None = None
    location: str = Field("EU", description="of the datasets, for good")
    maximum_bytes_billed: int = Field(10 * 1024**3, gt=0, description="of one query")
    api_endpoint: str | None = Field(None, description="another BigQuery, such as an emulator")


def _account_name(name: str) -> str:
    if problem := platform_table().problem([name.split("/", maxsplit=1)[0]]):
        raise ValueError(problem)
    return name


# A label, or a part of a name; a line break would be two labels.
SegmentText = Annotated[str, Field(min_length=1, pattern=r"^[^\r\n]*$")]
# They go into SQL as they are.
AccountName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]*(/[A-Za-z0-9_-]+)?$"), AfterValidator(_account_name)
]


EngineName = Literal["ensemble", "lightweight", "validator"]
# marts.mmm_controls_weekly tells of so many weeks to come
Horizon = Annotated[int, Field(ge=1, le=13)]


class Segment(Section):
    """A part of a platform's campaigns that the media mix takes for a channel of its own, as in
    ``google_ads:brand``.

    Args:
        channel: the platform.
        labels: a campaign with one of them is of the segment, in any capitals,
        name_contains: and so is one whose name has one of these in it. Without both, the segment
            takes the rest.
    """

    channel: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$"), AfterValidator(_account_name)]
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    labels: tuple[SegmentText, ...] = ()
    name_contains: tuple[SegmentText, ...] = ()

    @property
    def full_name(self) -> str:
        """The channel of the media mix that it is."""
        return f"{self.channel}:{self.name}"


class MmmSettings(Section):
    """Settings of the media mix job; a run's id depends on every one of them.

    ``engines`` are fitted, compared and combined. ``origins``: how many times the past is predicted
    from the weeks before it. ``horizons``: of how many next weeks the curves are told, besides the
    steady state. ``max_disagreement``: between two engines, of media's contribution to orders.

    ``segments``: parts of platforms that are channels of their own; a campaign is of the first that
    it fits, or of its platform's channel.

    ``launched``: the first day of a platform (``tiktok_ads``) or of one account of it
    (``tiktok_ads/123``). Its spend before that day is 0, where it would else be unknown.

    ``allocation``: the risk, limits and targets of the split; unset, the most on average.
    """

    seed: int = 20260101
    engines: tuple[EngineName, ...] = Field(("ensemble", "lightweight"), min_length=1)
    origins: int = Field(8, ge=8)
    horizons: tuple[Horizon, ...] = (4, 8, 13)
    min_weeks: int = Field(52, ge=26)
    max_rhat: float = Field(1.1, gt=1, description="of the sampler's chains")
    min_effective_samples: float = Field(100, gt=0, description="of the posterior")
    max_prediction_mape: float = Field(0.25, gt=0, description="mean error of unseen weeks")
    max_disagreement: float = Field(0.3, gt=0)
    curve_points: int = Field(21, ge=5, description="spends at which a curve is told")
    launched: dict[AccountName, date] | None = None
    segments: tuple[Segment, ...] | None = None
    allocation: AllocationSettings | None = None

    @field_validator("segments")
    @classmethod
    def _each_can_be_reached(
        cls, segments: tuple[Segment, ...] | None
    ) -> tuple[Segment, ...] | None:
        names: set[str] = set()
        rest: set[str] = set()
        for segment in segments or ():
            said = segment.full_name
            if said in names:
                raise ValueError(f"{said} is there twice; labels and name_contains are lists")
            if segment.channel in rest:
                raise ValueError(f"{said} comes after a segment that takes all campaigns")
            names.add(said)
            if not segment.labels and not segment.name_contains:
                rest.add(segment.channel)
        return segments

    @model_validator(mode="after")
    def _allocation_is_of_channels(self) -> Self:
        if self.allocation is None:
            return self
        segments = {segment.full_name for segment in self.segments or ()}
        known = {*platform_table().platforms, *segments}
        if problem := self.allocation.unknown(known):
            raise ValueError(f"allocation: {problem}")
        return self


class PacingSettings(Section):
    """Settings of the pacing job; thresholds are shares of the month-to-date target.

    ``recent_days`` is how many days make a pace, ``window_days`` the longest window in which a
    drift is looked for, and ``min_z`` how many standard deviations of the campaign's own noise an
    overspend takes; what is not spent costs less, so an underspend takes more, ``min_z_under``.
    ``holidays``: the country whose public holidays shape the target, ``US`` or ``DE-BY``.
    """

    warning: float = Field(0.10, gt=0)
    critical: float = Field(0.25, gt=0)
    min_z: float = Field(3.3, gt=0)
    min_z_under: float = Field(3.7, gt=0)
    recent_days: int = Field(5, ge=2)
    window_days: int = Field(10, ge=3, le=14)
    max_data_age_days: int = Field(3, ge=1, description="else the verdict is NO_DATA")
    holidays: HolidayCalendar | None = None


class JobsSettings(Section):
    mmm: MmmSettings = MmmSettings()
    pacing: PacingSettings = PacingSettings()
    attribution: AttributionSettings = AttributionSettings()
    uplift: UpliftSettings = UpliftSettings()
    fidelity: FidelitySettings = FidelitySettings()
    bandits: BanditSettings = BanditSettings()
    clustering: ClusteringSettings = ClusteringSettings()
    rules: RulesSettings = RulesSettings()
    audiences: AudienceSettings = AudienceSettings()
    creatives: CreativeSettings = CreativeSettings()


def _node_type(name: str) -> str:
    clicks = [c for c, click in platform_table().click_ids.items() if click.identity]
    kinds = ["device", "user_id", "email_hash", "phone_hash", *clicks]
    kinds += ["order", "lead", "opportunity"]
    if name not in kinds:
        raise ValueError(f"'{name}' is no kind of identifier; there are {', '.join(kinds)}")
    return name


NodeType = Annotated[str, AfterValidator(_node_type)]
# it goes into SQL, in a pattern
PlaceholderText = Annotated[str, Field(pattern=r"^[^'\n]+$")]
StoredId = Annotated[str, Field(pattern=r"^[^'\\\s]+$")]


class IdentityLimit(Section):
    """How many devices and names an identifier may be seen with and still be one person's; None
    for the default."""

    devices: int | None = Field(None, ge=1)
    names: int | None = Field(None, ge=1)


class IdentitySettings(Section):
    """Who counts as one person. ``blocked`` lists identifiers by kind, as marts.identity_edges
    shows them (hashed); a probable link is used from ``match_probability`` up. ``placeholders``
    are texts that a house sends where it has no id, besides those of pipelines/placeholders.yaml:
    ids, numbers or e-mail addresses, in clear."""

    limits: dict[NodeType, IdentityLimit] = Field({})
    blocked: dict[NodeType, tuple[StoredId, ...]] = Field({})
    placeholders: tuple[PlaceholderText, ...] = ()
    match_probability: float = Field(0.9, gt=0.5, le=1)


class PrivacySettings(Section):
    """Event-level rows about people are deleted after so many days."""

    event_retention_days: int = Field(90, ge=1)


class AuditSettings(Section):
    """Where the heads of the chain of decisions are anchored: a bucket, as ``gs://name`` or
    ``gs://name/folder``, for processes of several machines; else a file beside the configuration.
    """

    anchor: str | None = Field(
        None, pattern=r"^gs://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*$"
    )


class Settings(Section):
    """Everything that adcanary.yaml may set.

    ``now`` fixes the clock, for a simulated or replayed world; it is refused on BigQuery.
    ``hash_salt`` and tokens are never set here: see :mod:`pipelines.secret_settings`.
    """

    reporting_time_zone: TimeZone = "UTC"
    reporting_currency: str = Field("USD", pattern="^[A-Z]{3}$", description="ISO 4217")
    now: datetime | None = None
    warehouse: WarehouseSettings = WarehouseSettings()
    sources: SourcesSettings = SourcesSettings()
    jobs: JobsSettings = JobsSettings()
    policy: PolicySettings = PolicySettings()
    identity: IdentitySettings = IdentitySettings()
    privacy: PrivacySettings = PrivacySettings()
    review: ReviewSettings = ReviewSettings()
    audit: AuditSettings = AuditSettings()
    path: Path = Path("adcanary.yaml")

    @property
    def guardrails(self) -> GuardrailSettings:
        """The caps of the policy file, which jobs compute within."""
        return self.policy.guardrails

    def clock(self) -> datetime:
        """The present instant, UTC."""
        return (self.now or datetime.now(UTC)).astimezone(UTC)

    def today(self, time_zone: str | None = None) -> date:
        """The present day in a time zone (the reporting one by default)."""
        return self.clock().astimezone(ZoneInfo(time_zone or self.reporting_time_zone)).date()

    def day_began(self) -> datetime:
        """The first instant of the present day in the reporting time zone, UTC."""
        midnight = datetime.combine(self.today(), time.min, ZoneInfo(self.reporting_time_zone))
        return midnight.astimezone(UTC)

    def yesterday(self) -> date:
        """The last full day in the reporting time zone: the last that jobs and proposals use."""
        return self.today() - timedelta(days=1)


_EXPLAINED = "Correct the file; `adcanary init` writes one with every key explained."


def load_settings(path: Path | None = None) -> Settings:
    """Read adcanary.yaml: ``path``, else $ADCANARY_CONFIG, else ./adcanary.yaml.

    Relative paths in the file are relative to the file. $ADCANARY_NOW overrides ``now``.

    Raises:
        ConfigError: there is no file, it isn't YAML, or a key or value is wrong; gives its line.
    """
    chosen = path or Path(os.environ.get("ADCANARY_CONFIG", "adcanary.yaml"))
    if not chosen.is_file():
        raise ConfigError(
            f"There is no configuration file at {chosen.absolute()} "
            "(looked at --config, then $ADCANARY_CONFIG, then ./adcanary.yaml).",
            kept="nothing was read or written.",
            fix="Run `adcanary init` to write a commented one, or pass --config FILE.",
        )
    raw, tree = read_mapping(chosen, _EXPLAINED)
    if now := os.environ.get("ADCANARY_NOW"):
        raw["now"] = now
    given = {**raw, "path": chosen.absolute(), "policy": _policy(chosen, raw)}
    settings = validated(
        Settings, given, chosen, tree, fix=_EXPLAINED, unlisted=frozenset({"path"})
    )
    target = settings.warehouse
    if settings.now and target.kind == "bigquery" and not target.api_endpoint:
        raise ConfigError(
            f"{chosen} fixes the clock (now: {settings.now}), which is only for simulated worlds.",
            kept="nothing was read or written.",
            fix="Remove `now` to use a real BigQuery project.",
        )
    return _anchored(settings, chosen.absolute().parent)


def _policy(config: Path, raw: Mapping[str, Any]) -> PolicySettings:
    """The policy in the file that the configuration names; else the default, which has no admin."""
    name = raw.get("policy")
    if name is None:
        return PolicySettings()
    if not isinstance(name, str):
        raise ConfigError(
            f"{config} can't be used: 'policy' names the policy's file (found {name!r}).",
            kept="nothing was read or written.",
            fix="Write the policy in a file of its own, such as policy.yaml, and name that.",
        )
    return load_policy(config.absolute().parent / name)


def load_policy(path: Path) -> PolicySettings:
    """Read a policy file.

    Raises:
        ConfigError: there is none, it isn't YAML, or a key or value is wrong; gives its line.
    """
    fix = "Correct the file; infra/policy/default.yaml explains every key."
    if not path.is_file():
        raise ConfigError(
            f"There is no policy file at {path}.",
            kept="nothing was read or written.",
            fix="Correct `policy` in adcanary.yaml, or copy infra/policy/default.yaml to it.",
        )
    raw, tree = read_mapping(path, fix)
    return validated(PolicySettings, raw, path, tree, fix=fix)


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Resolve relative paths against the file that names them, not the current folder."""
    warehouse = settings.warehouse.model_copy(update={"path": folder / settings.warehouse.path})
    sources = settings.sources.anchored(folder).knowing(settings.identity.placeholders)
    return settings.model_copy(update={"warehouse": warehouse, "sources": sources})
