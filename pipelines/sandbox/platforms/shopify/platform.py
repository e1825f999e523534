"""Shopify in a world: the GraphQL Admin API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.market.portfolio import SHOP_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.shopify.server import ShopifyServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = ShopifyServer(place.market, place.clock)
    return Platform(
        settings={"shop_id": SHOP_ID, "url": server.url, "time_zone": SHOP_TIME_ZONE},
        faults=server.faults,
        secrets={"ADCANARY_SHOPIFY_TOKEN": server.access_token},
        server=server,
    )
