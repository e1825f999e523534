"""What adcanary.yaml may set for each source, and the secrets that only the environment holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from pipelines.platform_ids import canonical_id


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is not an IANA time zone such as Europe/Berlin")
    return name


TimeZone = Annotated[
    str, AfterValidator(_time_zone), Field(description="IANA name, such as Europe/Berlin")
]


def _holiday_calendar(name: str) -> str:
    import holidays

    country, _, part = name.partition("-")
    try:
        holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError as error:
        raise ValueError(f"{error}; write US, or DE-BY for a part of a country") from error
    return name


HolidayCalendar = Annotated[str, AfterValidator(_holiday_calendar)]


def _account_of(platform: str) -> AfterValidator:
    return AfterValidator(lambda text: canonical_id(platform, "account", text))


_LOOKBACK = "days up to yesterday that every run pulls again, as they are restated"
_SERVER = "of another server, such as a sandbox"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


MAX_PAGES = 10_000


class PagedSection(Section):
    max_pages: int = Field(
        MAX_PAGES, ge=1, description="of one reading; a platform that names more is not asked on"
    )


class PersonSection(Section):
    """A source of people's ids. ``placeholders`` are texts that are nobody's, besides those of
    pipelines/placeholders.yaml; ``identity.placeholders`` sets them for all."""

    placeholders: tuple[str, ...] = Field((), description="texts that are nobody's")

    def knowing(self, placeholders: tuple[str, ...]) -> Self:
        """The section with further placeholders."""
        return self.model_copy(update={"placeholders": (*self.placeholders, *placeholders)})


class GoogleAdsSettings(Section):
    """Google Ads accounts: customer ids, ten digits; dashes are left out."""

    accounts: tuple[Annotated[str, _account_of("google_ads")], ...] = Field(min_length=1)
    login_customer_id: Annotated[str, _account_of("google_ads")] | None = None
    lookback_days: int = Field(30, ge=1, le=90, description=_LOOKBACK)
    endpoint: str | None = Field(None, description="host:port of another server, over TLS")
    timeout_seconds: float = Field(300.0, gt=0, description="of one query")
    token_uri: str = "https://oauth2.googleapis.com/token"


class MetaAdsSettings(PagedSection):
    """Meta ad accounts, such as act_123, or 123."""

    accounts: tuple[Annotated[str, _account_of("meta_ads")], ...] = Field(min_length=1)
    lookback_days: int = Field(28, ge=1, le=90, description=_LOOKBACK)
    report_timeout_seconds: float = Field(1800.0, gt=0, description="then a report is split")
    graph_url: str | None = Field(None, description="base URL of another Graph API")
    images: str | None = Field(
        None,
        description="folder or bucket (gs://…) to keep the ads' images in; without, none is",
    )


class LinkedinAdsSettings(PagedSection):
    """LinkedIn ad accounts (numeric ids)."""

    accounts: tuple[Annotated[str, _account_of("linkedin_ads")], ...] = Field(min_length=1)
    lookback_days: int = Field(30, ge=1, le=180, description=_LOOKBACK)
    url: str = Field("https://api.linkedin.com", description=_SERVER)
    auth_url: str = Field("https://www.linkedin.com", description="where tokens are looked into")


class TiktokAdsSettings(PagedSection):
    """TikTok advertiser ids."""

    accounts: tuple[Annotated[str, _account_of("tiktok_ads")], ...] = Field(min_length=1)
    lookback_days: int = Field(28, ge=1, le=180, description=_LOOKBACK)
    url: str = Field("https://business-api.tiktok.com", description=_SERVER)


class Ga4ExportSettings(PersonSection):
    """The GA4 BigQuery export: files events_YYYYMMDD.json[.gz] in a folder, or its dataset.

    ``dataset`` is ``project.analytics_<property>``; set exactly one of ``path`` and ``dataset``.
    ``searches``: keep what visitors searched for on the site, redacted. Without it, it is left out
    as other free text is.
    """

    property_id: str
    path: Path | None = None
    searches: bool = False
    dataset: str | None = Field(None, pattern=r"^[\w-]+\.\w+$")
    time_zone: TimeZone
    lookback_days: int = Field(4, ge=1, le=90, description=_LOOKBACK)
    api_endpoint: str | None = Field(None, description="another BigQuery, such as an emulator")

    @model_validator(mode="after")
    def _one_place(self) -> Ga4ExportSettings:
        if (self.path is None) == (self.dataset is None):
            raise ValueError("set either path (files) or dataset (BigQuery)")
        return self


class Ga4ReportSettings(Section):
    """The GA4 Data API: daily aggregates with their sampling and thresholding flags."""

    property_id: str
    lookback_days: int = Field(7, ge=1, le=90, description=_LOOKBACK)
    endpoint: str | None = Field(None, description="host:port of another server, without TLS")


class ShopifySettings(PersonSection):
    """A Shopify shop, read through the GraphQL Admin API's bulk operations."""

    shop_id: str
    url: str | None = Field(None, description="default: https://<shop_id>.myshopify.com")
    api_version: str = "2026-07"
    time_zone: TimeZone
    lookback_days: int = Field(30, ge=1, le=365, description=_LOOKBACK)


class HubspotSettings(PagedSection, PersonSection):
    """Leads and opportunities of a HubSpot portal."""

    portal_id: str
    time_zone: TimeZone
    lookback_days: int = Field(30, ge=1, le=365, description=_LOOKBACK)
    url: str = Field("https://api.hubapi.com", description=_SERVER)


class SalesforceSettings(PagedSection, PersonSection):
    """Leads and opportunities of a Salesforce organisation; ``url`` is its My Domain."""

    org_id: str
    url: str
    api_version: str = "v66.0"
    time_zone: TimeZone
    lookback_days: int = Field(30, ge=1, le=365, description=_LOOKBACK)


class GrowthbookSettings(PagedSection):
    """Experiments that a GrowthBook organisation defines; ``organization`` is our name for it.

    ``url`` is its API host, one's own or GrowthBook's. Days are days in ``time_zone``.
    """

    organization: str = Field(min_length=1)
    time_zone: TimeZone
    url: str = "https://api.growthbook.io"


class SkanSettings(Section):
    """SKAdNetwork postbacks as received: newline JSON in a folder, YYYY-MM-DD*.ndjson[.gz].

    Days are UTC, by time of receipt. ``public_key`` (PEM) replaces Apple's, for a sandbox.
    """

    advertiser_id: str
    path: Path
    lookback_days: int = Field(3, ge=1, le=90, description=_LOOKBACK)
    public_key: Path | None = None


class ServerEventsSettings(PersonSection):
    """First-party events with a TC string: newline JSON or Parquet, a file per day.

    ``path`` is a folder or a bucket (gs://…); files are YYYY-MM-DD*.ndjson[.gz] or .parquet.
    All ``purposes`` must be consented to, and ``vendor_id`` if it is set.
    """

    site_id: str
    path: str
    time_zone: TimeZone
    purposes: tuple[Annotated[int, Field(ge=1, le=24)], ...] = Field((1, 7), min_length=1)
    vendor_id: int | None = Field(None, ge=1, le=65_535)
    lookback_days: int = Field(3, ge=1, le=90, description=_LOOKBACK)


class FxRatesSettings(Section):
    """Daily euro reference rates of the European Central Bank."""

    url: str = Field("https://data-api.ecb.europa.eu", description=_SERVER)
    currencies: tuple[str, ...] = ("USD", "GBP", "CHF")
    lookback_days: int = Field(10, ge=1, le=90, description=_LOOKBACK)


class FileSettings(PersonSection):
    """An export file that every daily run lands; ``mapping`` says what its columns are.

    ``platform`` is whose export it is: the mapping says so, and has to agree.
    """

    platform: str | None = None
    path: Path
    mapping: Path


class SourcesSettings(Section):
    """Every source that may be configured.

    ``account_lookback_days``: by ``source/account``, how many days to pull again if not the
    source's ``lookback_days``.
    """

    google_ads: GoogleAdsSettings | None = None
    meta_ads: MetaAdsSettings | None = None
    linkedin_ads: LinkedinAdsSettings | None = None
    tiktok_ads: TiktokAdsSettings | None = None
    ga4_export: Ga4ExportSettings | None = None
    ga4_report: Ga4ReportSettings | None = None
    shopify: ShopifySettings | None = None
    hubspot: HubspotSettings | None = None
    salesforce: SalesforceSettings | None = None
    growthbook: GrowthbookSettings | None = None
    skan: SkanSettings | None = None
    server_events: ServerEventsSettings | None = None
    fx_rates: FxRatesSettings | None = None
    files: tuple[FileSettings, ...] = ()
    account_lookback_days: dict[str, Annotated[int, Field(ge=1, le=365)]] = {}

    @field_validator("files")
    @classmethod
    def _one_a_name(cls, files: tuple[FileSettings, ...]) -> tuple[FileSettings, ...]:
        names = [file.path.name for file in files]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name; names must be unique")
        return files

    def anchored(self, folder: Path) -> SourcesSettings:
        """Resolve relative paths against ``folder``."""
        anchored: dict[str, Any] = {
            "files": tuple(
                f.model_copy(update={"path": folder / f.path, "mapping": folder / f.mapping})
                for f in self.files
            )
        }
        if (ga4 := self.ga4_export) and ga4.path:
            anchored["ga4_export"] = ga4.model_copy(update={"path": folder / ga4.path})
        if skan := self.skan:
            key = skan.public_key and folder / skan.public_key
            anchored["skan"] = skan.model_copy(
                update={"path": folder / skan.path, "public_key": key}
            )
        if (events := self.server_events) and "://" not in events.path:
            anchored["server_events"] = events.model_copy(
                update={"path": str(folder / events.path)}
            )
        if (meta := self.meta_ads) and meta.images and "://" not in meta.images:
            anchored["meta_ads"] = meta.model_copy(update={"images": str(folder / meta.images)})
        return self.model_copy(update=anchored)

    @property
    def images(self) -> tuple[str, ...]:
        """Where images of ads are kept."""
        return (self.meta_ads.images,) if self.meta_ads and self.meta_ads.images else ()

    def knowing(self, placeholders: tuple[str, ...]) -> SourcesSettings:
        """Every source of people's ids with further placeholders."""
        sections = {name: getattr(self, name) for name in type(self).model_fields}
        known: dict[str, Any] = {
            name: section.knowing(placeholders)
            for name, section in sections.items()
            if isinstance(section, PersonSection)
        }
        known["files"] = tuple(file.knowing(placeholders) for file in self.files)
        return self.model_copy(update=known)


class SourceSecrets(BaseModel):
    """The sources' secrets, each an environment variable (``ADCANARY_META_ACCESS_TOKEN``, …)."""

    model_config = ConfigDict(frozen=True)

    google_ads_developer_token: SecretStr | None = None
    google_ads_client_id: SecretStr | None = None
    google_ads_client_secret: SecretStr | None = None
    google_ads_refresh_token: SecretStr | None = None
    google_ads_access_token: SecretStr | None = None
    meta_access_token: SecretStr | None = None
    linkedin_access_token: SecretStr | None = None
    linkedin_client_id: SecretStr | None = None
    linkedin_client_secret: SecretStr | None = None
    tiktok_access_token: SecretStr | None = None
    shopify_token: SecretStr | None = None
    hubspot_token: SecretStr | None = None
    salesforce_client_id: SecretStr | None = None
    salesforce_client_secret: SecretStr | None = None
    growthbook_api_key: SecretStr | None = None
