"""LinkedIn in a world: the marketing API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.market.business import Business
from pipelines.sandbox.platforms.linkedin_ads.server import LinkedinServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server; what it delivered is the business's, which sells to companies."""
    market = place.market
    server = LinkedinServer(Business(market.seed, market.start, market.end), place.clock)
    return Platform(
        settings={
            "accounts": [account.account_id for account in Business.accounts],
            "url": server.url,
            "auth_url": server.url,
        },
        faults=server.faults,
        secrets={
            "ADCANARY_LINKEDIN_ACCESS_TOKEN": server.access_token,
            "ADCANARY_LINKEDIN_CLIENT_ID": server.client_id,
            "ADCANARY_LINKEDIN_CLIENT_SECRET": server.client_secret,
        },
        server=server,
    )
