"""Opens the sources that the settings name, with their secrets."""

from __future__ import annotations

from pipelines.config import FileSettings, Secrets, Settings
from pipelines.errors import UsageError
from pipelines.sources.base import Source
from pipelines.sources.files import FilesSource
from pipelines.sources.ga4_export import Ga4ExportSource
from pipelines.sources.google_ads import GoogleAdsSource
from pipelines.sources.meta_ads import MetaAdsSource
from pipelines.sources.orders import OrdersSource


def open_sources(settings: Settings, secrets: Secrets) -> dict[str, Source]:
    """Every configured source by its name; a file's is ``files:<platform>``.

    Raises:
        ConfigError: a secret that a configured source needs is not set.
    """
    found: dict[str, Source] = {}
    sources = settings.sources
    if sources.google_ads:
        found["google_ads"] = GoogleAdsSource(sources.google_ads, secrets)
    if sources.meta_ads:
        found["meta_ads"] = MetaAdsSource(sources.meta_ads, secrets.require("meta_access_token"))
    if sources.ga4_export:
        salt = secrets.require("hash_salt")
        found["ga4_export"] = Ga4ExportSource(sources.ga4_export, salt, settings.clock)
    if sources.orders:
        token, salt = secrets.require("orders_token"), secrets.require("hash_salt")
        found["orders"] = OrdersSource(sources.orders, token, salt)
    for file in sources.files:
        found[f"files:{file.platform}"] = open_file(file)
    return found


def open_file(file: FileSettings) -> Source:
    """One export file as a source."""
    return FilesSource(file)


def select_sources(
    opened: dict[str, Source], name: str | None, account_id: str | None
) -> list[Source]:
    """The sources a command asks for: all, or one by name; and only those with the account.

    Raises:
        UsageError: no such source is configured, or none has the account; says what there is.
    """
    if name is not None and name not in opened and not any(k.split(":")[0] == name for k in opened):
        raise UsageError(
            f"No source '{name}' is configured (there are: {', '.join(opened) or 'none'}).",
            fix="Add it under `sources` in adcanary.yaml.",
        )
    chosen = [s for k, s in opened.items() if name in (None, k, k.split(":")[0])]
    if account_id is not None:
        known = [a for s in chosen for a in s.account_ids]
        if account_id not in known:
            raise UsageError(
                f"Account '{account_id}' is not configured (there are: {', '.join(known)}).",
                kept="nothing was pulled.",
                fix="Add it to the source's `accounts` in adcanary.yaml, or correct --account.",
            )
        chosen = [s for s in chosen if account_id in s.account_ids]
    if not chosen:
        raise UsageError(
            "No source is configured.", fix="Add one under `sources` in adcanary.yaml."
        )
    return chosen
