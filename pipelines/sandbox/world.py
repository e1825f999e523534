"""All platforms of one simulated market, served on loopback, with a configuration to use them."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from pipelines.sandbox import ga4_export, tiktok_export
from pipelines.sandbox.clock import Clock
from pipelines.sandbox.google_ads_server import GoogleAdsServer
from pipelines.sandbox.market import Market
from pipelines.sandbox.meta_server import MetaServer
from pipelines.sandbox.orders_server import OrdersServer

MAPPINGS = Path(__file__).parents[2] / "infra" / "mappings"
_HOUR = 9  # of the simulated day, UTC: every account's yesterday is over
_SHOP = "canary-shop"
_TIME_ZONE = "America/New_York"


class World:
    """A market and its platforms, between ``with`` and its end.

    Args:
        folder: gets the configuration, the exports, the certificate and, later, the warehouse.
        market: what happened.
        today: the simulated day; :meth:`advance` moves it.
        overrides: keys of adcanary.yaml that replace the sandbox's own.
    """

    def __init__(
        self, folder: Path, market: Market, today: date, overrides: dict[str, Any] | None = None
    ) -> None:
        self.folder = folder.absolute()
        self.market = market
        self.clock = Clock(today)
        self.config = self.folder / "adcanary.yaml"
        self._overrides = overrides or {}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.google = GoogleAdsServer(market, self.clock, self.folder)
        self.meta = MetaServer(market, self.clock)
        self.orders = OrdersServer(market, self.clock, "sandbox-orders-token")

    def __enter__(self) -> World:
        for server in (self.google, self.meta, self.orders):
            server.start()
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for server in (self.google, self.meta, self.orders):
            server.stop()

    def advance(self, today: date) -> None:
        """Move the simulated day, and with it what the platforms and exports report."""
        self.clock.today = today
        self._write()

    @property
    def mutations(self) -> list[Any]:
        """Every mutating call that any platform received. It must be empty."""
        return [*self.google.mutations, *self.meta.mutations, *self.orders.mutations]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that uses this world: its secrets and its certificate."""
        return {
            **os.environ,
            "ADCANARY_CONFIG": str(self.config),
            "ADCANARY_HASH_SALT": "sandbox-salt",
            "ADCANARY_GOOGLE_ADS_DEVELOPER_TOKEN": self.google.developer_token,
            "ADCANARY_GOOGLE_ADS_ACCESS_TOKEN": self.google.access_token,
            "ADCANARY_META_ACCESS_TOKEN": self.meta.access_token,
            "ADCANARY_ORDERS_TOKEN": "sandbox-orders-token",
            # read by gRPC when it opens its first channel; for this world's processes only
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.google.certificate_path),
            "NO_PROXY": "localhost,127.0.0.1",
        }

    def _write(self) -> None:
        exports = self.folder / "exports"
        ga4_export.write_export(self.market, exports / "ga4", self.clock.today)
        tiktok_export.write_export(self.market, exports / "tiktok_ads.csv", self.clock.today)
        self.config.write_text(
            "# Written by the sandbox at every start: its servers take free ports.\n"
            + yaml.safe_dump(self._settings(), sort_keys=False)
        )

    def _settings(self) -> dict[str, Any]:
        accounts = {
            platform: [a.account_id for a in self.market.accounts if a.platform == platform]
            for platform in ("google_ads", "meta_ads")
        }
        now = datetime.combine(self.clock.today, time(_HOUR), tzinfo=UTC)
        settings: dict[str, Any] = {
            "reporting_time_zone": _TIME_ZONE,
            "now": now.isoformat(),
            "warehouse": {"kind": "duckdb", "path": "adcanary.duckdb"},
            "sources": {
                "google_ads": {
                    "accounts": accounts["google_ads"],
                    "login_customer_id": self.google.login_customer_id,
                    "endpoint": self.google.endpoint,
                },
                "meta_ads": {"accounts": accounts["meta_ads"], "graph_url": self.meta.url},
                "ga4_export": {
                    "property_id": "3141592",
                    "path": "exports/ga4",
                    "time_zone": _TIME_ZONE,
                },
                "orders": {"shop_id": _SHOP, "url": self.orders.url, "time_zone": _TIME_ZONE},
                "files": [
                    {
                        "platform": "tiktok_ads",
                        "path": "exports/tiktok_ads.csv",
                        "mapping": str(MAPPINGS / "tiktok_ads.yaml"),
                    }
                ],
            },
            "guardrails": {"cac_ceiling_micros": 80_000_000},
        }
        return {**settings, **self._overrides}
