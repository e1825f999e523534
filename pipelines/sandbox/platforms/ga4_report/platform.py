"""GA4's Data API in a world: over gRPC."""

from __future__ import annotations

from pipelines.sandbox.market.portfolio import PROPERTY_ID
from pipelines.sandbox.platforms.ga4_report.server import Ga4DataServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = Ga4DataServer(place.market, place.clock)
    return Platform(
        settings={"property_id": PROPERTY_ID, "endpoint": server.endpoint},
        faults=server.faults,
        server=server,
    )
