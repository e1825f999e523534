"""TikTok in a world: the Business API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.platforms.tiktok_ads.server import TiktokServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = TiktokServer(place.market, place.clock)
    return Platform(
        settings={"accounts": place.market.account_ids("tiktok_ads"), "url": server.url},
        faults=server.faults,
        secrets={"ADCANARY_TIKTOK_ACCESS_TOKEN": server.access_token},
        server=server,
    )
