"""First-party events in a world: files."""

from __future__ import annotations

from pathlib import Path

from pipelines.sandbox.market.portfolio import SHOP_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.server_events.export import VENDOR_ID, ServerEventsExport
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its files, below exports/server_events."""
    folder = Path("exports", "server_events")
    export = ServerEventsExport(place.market, place.clock, place.folder / folder)
    return Platform(
        settings={
            "site_id": SHOP_ID,
            "path": str(folder),
            "time_zone": SHOP_TIME_ZONE,
            "vendor_id": VENDOR_ID,
        },
        faults=export.faults,
        write=export.write,
    )
