"""A mapping to correct, drafted from what an export looks like; nothing is ingested by it."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import UsageError
from pipelines.platforms import full_name
from pipelines.shipped import shipped
from pipelines.sources.files.ads import draft as ads
from pipelines.sources.files.ads.mapping import AdsMapping
from pipelines.sources.files.calendar_events import draft as calendar_events
from pipelines.sources.files.experiments import draft as experiments
from pipelines.sources.files.ga4_report import draft as ga4_report
from pipelines.sources.files.known import table_of
from pipelines.sources.files.layout import spelt
from pipelines.sources.files.look import Look, look
from pipelines.sources.files.media_plans import draft as media_plans
from pipelines.sources.files.orders import draft as orders
from pipelines.sources.files.source import load_mapping

# of the tables that an ad platform has nothing to do with
_ROOMS = {
    "orders": orders.drafted,
    "ga4_daily_report": ga4_report.drafted,
    "experiments": experiments.drafted,
    "calendar_events": calendar_events.drafted,
    "media_plans": media_plans.drafted,
}


def write_draft(path: Path, platform: str | None) -> Path:
    """Write a mapping for an export beside it.

    Args:
        platform: whose export it is, if that is known.

    Raises:
        InputError: the file can't be read.
        ConfigError: the platform isn't in platforms.yaml.
        UsageError: there is a mapping beside it already.
    """
    target = path.with_name(f"{path.name}.mapping.yaml")
    if target.exists():
        raise UsageError(
            f"There is a mapping beside the file already: {target}.",
            kept="nothing was read or written.",
            fix=f"Ingest with it (--mapping {target}), or move it away to have another drafted.",
        )
    seen = look(path)
    if room := _ROOMS.get(table_of(seen.header)):
        text = room(seen)
    else:
        whose = full_name(platform) if platform else None
        text = _ready(seen, whose) + ads.drafted(seen, whose)
    target.write_text(text, encoding="utf-8")
    return target


def _ready(seen: Look, platform: str | None) -> str:
    """A comment with the ready mappings of ads whose every column the file has."""
    names = set(seen.names)
    fitting = []
    for path in sorted((shipped("infra") / "mappings").glob("*.yaml")):
        mapping = load_mapping(path)
        if not isinstance(mapping, AdsMapping) or platform not in (None, mapping.platform):
            continue
        if names.issuperset(map(spelt, mapping.used_columns())):
            fitting.append(f"infra/mappings/{path.name}")
    return f"# {' or '.join(fitting)} reads this form: use it instead\n" if fitting else ""
