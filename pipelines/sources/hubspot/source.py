"""HubSpot: contacts as leads and deals as opportunities, from the CRM's search API.

Days are days in the configured time zone. E-mail addresses and phone numbers are hashed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import SourceRejected
from pipelines.money import micros
from pipelines.placeholders import placeholders
from pipelines.privacy.hashing import hash_email, hash_phone
from pipelines.secret_settings import Secrets
from pipelines.source_settings import HubspotSettings
from pipelines.sources.base import KEPT, Account, Batch, Grant, Quota, Window
from pipelines.sources.hubspot.api import NAME, HubspotApi
from pipelines.sources.shapes.crm_tables import (
    LEADS,
    MAX_WINDOW_DAYS,
    OPPORTUNITIES,
    TABLES,
    Columns,
    Records,
    Row,
    bounds,
    created_days,
    crm_batch,
    day_windows,
    drift_columns,
    flag,
    instant,
    midnight,
    no_such_field,
    tag,
    text,
)

# A person can edit a deal's createdate, and it would then stand on two days; not hs_createdate.
_CREATED = {"contacts": "createdate", "deals": "hs_createdate"}
_MODIFIED = {"contacts": "lastmodifieddate", "deals": "hs_lastmodifieddate"}
_CONTACT = {
    *("email", "phone", "mobilephone", "createdate", "lastmodifieddate"),
    *("lifecyclestage", "hs_lead_status", "hs_analytics_source"),
}
_DEAL = {
    *("amount", "closedate", "dealstage", "hs_createdate", "hs_is_closed", "hs_is_closed_won"),
    "hs_lastmodifieddate",
}
# What a portal has only where marketing or a second currency is set up; column → property.
_TAGS = {
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": "utm_campaign",
    "gclid": "hs_google_click_id",
    "fbclid": "hs_facebook_click_id",
    "li_fat_id": "li_fat_id",
    "ttclid": "ttclid",
}
_CURRENCY = "deal_currency_code"
_BEGINNING = datetime(2006, 1, 1, tzinfo=UTC)  # HubSpot was founded
_LIFECYCLE = {
    "": "NEW",
    "subscriber": "NEW",
    "lead": "NEW",
    "marketingqualifiedlead": "QUALIFIED",
    "salesqualifiedlead": "QUALIFIED",
    "opportunity": "CONVERTED",
    "customer": "CONVERTED",
    "evangelist": "CONVERTED",
}
_WORKING = {"OPEN", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT", "CONNECTED"}
_DISQUALIFIED = {"UNQUALIFIED", "BAD_TIMING"}


class HubspotSource:
    """One HubSpot portal, as :class:`pipelines.sources.base.Source` and ``TracksChanges``.

    Args:
        settings: the portal, its days' time zone, another URL.
        token: of a private app that may read contacts and deals.
        salt: of the hashes.
        phone_region: ISO 3166 country of numbers that are written without a country code.
        backoff: seconds before the second try of a call; doubled for each further one.
    """

    name = NAME
    tables = TABLES
    span = None
    max_window_days = MAX_WINDOW_DAYS

    def __init__(
        self,
        settings: HubspotSettings,
        token: str,
        salt: str,
        *,
        phone_region: str | None = None,
        backoff: float = 0.5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account_ids = (settings.portal_id,)
        self.lookback_days = settings.lookback_days
        self._zone = settings.time_zone
        nobodys = placeholders(settings.placeholders)
        self._hash_email = partial(hash_email, salt=salt, nobodys=nobodys)
        self._hash_phone = partial(hash_phone, salt=salt, region=phone_region, nobodys=nobodys)
        self._account: Account | None = None
        self._properties: dict[str, set[str]] = {}
        self._api = HubspotApi(
            settings.url,
            token,
            settings.time_zone,
            max_pages=settings.max_pages,
            backoff=backoff,
            sleep=sleep,
        )

    def account(self, account_id: str) -> Account:
        """Ask HubSpot whose token it is; asked once in the life of the source."""
        if self._account is None:
            details = self._api.portal(account_id)
            portal = str(details["portalId"])
            if portal != account_id:
                raise SourceRejected(
                    f"hubspot account {account_id}: the token is of portal {portal}.",
                    kept=KEPT,
                    fix="Correct sources.hubspot.portal_id, or set ADCANARY_HUBSPOT_TOKEN to a "
                    "token of that portal.",
                )
            self._account = Account(
                account_id, f"HubSpot {portal}", details["companyCurrency"], self._zone
            )
        return self._account

    def grant(self, account_id: str) -> Grant:
        """The private app's scopes."""
        return Grant(scopes=self._api.scopes(account_id))

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The portal's calls of the day."""
        if self._api.daily_calls is None:
            return ()
        allowed, left = self._api.daily_calls
        text = f"{allowed - left:,} of the day's {allowed:,} calls are used"
        return (Quota("daily calls", 1 - left / max(allowed, 1), text),)

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._api.clock_offset

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Leads and opportunities created in the window, as they are now.

        Nothing is yielded before all of it was read.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        batches = []
        for table, part in ((LEADS, self._leads), (OPPORTUNITIES, self._deals)):
            records, columns = part(account, window)
            batch = crm_batch(
                *(table, self.name, account, window),
                pulled_at=pulled_at,
                records=records,
                columns=columns,
            )
            batches.append(batch)
        yield from batches

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: a lead carries its own present state."""
        yield from ()

    def changed_windows(self, account_id: str, since: date) -> list[Window]:
        """Days before ``since`` with a contact or deal that changed or was deleted since then.

        Deletions are seen for as long as they are in HubSpot's recycle bin, 90 days.
        """
        at, zone = midnight(since, self._zone), ZoneInfo(self._zone)
        days: set[date] = set()
        for kind, created in _CREATED.items():
            changed = self._api.search(
                account_id, kind, [created], (created, _BEGINNING, at), (_MODIFIED[kind], at)
            )
            gone = self._api.archived(account_id, kind, created, at)
            days |= created_days((*changed, *gone), created, at, zone)
        return day_windows(days)

    def _leads(self, account: Account, window: Window) -> tuple[Records, Columns]:
        rows = self._rows(account, "contacts", _CONTACT, _TAGS.values(), window)
        records = Records(rows, "id")
        read = records.read
        ids = read("id", text, needed=True)
        known = [id_ for id_ in ids if id_]
        deals = self._api.associated(account.account_id, "contacts", "deals", known)
        stages, steps = read("lifecyclestage", text), read("hs_lead_status", text)
        numbers = zip(
            read("phone", self._hash_phone), read("mobilephone", self._hash_phone), strict=True
        )
        columns: Columns = {
            "lead_id": ids,
            "created_at": read("createdate", instant, needed=True),
            "updated_at": read("lastmodifieddate", instant),
            "email_hash": read("email", self._hash_email),
            "phone_hash": [phone or mobile for phone, mobile in numbers],
            "status": [_status(*pair) for pair in zip(stages, steps, strict=True)],
            "raw_status": [
                "/".join(part for part in pair if part) or None
                for pair in zip(stages, steps, strict=True)
            ],
            "lead_source": read("hs_analytics_source", text),
            **{column: read(name, tag) for column, name in _TAGS.items()},
            "opportunity_id": [deals.get(i) for i in ids],
            **drift_columns(LEADS, rows, {"id", "hs_object_id", *_CONTACT, *_TAGS.values()}),
        }
        return records, columns

    def _deals(self, account: Account, window: Window) -> tuple[Records, Columns]:
        rows = self._rows(account, "deals", _DEAL, (_CURRENCY,), window)
        records = Records(rows, "id")
        read = records.read
        ids = read("id", text, needed=True)
        known = [id_ for id_ in ids if id_]
        contacts = self._api.associated(account.account_id, "deals", "contacts", known)
        emails = self._api.emails(account.account_id, list(contacts.values()))
        closed = [bool(is_closed) for is_closed in read("hs_is_closed", flag)]
        columns: Columns = {
            "opportunity_id": ids,
            "created_at": read("hs_createdate", instant, needed=True),
            "updated_at": read("hs_lastmodifieddate", instant),
            # until a deal is closed, its closedate is a hope
            "closed_at": [
                at if is_closed else None
                for at, is_closed in zip(read("closedate", instant), closed, strict=True)
            ],
            "stage": read("dealstage", text),
            "is_won": [bool(is_won) for is_won in read("hs_is_closed_won", flag)],
            "is_closed": closed,
            "amount_micros": read("amount", micros),
            "currency_code": [row.get(_CURRENCY) or account.currency_code for row in rows],
            "lead_id": [contacts.get(i) for i in ids],
            "email_hash": [self._hash_email(emails.get(contacts.get(i, ""))) for i in ids],
            **drift_columns(
                OPPORTUNITIES, rows, {"id", "hs_object_id", "createdate", _CURRENCY, *_DEAL}
            ),
        }
        return records, columns

    def _rows(
        self, account: Account, kind: str, needed: set[str], wanted: Any, window: Window
    ) -> Sequence[Row]:
        """Records created in the window, with the needed properties and the wanted that exist."""
        portal, created = account.account_id, _CREATED[kind]
        if kind not in self._properties:
            self._properties[kind] = self._api.property_names(portal, kind)
        # a search leaves out, without a word, what is no property
        if missing := needed - self._properties[kind]:
            raise no_such_field(self.name, portal, kind, missing)
        names = sorted({*needed, *wanted} & self._properties[kind])
        return self._api.search(portal, kind, names, (created, *bounds(window, self._zone)))


def open_source(settings: HubspotSettings, secrets: Secrets) -> HubspotSource:
    """The portal as configured; ConfigError where its token or the salt is missing."""
    token, salt = secrets.require("hubspot_token"), secrets.require("hash_salt")
    return HubspotSource(settings, token, salt)


def _status(stage: str | None, step: str | None) -> str:
    """Our word for a contact's lifecycle stage and lead status."""
    status = _LIFECYCLE.get((stage or "").lower(), "OTHER")
    if status == "CONVERTED" or step == "OPEN_DEAL":
        return "CONVERTED"
    if step in _DISQUALIFIED:
        return "DISQUALIFIED"
    return "WORKING" if status == "NEW" and step in _WORKING else status
