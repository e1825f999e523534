"""GA4's BigQuery export in a world: files."""

from __future__ import annotations

from pathlib import Path

from pipelines.sandbox.market.portfolio import PROPERTY_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.ga4_export.export import export_faults, write_export
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its files, below exports/ga4."""
    folder, faults = Path("exports", "ga4"), export_faults()
    return Platform(
        settings={
            "property_id": PROPERTY_ID,
            "path": str(folder),
            "time_zone": SHOP_TIME_ZONE,
            "searches": True,
        },
        faults=faults,
        write=lambda: write_export(place.market, place.folder / folder, place.clock.today, faults),
    )
