"""Opens an export file (CSV, Parquet or XLSX): its mapping says what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import ValidationError

from pipelines.errors import ConfigError
from pipelines.placeholders import placeholders
from pipelines.platforms import full_name
from pipelines.secret_settings import Secrets
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Source
from pipelines.sources.files.ads.mapping import AdsMapping
from pipelines.sources.files.ads.source import AdsFile
from pipelines.sources.files.calendar_events.mapping import CalendarMapping
from pipelines.sources.files.calendar_events.rows import calendar_file
from pipelines.sources.files.experiments.mapping import ExperimentsMapping
from pipelines.sources.files.experiments.rows import experiments_file
from pipelines.sources.files.ga4_report.mapping import Ga4ReportMapping
from pipelines.sources.files.ga4_report.rows import report_file
from pipelines.sources.files.media_plans.mapping import MediaPlanMapping
from pipelines.sources.files.media_plans.rows import media_plan_file
from pipelines.sources.files.orders.mapping import OrdersMapping
from pipelines.sources.files.orders.rows import Hashing, orders_file
from pipelines.yaml_files import problems, read_yaml

_NO_AD_PLATFORMS = ("shopify", "ga4", "experiments", "calendar", "media_plans")
_KEPT = "nothing was read or published."
AnyMapping = (
    AdsMapping
    | OrdersMapping
    | Ga4ReportMapping
    | ExperimentsMapping
    | CalendarMapping
    | MediaPlanMapping
)
# What a mapping's ``table`` may be; unsaid, the first.
MAPPINGS: dict[str, type[AnyMapping]] = {
    "ads": AdsMapping,
    "orders": OrdersMapping,
    "ga4_daily_report": Ga4ReportMapping,
    "experiments": ExperimentsMapping,
    "calendar_events": CalendarMapping,
    "media_plans": MediaPlanMapping,
}


def open_source(settings: FileSettings, secrets: Secrets, now: datetime | None = None) -> Source:
    """The file as configured.

    Args:
        now: the present instant, by which no day of the file is later; by default, the machine's.

    Raises:
        ConfigError: a mapping that is unusable or for another platform, a platform that there
            isn't, or a shop's orders without the salt of hashes.
    """
    mapping = load_mapping(settings.mapping)
    asked = settings.platform
    if asked and mapping.platform != (asked if asked in _NO_AD_PLATFORMS else full_name(asked)):
        raise ConfigError(
            f"{settings.mapping} is a mapping for {mapping.platform}, not {asked}.",
            kept=_KEPT,
            fix=f"Use --platform {mapping.platform}, or another mapping.",
        )
    now = now or datetime.now(UTC)
    if isinstance(mapping, AdsMapping):
        return AdsFile(settings.path, mapping, now)
    if isinstance(mapping, Ga4ReportMapping):
        return report_file(settings.path, mapping, now)
    if isinstance(mapping, ExperimentsMapping):
        return experiments_file(settings.path, mapping, now)
    if isinstance(mapping, CalendarMapping):
        return calendar_file(settings.path, mapping, now)
    if isinstance(mapping, MediaPlanMapping):
        return media_plan_file(settings.path, mapping, now)
    hashing = Hashing(secrets.require("hash_salt"), placeholders(settings.placeholders))
    return orders_file(settings.path, mapping, hashing, now)


def load_mapping(path: Path) -> AnyMapping:
    """Read a mapping file.

    Raises:
        ConfigError: no file, not YAML, or a key or value that is wrong; names every one.
    """
    if not path.is_file():
        raise ConfigError(
            f"No mapping file at {path}.",
            kept=_KEPT,
            fix="Write one, as docs/files.md explains; infra/mappings/ holds examples.",
        )
    try:
        raw, tree = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}", fix="Correct the file.") from error
    table = raw.get("table", "ads") if isinstance(raw, dict) else "ads"
    # of another table than there is, the first says so
    schema = MAPPINGS.get(str(table), AdsMapping)
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            f"{path} is not a usable mapping:\n{problems(error, schema, tree)}",
            kept=_KEPT,
            fix="Correct the file; infra/mappings/ holds examples.",
        ) from error
