"""Salesforce: leads and opportunities, by SOQL over its REST API.

Days are days in the configured time zone. E-mail addresses and phone numbers are hashed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import SourceRejected
from pipelines.money import micros
from pipelines.placeholders import placeholders
from pipelines.privacy.hashing import hash_email, hash_phone
from pipelines.secret_settings import Secrets
from pipelines.source_settings import SalesforceSettings
from pipelines.sources.base import KEPT, Account, Batch, Grant, Quota, Window
from pipelines.sources.salesforce.api import NAME, SalesforceApi, literal
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

_LEAD = (
    *("Id", "CreatedDate", "SystemModstamp", "Email", "Phone", "MobilePhone", "Status"),
    *("IsConverted", "LeadSource", "ConvertedOpportunityId"),
)
_OPPORTUNITY = (
    *("Id", "CreatedDate", "SystemModstamp", "CloseDate", "StageName", "IsWon", "IsClosed"),
    "Amount",
)
# Custom fields that an organisation may have, in whatever case; column → name in lower case.
_TAGS = {
    "utm_source": "utm_source__c",
    "utm_medium": "utm_medium__c",
    "utm_campaign": "utm_campaign__c",
    "gclid": "gclid__c",
    "fbclid": "fbclid__c",
    "li_fat_id": "li_fat_id__c",
    "ttclid": "ttclid__c",
}
# There is such a field where the organisation uses several currencies.
_CURRENCY = {"currency_code": "currencyisocode"}
_CONTACT_ROLES = "OpportunityContactRoles"
_PRIMARY_CONTACT = f"(SELECT Contact.Email FROM {_CONTACT_ROLES} WHERE IsPrimary = true)"
# An id has 15 characters that distinguish upper from lower case, and may have 3 that check them.
_ID_CHARACTERS = 15
_STATUS = {
    "new": "NEW",
    "open": "NEW",
    "open - not contacted": "NEW",
    "working": "WORKING",
    "working - contacted": "WORKING",
    "contacted": "WORKING",
    "nurturing": "WORKING",
    "qualified": "QUALIFIED",
    "unqualified": "DISQUALIFIED",
    "closed - not converted": "DISQUALIFIED",
}


class SalesforceSource:
    """One Salesforce organisation, as :class:`pipelines.sources.base.Source` and ``TracksChanges``.

    Args:
        settings: the organisation, its My Domain URL, its days' time zone.
        client_id, client_secret: of an external client app with the client-credentials flow,
            whose user may read leads, opportunities and contacts.
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
        settings: SalesforceSettings,
        client_id: str,
        client_secret: str,
        salt: str,
        *,
        phone_region: str | None = None,
        backoff: float = 0.5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account_ids = (settings.org_id,)
        self.lookback_days = settings.lookback_days
        self._zone = settings.time_zone
        nobodys = placeholders(settings.placeholders)
        self._hash_email = partial(hash_email, salt=salt, nobodys=nobodys)
        self._hash_phone = partial(hash_phone, salt=salt, region=phone_region, nobodys=nobodys)
        self._account: Account | None = None
        self._names: dict[str, dict[str, str]] = {}
        self._api = SalesforceApi(
            settings.url,
            client_id,
            client_secret,
            settings.api_version,
            max_pages=settings.max_pages,
            backoff=backoff,
            sleep=sleep,
        )

    def account(self, account_id: str) -> Account:
        """Ask Salesforce whose credentials they are; asked once in the life of the source.

        The currency is empty where the organisation uses several.
        """
        if self._account is None:
            organisation = self._api.resource(account_id, "connect/organization")
            if organisation["orgId"][:_ID_CHARACTERS] != account_id[:_ID_CHARACTERS]:
                raise SourceRejected(
                    f"salesforce account {account_id}: the credentials are of organisation "
                    f"{organisation['orgId']}.",
                    kept=KEPT,
                    fix="Correct sources.salesforce.org_id, url or the credentials.",
                )
            currency = organisation["features"].get("defaultCurrencyIsoCode") or ""
            self._account = Account(account_id, organisation["name"], currency, self._zone)
        return self._account

    def grant(self, account_id: str) -> Grant:
        """The scopes of the token; what its user may see and do, its profile says."""
        self.account(account_id)
        note = "what the client's user may change, its profile says"
        return Grant(scopes=self._api.scopes, note=note)

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The organisation's calls of the last 24 hours."""
        if self._api.daily_calls is None:
            return ()
        used, allowed = self._api.daily_calls
        text = f"{used:,} of the {allowed:,} calls of 24 hours are used"
        return (Quota("daily calls", used / max(allowed, 1), text),)

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
        for table, part in ((LEADS, self._leads), (OPPORTUNITIES, self._opportunities)):
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
        """Days before ``since`` with a lead or opportunity that changed, was deleted or merged.

        Deletions are seen for as long as they are in the recycle bin, 15 days.
        """
        at, zone = midnight(since, self._zone), ZoneInfo(self._zone)
        condition = f"SystemModstamp >= {literal(at)} AND CreatedDate < {literal(at)}"
        rows = [
            row
            for kind in ("Lead", "Opportunity")
            for row in self._api.query(
                account_id, f"SELECT CreatedDate FROM {kind} WHERE {condition}", deleted=True
            )
        ]
        return day_windows(created_days(rows, "CreatedDate", at, zone))

    def _leads(self, account: Account, window: Window) -> tuple[Records, Columns]:
        tags = self._fields(account.account_id, "Lead", _LEAD, _TAGS)
        asked = (*_LEAD, *tags.values())
        rows = self._api.query(
            account.account_id,
            f"SELECT {', '.join(asked)} FROM Lead WHERE {self._created(window)}",
        )
        records = Records(rows, "Id")
        read = records.read
        statuses = read("Status", text)
        numbers = zip(
            read("Phone", self._hash_phone), read("MobilePhone", self._hash_phone), strict=True
        )
        columns: Columns = {
            "lead_id": read("Id", text, needed=True),
            "created_at": read("CreatedDate", instant, needed=True),
            "updated_at": read("SystemModstamp", instant),
            "email_hash": read("Email", self._hash_email),
            "phone_hash": [phone or mobile for phone, mobile in numbers],
            "status": [
                "CONVERTED" if converted else _STATUS.get((status or "").lower(), "OTHER")
                for converted, status in zip(read("IsConverted", flag), statuses, strict=True)
            ],
            "raw_status": statuses,
            "lead_source": read("LeadSource", text),
            **{column: read(tags.get(column, ""), tag) for column in _TAGS},
            "opportunity_id": read("ConvertedOpportunityId", text),
            **drift_columns(LEADS, rows, asked),
        }
        return records, columns

    def _opportunities(self, account: Account, window: Window) -> tuple[Records, Columns]:
        currency = self._fields(account.account_id, "Opportunity", _OPPORTUNITY, _CURRENCY)
        asked = (*_OPPORTUNITY, *currency.values())
        created = self._created(window)
        rows = self._api.query(
            account.account_id,
            f"SELECT {', '.join(asked)}, {_PRIMARY_CONTACT} FROM Opportunity WHERE {created}",
        )
        leads = self._converted(account.account_id, created)
        records = Records(rows, "Id")
        read = records.read
        ids, closed = read("Id", text, needed=True), read("IsClosed", flag)
        closing_days = read("CloseDate", date.fromisoformat)
        currencies = read(currency.get("currency_code", ""), text)
        columns: Columns = {
            "opportunity_id": ids,
            "created_at": read("CreatedDate", instant, needed=True),
            "updated_at": read("SystemModstamp", instant),
            # until an opportunity is closed, its CloseDate is a hope
            "closed_at": [
                midnight(day, self._zone) if day and is_closed else None
                for day, is_closed in zip(closing_days, closed, strict=True)
            ],
            "stage": read("StageName", text),
            "is_won": read("IsWon", flag),
            "is_closed": closed,
            "amount_micros": read("Amount", micros),
            "currency_code": [code or account.currency_code for code in currencies],
            "lead_id": [leads.get(i) for i in ids],
            "email_hash": records.made("the contact", _primary_email, self._hash_email),
            **drift_columns(OPPORTUNITIES, rows, (*asked, _CONTACT_ROLES)),
        }
        return records, columns

    def _converted(self, account_id: str, created: str) -> dict[str, str]:
        """Opportunity → the lead it came from, which may have been deleted since."""
        rows = self._api.query(
            account_id,
            "SELECT Id, ConvertedOpportunityId FROM Lead WHERE ConvertedOpportunityId IN "
            f"(SELECT Id FROM Opportunity WHERE {created})",
            deleted=True,
        )
        newest_first = sorted(rows, key=lambda row: str(row["Id"]), reverse=True)
        return {row["ConvertedOpportunityId"]: row["Id"] for row in newest_first}

    def _fields(
        self, account_id: str, kind: str, needed: Sequence[str], wanted: Mapping[str, str]
    ) -> dict[str, str]:
        """Columns of ``wanted`` that the organisation has, with the field's own spelling.

        Raises:
            SourceRejected: a needed field is gone or hidden; names it.
        """
        if kind not in self._names:
            described = self._api.resource(account_id, f"sobjects/{kind}/describe")
            self._names[kind] = {f["name"].lower(): f["name"] for f in described["fields"]}
        names = self._names[kind]
        if missing := [name for name in needed if name.lower() not in names]:
            raise no_such_field(self.name, account_id, kind, missing)
        return {column: names[name] for column, name in wanted.items() if name in names}

    def _created(self, window: Window) -> str:
        start, end = bounds(window, self._zone)
        return f"CreatedDate >= {literal(start)} AND CreatedDate < {literal(end)}"


def open_source(settings: SalesforceSettings, secrets: Secrets) -> SalesforceSource:
    """The organisation as configured; ConfigError where a secret is missing."""
    return SalesforceSource(
        settings,
        secrets.require("salesforce_client_id"),
        secrets.require("salesforce_client_secret"),
        secrets.require("hash_salt"),
    )


def _primary_email(row: Row) -> str | None:
    roles: Any = row.get(_CONTACT_ROLES)
    records = roles["records"] if roles else []
    return next((r["Contact"]["Email"] for r in records if r["Contact"]), None)
