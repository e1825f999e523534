"""Google Ads in a world: over gRPC, with an OAuth endpoint of its own."""

from __future__ import annotations

from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server, which clients trust by the certificate in the world's folder."""
    server = GoogleAdsServer(place.market, place.clock, place.folder)
    return Platform(
        settings={
            "accounts": place.market.account_ids("google_ads"),
            "login_customer_id": server.login_customer_id,
            "endpoint": server.endpoint,
            "token_uri": server.oauth.url,
            "timeout_seconds": 10.0,
        },
        faults=server.faults,
        secrets={
            "ADCANARY_GOOGLE_ADS_DEVELOPER_TOKEN": server.developer_token,
            "ADCANARY_GOOGLE_ADS_REFRESH_TOKEN": server.oauth.refresh_token,
            "ADCANARY_GOOGLE_ADS_CLIENT_ID": server.oauth.client_id,
            "ADCANARY_GOOGLE_ADS_CLIENT_SECRET": server.oauth.client_secret,
            # read by gRPC when it opens its first channel; for this world's processes only
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(server.certificate_path),
        },
        server=server,
    )
