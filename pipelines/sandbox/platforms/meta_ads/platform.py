"""Meta in a world: the Graph API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.platforms.meta_ads.server import MetaServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = MetaServer(place.market, place.clock)
    return Platform(
        settings={
            "accounts": place.market.account_ids("meta_ads"),
            "graph_url": server.url,
            "images": "images",
            "report_timeout_seconds": 5.0,
        },
        faults=server.faults,
        secrets={"ADCANARY_META_ACCESS_TOKEN": server.access_token},
        server=server,
    )
