"""A mapping to correct, drafted from what an export looks like; nothing is ingested by it."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import UsageError
from pipelines.platforms import full_name
from pipelines.sources.files.ads import draft as ads
from pipelines.sources.files.ga4_report import draft as ga4_report
from pipelines.sources.files.known import table_of
from pipelines.sources.files.look import look
from pipelines.sources.files.orders import draft as orders

# of the tables that an ad platform has nothing to do with
_ROOMS = {"orders": orders.drafted, "ga4_daily_report": ga4_report.drafted}


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
        text = ads.drafted(seen, full_name(platform) if platform else None)
    target.write_text(text, encoding="utf-8")
    return target
