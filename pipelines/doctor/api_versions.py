"""Which version of each platform's API is spoken here, and until when it is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipelines.config import Settings
from pipelines.doctor.case import Case
from pipelines.finding import Finding, fail, ok, warn

_TABLE = Path(__file__).with_name("api_versions.yaml")
_SOON = timedelta(days=90)


@dataclass(frozen=True)
class Api:
    """One platform's versions: ``until`` by version, None where the platform names no end."""

    until: Mapping[str, date | None]
    projected: frozenset[str]
    dates: str


@cache
def table() -> dict[str, Api]:
    """The dated table, by source."""
    apis = yaml.safe_load(_TABLE.read_text())["apis"]
    return {name: _api(entry) for name, entry in apis.items()}


def checked() -> date:
    """When the table was last held against what the platforms say."""
    day: date = yaml.safe_load(_TABLE.read_text())["checked"]
    return day


def _api(entry: Mapping[str, Any]) -> Api:
    versions = entry["versions"]
    return Api(
        {name: version.get("until") for name, version in versions.items()},
        frozenset(name for name, version in versions.items() if version.get("projected")),
        entry["dates"],
    )


def spoken(settings: Settings, source: str) -> str | None:
    """The version that a configured source asks for; None for one without a versioned API."""
    speak = _SPOKEN.get(source)
    return speak(settings) if speak else None


def _google(_: Settings) -> str:
    from pipelines.sources.google_ads.api import API_VERSION

    return API_VERSION


def _meta(_: Settings) -> str:
    from facebook_business.api import FacebookAdsApi

    return str(FacebookAdsApi.API_VERSION)


def _linkedin(_: Settings) -> str:
    from pipelines.sources.linkedin_ads.api import VERSION

    return VERSION


def _tiktok(_: Settings) -> str:
    from pipelines.sources.tiktok_ads.api import VERSION

    return VERSION


def _shopify(settings: Settings) -> str:
    shop = settings.sources.shopify
    return shop.api_version if shop else ""


def _salesforce(settings: Settings) -> str:
    organisation = settings.sources.salesforce
    return organisation.api_version if organisation else ""


# HubSpot's, GA4's and GrowthBook's are in the paths and packages that their sources use.
_SPOKEN: dict[str, Callable[[Settings], str]] = {
    "google_ads": _google,
    "meta_ads": _meta,
    "linkedin_ads": _linkedin,
    "tiktok_ads": _tiktok,
    "ga4_report": lambda _: "v1beta",
    "shopify": _shopify,
    "hubspot": lambda _: "v3",
    "salesforce": _salesforce,
    "growthbook": lambda _: "v1",
}


def api_versions(case: Case) -> Iterator[Finding]:
    """Whether the platforms still serve the versions that are spoken, and for how long."""
    today = case.settings.today()
    for source in case.source_names:
        version = spoken(case.settings, source)
        if version is not None:
            yield _finding(source, version, today)


def _finding(source: str, version: str, today: date) -> Finding:
    name, api = f"api_version:{source}", table()[source]
    fix = (
        f"Update adcanary, or set sources.{source}.api_version to a newer one."
        if source in ("shopify", "salesforce")
        else "Update adcanary, which has a newer version of the platform's SDK or API."
    )
    if version not in api.until:
        message = (
            f"{version} is not in the table of {checked()}: until when it is served is unknown."
        )
        return warn(name, message, f"Look it up at {api.dates}.")
    until = api.until[version]
    if until is None:
        return ok(name, f"{version}, of which no end was named by {checked()}.")
    about = "about " if version in api.projected else ""
    if until <= today:
        return fail(name, f"{version} is served until {about}{until}, which is past.", fix)
    message = f"{version} is served until {about}{until}."
    return warn(name, message, fix) if until - today < _SOON else ok(name, message)
