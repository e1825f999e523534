"""Every platform of the simulated market, served with faults by name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import World


@contextmanager
def served(
    folder: Path, today: date, faults: Iterable[str], *, every_fault: bool
) -> Iterator[World]:
    """Every platform of the simulated market, until the ``with`` ends.

    Args:
        faults: ``source:fault`` or ``source:fault@account``.
        every_fault: switch on every fault that a client survives.

    Raises:
        UsageError: no such source or fault.
    """
    with World(folder, Market(), today, sources=None) as world:
        if every_fault:
            switch_on_passing(world)
        for fault in faults:
            switch_on(world, fault)
        world.write()
        yield world


def known_faults() -> list[dict[str, str]]:
    """Every fault: source, name, whether a client survives it, and what happens."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), Market(), date(2026, 7, 1))
        return [
            {
                "fault": f"{source}:{name}",
                "survived": "no" if name in platform.faults.breaking else "yes",
                "what happens": effect,
            }
            for source, platform in world.platforms.items()
            for name, effect in platform.faults.known.items()
        ]


def switch_on(world: World, fault: str) -> None:
    """Switch on ``source:fault[@account]``.

    Raises:
        UsageError: no such source or fault; says which there are.
    """
    source, _, rest = fault.partition(":")
    name, _, account = rest.partition("@")
    try:
        world.platforms[source].faults.switch_on_as_known(name, account or None)
    except KeyError as error:
        raise UsageError(
            f"There is no fault '{fault}': {error}.",
            fix="Write source:fault or source:fault@account; `adcanary sandbox faults` lists them.",
        ) from None


def switch_on_passing(world: World) -> None:
    """Every fault that a client survives."""
    for platform in world.platforms.values():
        platform.faults.switch_on_passing()
