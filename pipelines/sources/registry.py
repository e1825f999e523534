"""Opens the sources that the settings name, with their secrets."""

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


def open_sources(
    settings: Settings, secrets: Secrets, name: str | None = None
) -> dict[str, Source]:
    """Every configured source by its name; a file's is ``files:<file name>``.

    Args:
        name: only this one (``files``: every file), so that no other's secrets are needed.

    Raises:
        UsageError: no such source is configured; says which are.
        ConfigError: a secret that the source needs is not set.
    """
    openers = _openers(settings, secrets)
    chosen = [k for k in openers if name in (None, k, k.split(":")[0])]
    if not chosen:
        asked = f"No source '{name}' is configured" if name else "No source is configured"
        raise UsageError(
            f"{asked} (there are: {', '.join(openers) or 'none'}).",
            kept="nothing was pulled.",
            fix=f"Add it under `sources` in {settings.path}.",
        )
    return {k: openers[k]() for k in chosen}


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


def with_account(opened: dict[str, Source], account_id: str) -> list[Source]:
    """The sources that have an account.

    Raises:
        UsageError: none has; says which accounts there are.
    """
    chosen = [s for s in opened.values() if account_id in s.account_ids]
    if not chosen:
        known = ", ".join(a for s in opened.values() for a in s.account_ids)
        raise UsageError(
            f"Account '{account_id}' is not configured (there are: {known}).",
            kept="nothing was pulled.",
            fix="Add it to the source's `accounts` in adcanary.yaml, or correct --account.",
        )
    return chosen


def _real_clock() -> datetime:
    """When a pull began is real time, also in a simulated world: it orders the pulls."""
    return datetime.now(UTC)
