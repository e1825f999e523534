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

# Faults of single calls strike once: for ever would keep any client from its rows. The
# others are about the data, or count for themselves, and stay on.
STRIKES = 1
OF_CALLS = {
    "google_ads": {
        "unavailable",
        "internal_mid_stream",
        "stream_stalls",
        "quota_on_page_2",
        "token_expired_mid_stream",
        "expired_page_token",
    },
    "meta_ads": {"error_200", "server_error", "usage_high"},
    "tiktok_ads": {
        "rate_limited",
        "quota_on_page_2",
        "server_error",
        "error_200",
        "proxy_page",
        "truncated_json_body",
        "truncated_results",
    },
    "linkedin_ads": {
        "rate_limited",
        "quota_on_page_2",
        "server_error",
        "error_200",
        "proxy_page",
        "truncated_json_body",
    },
    "ga4_report": {"quota_on_page_2", "concurrent_requests", "unavailable_mid_pages"},
}
OF_A_CLIENT = {"stream_stalls", "quota_on_page_2", "expired_page_token"}


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
                "survived": "no" if name in faults.breaking else "yes",
                "what happens": words,
            }
            for source, faults in world.faults.items()
            for name, words in faults.known.items()
        ]


def switch_on(world: World, fault: str) -> None:
    """Switch on ``source:fault[@account]``.

    Raises:
        UsageError: no such source or fault; says which there are.
    """
    source, _, rest = fault.partition(":")
    name, _, account = rest.partition("@")
    try:
        faults = world.faults[source]
        times = STRIKES if name in OF_CALLS.get(source, ()) else None
        faults.switch_on(name, account_id=account or None, times=times)
    except KeyError as error:
        raise UsageError(
            f"There is no fault '{fault}': {error}.",
            fix="Write source:fault or source:fault@account; `adcanary sandbox faults` lists them.",
        ) from None


def switch_on_passing(world: World) -> None:
    """Every fault that a client survives."""
    for source, faults in world.faults.items():
        for name in sorted(set(faults.known) - faults.breaking):
            # on Google's first call, of the manager, all of them together would be too much
            later = "@1234567890" if name in OF_A_CLIENT and source == "google_ads" else ""
            switch_on(world, f"{source}:{name}{later}")
