"""Contacts and deals of the simulated HubSpot portal, in HubSpot's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.market.leads import HUBSPOT, Lead
from pipelines.sandbox.serving.crm_books import modified

CONTACTS, DEALS = "contacts", "deals"
# What a contact or deal can be asked for; firstname and dealname are there for nobody to take.
PROPERTIES = {
    CONTACTS: (
        *("createdate", "lastmodifieddate", "hs_object_id", "email", "phone", "mobilephone"),
        *("firstname", "lifecyclestage", "hs_lead_status", "hs_analytics_source", "utm_source"),
        *("utm_medium", "utm_campaign", "hs_google_click_id", "hs_facebook_click_id"),
        *("li_fat_id", "ttclid"),
    ),
    DEALS: (
        *("createdate", "hs_createdate", "hs_lastmodifieddate", "hs_object_id", "dealname"),
        *("amount", "closedate", "dealstage", "hs_is_closed", "hs_is_closed_won"),
        *("deal_currency_code", "pipeline"),
    ),
}
DEFAULTS = {
    CONTACTS: ("createdate", "lastmodifieddate", "hs_object_id"),
    DEALS: ("createdate", "hs_lastmodifieddate", "hs_object_id"),
}
_COLLEAGUES = 500_000  # who joined a deal later; contacts that the app is not shown
_STAGE = {
    "NEW": ("lead", None),
    "WORKING": ("lead", "IN_PROGRESS"),
    "QUALIFIED": ("salesqualifiedlead", "CONNECTED"),
    "CONVERTED": ("opportunity", "OPEN_DEAL"),
    "DISQUALIFIED": ("lead", "UNQUALIFIED"),
}
_DEAL_STAGE = {
    "OPEN": "qualifiedtobuy",
    "PROPOSAL": "contractsent",
    "WON": "closedwon",
    "LOST": "closedlost",
}
_SOURCE = {
    None: "DIRECT_TRAFFIC",
    "google": "PAID_SEARCH",
    "facebook": "PAID_SOCIAL",
    "linkedin": "PAID_SOCIAL",
    "tiktok": "PAID_SOCIAL",
}


@dataclass(frozen=True)
class Object:
    """A contact or deal: its properties, ids it is associated with, when it was archived."""

    id: str
    properties: dict[str, str | None] = field(repr=False)
    associated: tuple[str, ...]
    archived_at: str | None


def objects(kind: str, leads: list[Lead], now: datetime) -> list[Object]:
    """Contacts or deals as they are at an instant, archived ones too, by id."""
    if kind == CONTACTS:
        return [_contact(lead, now) for lead in leads]
    deals = [lead for lead in leads if lead.opportunity and lead.opportunity.created_at < now]
    return [_deal(lead, now) for lead in deals]


def as_json(record: Object, names: list[str], extra: dict[str, str]) -> dict[str, Any]:
    """An object as the API gives it: the asked properties, null where there is no value."""
    body = {
        "id": record.id,
        "properties": {**{name: record.properties.get(name) for name in names}, **extra},
        "createdAt": record.properties["createdate"],
        "archived": record.archived_at is not None,
    }
    return body | ({"archivedAt": record.archived_at} if record.archived_at else {})


def _contact(lead: Lead, now: datetime) -> Object:
    deal = lead.opportunity
    stage, step = _STAGE[lead.step(now)]
    linked = deal is not None and deal.created_at < now and not deal.is_deleted(now)
    number = HUBSPOT.lead_id(lead.number)
    properties = {
        "createdate": stamp(lead.created_at),
        "lastmodifieddate": stamp(modified(lead, now, deal)),
        "hs_object_id": number,
        "email": lead.email,
        "phone": lead.phone if lead.number % 4 else "",
        "mobilephone": None if lead.number % 4 else lead.phone,
        "firstname": f"Firstname{lead.number}",
        "lifecyclestage": stage,
        "hs_lead_status": step,
        "hs_analytics_source": _SOURCE[lead.channel],
        "utm_source": lead.channel,
        "utm_medium": "paid" if lead.channel else "",
        "utm_campaign": lead.campaign,
        "hs_google_click_id": lead.clicks.get("gclid"),
        "hs_facebook_click_id": lead.clicks.get("fbclid"),
        "li_fat_id": lead.clicks.get("li_fat_id"),
        "ttclid": lead.clicks.get("ttclid"),
    }
    deals = (HUBSPOT.opportunity_id(lead.number),) if linked else ()
    return Object(number, properties, deals, _archived_at(lead.deleted_at, now))


def _deal(lead: Lead, now: datetime) -> Object:
    deal = lead.opportunity
    assert deal
    step, number = deal.step(now), HUBSPOT.opportunity_id(deal.number)
    closed = step in ("WON", "LOST")
    closes = deal.steps[-1][0] if closed else deal.created_at + timedelta(days=30)
    # someone back-dates every fifth deal
    back_dated = deal.created_at - timedelta(days=3 if deal.number % 5 == 0 else 0)
    properties = {
        "createdate": stamp(back_dated),
        "hs_createdate": stamp(deal.created_at),
        "hs_lastmodifieddate": stamp(modified(deal, now, lead)),
        "hs_object_id": number,
        "dealname": f"Firstname{lead.number}'s deal",
        "amount": f"{deal.amount_cents // 100}.{deal.amount_cents % 100:02d}",
        "closedate": stamp(closes),
        "dealstage": _DEAL_STAGE[step],
        "hs_is_closed": "true" if closed else "false",
        "hs_is_closed_won": "true" if step == "WON" else "false",
        "deal_currency_code": HUBSPOT.currency if deal.number % 2 else None,
        "pipeline": "default",
    }
    contacts = [] if lead.is_deleted(now) else [HUBSPOT.lead_id(lead.number)]
    if contacts and deal.number % 3 == 0:
        contacts.insert(0, HUBSPOT.lead_id(_COLLEAGUES + deal.number))
    return Object(number, properties, tuple(contacts), _archived_at(deal.deleted_at, now))


def _archived_at(deleted_at: datetime | None, now: datetime) -> str | None:
    return stamp(deleted_at) if deleted_at and deleted_at < now else None


def stamp(at: datetime) -> str:
    """An instant as HubSpot writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
