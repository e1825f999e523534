"""HubSpot in a world: the CRM API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.platforms.hubspot.server import HubspotServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = HubspotServer(place.market, place.clock)
    return Platform(
        settings={
            "portal_id": server.portal_id,
            "time_zone": server.time_zone,
            "url": server.url,
        },
        faults=server.faults,
        secrets={"ADCANARY_HUBSPOT_TOKEN": server.token},
        server=server,
    )
