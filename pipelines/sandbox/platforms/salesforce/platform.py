"""Salesforce in a world: the REST API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.platforms.salesforce.server import SalesforceServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = SalesforceServer(place.market, place.clock)
    return Platform(
        settings={"org_id": server.org_id, "time_zone": server.time_zone, "url": server.url},
        faults=server.faults,
        secrets={
            "ADCANARY_SALESFORCE_CLIENT_ID": server.client_id,
            "ADCANARY_SALESFORCE_CLIENT_SECRET": server.client_secret,
        },
        server=server,
    )
