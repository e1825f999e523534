"""All platforms of one simulated market, served on loopback, with a configuration to use them."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from pipelines.sandbox.market.business import Business
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PROPERTY_ID, SHOP_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.fx_rates.server import FxServer
from pipelines.sandbox.platforms.ga4_export import export as ga4_export
from pipelines.sandbox.platforms.ga4_report.server import Ga4DataServer
from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer
from pipelines.sandbox.platforms.hubspot.server import HubspotServer
from pipelines.sandbox.platforms.linkedin_ads.server import LinkedinServer
from pipelines.sandbox.platforms.meta_ads.server import MetaServer
from pipelines.sandbox.platforms.salesforce.server import SalesforceServer
from pipelines.sandbox.platforms.server_events.export import VENDOR_ID, ServerEventsExport
from pipelines.sandbox.platforms.shopify.server import ShopifyServer
from pipelines.sandbox.platforms.skan.postbacks import ADVERTISER_ID, SkanPostbacks
from pipelines.sandbox.platforms.tiktok_ads.server import TiktokServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults

_HOUR = 9  # of the simulated day, UTC: every account's yesterday is over
# What the media mix, the pacing and the proposals of the demo need; the others sell to companies
# or repeat what these say.
DEMO_SOURCES = ("google_ads", "meta_ads", "tiktok_ads", "ga4_export", "shopify", "fx_rates")


class World:
    """A market and its platforms, between ``with`` and its end.

    Args:
        folder: gets the configuration, the exports, the certificate and, later, the warehouse.
        market: what happened.
        today: the simulated day; :meth:`advance` moves it.
        overrides: keys of adcanary.yaml that replace the sandbox's own.
        sources: those that adcanary.yaml names; None for every one. All are served anyway.
    """

    def __init__(
        self,
        folder: Path,
        market: Market,
        today: date,
        overrides: dict[str, Any] | None = None,
        sources: Collection[str] | None = DEMO_SOURCES,
    ) -> None:
        self.folder = folder.absolute()
        self.market = market
        self.clock = Clock(today)
        self.config = self.folder / "adcanary.yaml"
        self._overrides, self._sources = overrides or {}, sources
        self.folder.mkdir(parents=True, exist_ok=True)
        self.google = GoogleAdsServer(market, self.clock, self.folder)
        self.meta = MetaServer(market, self.clock)
        self.tiktok = TiktokServer(market, self.clock)
        business = Business(market.seed, market.start, market.end)
        self.linkedin = LinkedinServer(business, self.clock)
        self.ga4_data = Ga4DataServer(market, self.clock)
        self.shopify = ShopifyServer(market, self.clock)
        self.hubspot = HubspotServer(market, self.clock)
        self.salesforce = SalesforceServer(market, self.clock)
        self.fx = FxServer(market, self.clock)
        exports = self.folder / "exports"
        self.ga4_faults = ga4_export.export_faults()
        self.skan = SkanPostbacks(market, self.clock, exports / "skan")
        self.server_events = ServerEventsExport(market, self.clock, exports / "server_events")
        self._servers = (
            self.google,
            self.meta,
            self.tiktok,
            self.linkedin,
            self.ga4_data,
            self.shopify,
            self.hubspot,
            self.salesforce,
            self.fx,
        )

    @property
    def faults(self) -> dict[str, Faults]:
        """The faults of every source, by the source's name."""
        return {
            "google_ads": self.google.faults,
            "meta_ads": self.meta.faults,
            "tiktok_ads": self.tiktok.faults,
            "linkedin_ads": self.linkedin.faults,
            "ga4_export": self.ga4_faults,
            "ga4_report": self.ga4_data.faults,
            "shopify": self.shopify.faults,
            "hubspot": self.hubspot.faults,
            "salesforce": self.salesforce.faults,
            "skan": self.skan.faults,
            "server_events": self.server_events.faults,
            "fx_rates": self.fx.faults,
        }

    def __enter__(self) -> World:
        for server in self._servers:
            server.start()
        self.write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.stop()

    def advance(self, today: date) -> None:
        """Move the simulated day, and with it what the platforms and exports report."""
        self.clock.today = today
        self.write()

    @property
    def mutations(self) -> list[Any]:
        """Every mutating call that any platform received. It must be empty."""
        return [call for server in self._servers for call in server.mutations]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that uses this world: its secrets and its certificate."""
        return {
            **os.environ,
            "ADCANARY_CONFIG": str(self.config),
            "NO_PROXY": "localhost,127.0.0.1",
            **self.secrets,
        }

    @property
    def secrets(self) -> dict[str, str]:
        """What the sources need and adcanary.yaml never holds."""
        return {
            "ADCANARY_HASH_SALT": "sandbox-salt",
            "ADCANARY_GOOGLE_ADS_DEVELOPER_TOKEN": self.google.developer_token,
            "ADCANARY_GOOGLE_ADS_REFRESH_TOKEN": self.google.oauth.refresh_token,
            "ADCANARY_GOOGLE_ADS_CLIENT_ID": self.google.oauth.client_id,
            "ADCANARY_GOOGLE_ADS_CLIENT_SECRET": self.google.oauth.client_secret,
            "ADCANARY_META_ACCESS_TOKEN": self.meta.access_token,
            "ADCANARY_TIKTOK_ACCESS_TOKEN": self.tiktok.access_token,
            "ADCANARY_LINKEDIN_ACCESS_TOKEN": self.linkedin.access_token,
            "ADCANARY_SHOPIFY_TOKEN": self.shopify.access_token,
            "ADCANARY_HUBSPOT_TOKEN": self.hubspot.token,
            "ADCANARY_SALESFORCE_CLIENT_ID": self.salesforce.client_id,
            "ADCANARY_SALESFORCE_CLIENT_SECRET": self.salesforce.client_secret,
            # read by gRPC when it opens its first channel; for this world's processes only
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.google.certificate_path),
        }

    def write(self) -> None:
        """Write the exports and the configuration as of the simulated day."""
        sources = self._configured()
        if "ga4_export" in sources:
            exports = self.folder / "exports" / "ga4"
            ga4_export.write_export(self.market, exports, self.clock.today, self.ga4_faults)
        if "skan" in sources:
            self.skan.write()
        if "server_events" in sources:
            self.server_events.write()
        now = datetime.combine(self.clock.today, time(_HOUR), tzinfo=UTC)
        settings = {
            "reporting_time_zone": SHOP_TIME_ZONE,
            "now": now.isoformat(),
            "warehouse": {"kind": "duckdb", "path": "adcanary.duckdb"},
            "sources": sources,
            "guardrails": {"cac_ceiling_micros": 80_000_000},
            **self._overrides,
        }
        self.config.write_text(
            "# Written by the sandbox at every start: its servers take free ports.\n"
            + yaml.safe_dump(settings, sort_keys=False)
        )

    def _configured(self) -> dict[str, dict[str, Any]]:
        accounts: dict[str, list[str]] = {}
        for account in self.market.accounts:
            accounts.setdefault(account.platform, []).append(account.account_id)
        known: dict[str, dict[str, Any]] = {
            "google_ads": {
                "accounts": accounts["google_ads"],
                "login_customer_id": self.google.login_customer_id,
                "endpoint": self.google.endpoint,
                "token_uri": self.google.oauth.url,
                "timeout_seconds": 10.0,
            },
            "meta_ads": {
                "accounts": accounts["meta_ads"],
                "graph_url": self.meta.url,
                "report_timeout_seconds": 5.0,
            },
            "tiktok_ads": {"accounts": accounts["tiktok_ads"], "url": self.tiktok.url},
            "linkedin_ads": {
                "accounts": [account.account_id for account in Business.accounts],
                "url": self.linkedin.url,
            },
            "ga4_export": {
                "property_id": PROPERTY_ID,
                "path": "exports/ga4",
                "time_zone": SHOP_TIME_ZONE,
            },
            "ga4_report": {"property_id": PROPERTY_ID, "endpoint": self.ga4_data.endpoint},
            "shopify": {"shop_id": SHOP_ID, "url": self.shopify.url, "time_zone": SHOP_TIME_ZONE},
            "hubspot": {
                "portal_id": self.hubspot.portal_id,
                "time_zone": self.hubspot.time_zone,
                "url": self.hubspot.url,
            },
            "salesforce": {
                "org_id": self.salesforce.org_id,
                "time_zone": self.salesforce.time_zone,
                "url": self.salesforce.url,
            },
            "skan": {
                "advertiser_id": ADVERTISER_ID,
                "path": "exports/skan",
                "public_key": "exports/skan/public_key.pem",
            },
            "server_events": {
                "site_id": SHOP_ID,
                "path": "exports/server_events",
                "time_zone": SHOP_TIME_ZONE,
                "vendor_id": VENDOR_ID,
            },
            "fx_rates": {"url": self.fx.url},
        }
        chosen = known if self._sources is None else self._sources
        return {name: known[name] for name in chosen}
