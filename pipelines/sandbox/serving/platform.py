"""What a platform's room hands the world: ``platform.open_platform(place)`` gives a Platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults


@dataclass(frozen=True)
class Place:
    """Where a platform is simulated: what happened, which day it is, and the world's folder."""

    market: Market
    clock: Clock
    folder: Path


class Server(Protocol):
    """What answers between ``start`` and ``stop``; ``mutations`` are the calls it refused because
    they would have changed something."""

    mutations: list[Any]

    def start(self) -> object: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Platform:
    """One platform of a world, served or written to files.

    Args:
        settings: its section of adcanary.yaml; paths are relative to the world's folder.
        faults: what can go wrong with it.
        secrets: what its clients need besides, by environment variable.
        server: None where it only writes files.
        write: brings its files up to the clock's day.
    """

    settings: Mapping[str, Any]
    faults: Faults
    secrets: Mapping[str, str] = field(default_factory=dict)
    server: Server | None = None
    write: Callable[[], object] = lambda: None
