"""Opens the sources that the settings name, each with its secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from pipelines.config import Secrets, Settings
from pipelines.errors import UsageError
from pipelines.sources.base import Source
from pipelines.sources.files import FilesSource
from pipelines.sources.ga4_export import Ga4ExportSource
from pipelines.sources.google_ads import GoogleAdsSource
from pipelines.sources.meta_ads import MetaAdsSource
from pipelines.sources.orders import OrdersSource


def source_names(settings: Settings, name: str | None = None) -> list[str]:
    """The configured sources' names; a file's is ``files:<file name>``.

    Args:
        name: only this one (``files``: every file).

    Raises:
        UsageError: no such source is configured; says which are.
    """
    names = list(_openers(settings, Secrets()))
    chosen = [n for n in names if name in (None, n, n.split(":")[0])]
    if not chosen:
        asked = f"No source '{name}' is configured" if name else "No source is configured"
        raise UsageError(
            f"{asked} (there are: {', '.join(names) or 'none'}).",
            kept="nothing was pulled.",
            fix=f"Add it under `sources` in {settings.path}.",
        )
    return chosen


def open_source(settings: Settings, secrets: Secrets, name: str) -> Source:
    """One configured source by its name; each is opened on its own, with its own secrets.

    Raises:
        ConfigError: a secret that it needs is not set, or its mapping is unusable.
    """
    return _openers(settings, secrets)[name]()


def _openers(settings: Settings, secrets: Secrets) -> dict[str, Callable[[], Source]]:
    """How each configured source is opened, when it is."""
    sources = settings.sources
    found: dict[str, Callable[[], Source]] = {}
    if google := sources.google_ads:
        found["google_ads"] = lambda: GoogleAdsSource(google, secrets)
    if meta := sources.meta_ads:
        found["meta_ads"] = lambda: MetaAdsSource(meta, secrets.require("meta_access_token"))
    if ga4 := sources.ga4_export:
        found["ga4_export"] = lambda: Ga4ExportSource(
            ga4, secrets.require("hash_salt"), _real_clock
        )
    if orders := sources.orders:
        found["orders"] = lambda: OrdersSource(
            orders, secrets.require("orders_token"), secrets.require("hash_salt")
        )
    for file in sources.files:
        found[f"files:{file.path.name}"] = partial(FilesSource, file)
    return found


def _real_clock() -> datetime:
    """When a pull began is real time, also in a simulated world: it orders the pulls."""
    return datetime.now(UTC)
