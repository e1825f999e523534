"""The European Central Bank in a world: its Data API over HTTP."""

from __future__ import annotations

from pipelines.sandbox.platforms.fx_rates.server import FxServer
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its server."""
    server = FxServer(place.market, place.clock)
    return Platform(settings={"url": server.url}, faults=server.faults, server=server)
