"""Opens the sources that the settings name, each with its secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from pipelines.config import Secrets, Settings
from pipelines.errors import UsageError
from pipelines.sources.base import Source


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
    """How each configured source is opened, when it is.

    A source's module is imported when it is opened: an ad SDK takes a second, and a pull of one
    source needs one of them.
    """
    sources = settings.sources
    openers: dict[str, Callable[[Settings, Secrets], Source]] = {
        "google_ads": _google_ads,
        "meta_ads": _meta_ads,
        "linkedin_ads": _linkedin_ads,
        "tiktok_ads": _tiktok_ads,
        "ga4_export": _ga4_export,
        "ga4_report": _ga4_report,
        "shopify": _shopify,
        "hubspot": _hubspot,
        "salesforce": _salesforce,
        "skan": _skan,
        "server_events": _server_events,
        "fx_rates": _fx_rates,
    }
    found: dict[str, Callable[[], Source]] = {
        name: partial(opener, settings, secrets)
        for name, opener in openers.items()
        if getattr(sources, name) is not None
    }
    from pipelines.sources.files.source import FilesSource

    for file in sources.files:
        found[f"files:{file.path.name}"] = partial(FilesSource, file)
    return found


def _google_ads(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.google_ads.source import GoogleAdsSource

    google = settings.sources.google_ads
    assert google
    return GoogleAdsSource(
        google, secrets, timeout=google.timeout_seconds, token_uri=google.token_uri
    )


def _meta_ads(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.meta_ads.source import MetaAdsSource

    meta = settings.sources.meta_ads
    assert meta
    token = secrets.require("meta_access_token")
    return MetaAdsSource(meta, token, report_timeout=meta.report_timeout_seconds)


def _linkedin_ads(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.linkedin_ads.source import LinkedinAdsSource

    assert settings.sources.linkedin_ads
    token = secrets.require("linkedin_access_token")
    return LinkedinAdsSource(settings.sources.linkedin_ads, token)


def _tiktok_ads(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.tiktok_ads.source import TiktokAdsSource

    assert settings.sources.tiktok_ads
    return TiktokAdsSource(settings.sources.tiktok_ads, secrets.require("tiktok_access_token"))


def _ga4_export(settings: Settings, secrets: Secrets) -> Source:
    assert settings.sources.ga4_export
    export, salt = settings.sources.ga4_export, secrets.require("hash_salt")
    if export.dataset:
        from pipelines.sources.ga4_export.dataset import Ga4DatasetSource

        return Ga4DatasetSource(export, salt)
    from pipelines.sources.ga4_export.source import Ga4ExportSource

    return Ga4ExportSource(export, salt, _real_clock)


def _ga4_report(settings: Settings, _: Secrets) -> Source:
    from pipelines.sources.ga4_report.source import Ga4ReportSource

    assert settings.sources.ga4_report
    return Ga4ReportSource(settings.sources.ga4_report)


def _shopify(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.shopify.source import ShopifySource

    assert settings.sources.shopify
    token, salt = secrets.require("shopify_token"), secrets.require("hash_salt")
    return ShopifySource(settings.sources.shopify, token, salt)


def _hubspot(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.hubspot.source import HubspotSource

    assert settings.sources.hubspot
    token, salt = secrets.require("hubspot_token"), secrets.require("hash_salt")
    return HubspotSource(settings.sources.hubspot, token, salt)


def _salesforce(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.salesforce.source import SalesforceSource

    assert settings.sources.salesforce
    return SalesforceSource(
        settings.sources.salesforce,
        secrets.require("salesforce_client_id"),
        secrets.require("salesforce_client_secret"),
        secrets.require("hash_salt"),
    )


def _skan(settings: Settings, _: Secrets) -> Source:
    from pipelines.sources.skan.source import SkanSource

    assert settings.sources.skan
    return SkanSource(settings.sources.skan)


def _server_events(settings: Settings, secrets: Secrets) -> Source:
    from pipelines.sources.server_events.source import ServerEventsSource

    assert settings.sources.server_events
    return ServerEventsSource(settings.sources.server_events, secrets.require("hash_salt"))


def _fx_rates(settings: Settings, _: Secrets) -> Source:
    from pipelines.sources.fx_rates.source import FxRatesSource

    assert settings.sources.fx_rates
    return FxRatesSource(settings.sources.fx_rates)


def _real_clock() -> datetime:
    """When a pull began is real time, also in a simulated world: it orders the pulls."""
    return datetime.now(UTC)
