"""All platforms of one simulated market, served on loopback, with a configuration to use them."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, date, datetime, time
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from pipelines.sandbox.market.experiment import OUTCOME
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import SHOP_TIME_ZONE
from pipelines.sandbox.media_plan import write_media_plan
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.platform import Place, Platform
from pipelines.sources.registry import SOURCES

_HOUR = 9  # of the simulated day, UTC: every account's yesterday is over
# What the demo's media mix, experiments, pacing and proposals need; the others sell to companies or
# repeat what these say. The file is a media plan.
DEMO_SOURCES = (
    *("google_ads", "meta_ads", "tiktok_ads", "ga4_export", "shopify"),
    *("growthbook", "fx_rates", "files"),
)

# Who decides in the sandbox; everybody else is a viewer.
ADMIN = "ada"
POLICY = {
    "version": 1,
    "guardrails": {"cac_ceiling_micros": 80_000_000},
    "people": {"admins": [ADMIN], "approvers": {"marketing": ["ben", "cleo"]}},
}


class World:
    """A market and its platforms, between ``with`` and its end.

    Args:
        folder: gets the configuration, the exports, the certificate and, later, the warehouse.
        market: what happened.
        today: the simulated day; :meth:`advance` moves it.
        overrides: keys of adcanary.yaml that replace the sandbox's own.
        sources: those that adcanary.yaml names; None for every one. All are served anyway.

    Attributes:
        platforms: by the name of the source that reads each; every source but files has one.
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
        place = Place(market, self.clock, self.folder)
        self.platforms = {name: _open_platform(name, place) for name in SOURCES}
        self._servers = [p.server for p in self.platforms.values() if p.server is not None]

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
        secrets = {"ADCANARY_HASH_SALT": "sandbox-salt"}
        for platform in self.platforms.values():
            secrets |= platform.secrets
        return secrets

    def write(self) -> None:
        """Write the exports and the configuration as of the simulated day."""
        chosen = self.platforms if self._sources is None else self._sources
        sources: dict[str, Any] = {}
        for name in chosen:
            if name == "files":
                sources[name] = write_media_plan(self.folder, self.clock.today)
                continue
            sources[name] = dict(self.platforms[name].settings)
            self.platforms[name].write()
        now = datetime.combine(self.clock.today, time(_HOUR), tzinfo=UTC)
        settings: dict[str, Any] = {
            "reporting_time_zone": SHOP_TIME_ZONE,
            "now": now.isoformat(),
            "warehouse": {"kind": "duckdb", "path": "adcanary.duckdb"},
            "sources": sources,
            "policy": "policy.yaml",
            "jobs": {"uplift": {"outcome": OUTCOME}},
            **self._overrides,
        }
        (self.folder / "policy.yaml").write_text(
            "# Written by the sandbox at every start.\n" + yaml.safe_dump(POLICY, sort_keys=False)
        )
        self.config.write_text(
            "# Written by the sandbox at every start: its servers take free ports.\n"
            + yaml.safe_dump(settings, sort_keys=False)
        )


def _open_platform(name: str, place: Place) -> Platform:
    """The platform that a source reads; its room has the source's name."""
    room = import_module(f"pipelines.sandbox.platforms.{name}.platform")
    platform: Platform = room.open_platform(place)
    return platform
