"""GrowthBook in a world: its REST API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.market.portfolio import SHOP_TIME_ZONE
from pipelines.sandbox.platforms.growthbook.server import ORGANIZATION, GrowthbookServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = GrowthbookServer(place.market, place.clock)
    return Platform(
        settings={"organization": ORGANIZATION, "time_zone": SHOP_TIME_ZONE, "url": server.url},
        faults=server.faults,
        secrets={"ADCANARY_GROWTHBOOK_API_KEY": server.api_key},
        server=server,
    )
