"""Leads and opportunities of the simulated Salesforce organisation, in Salesforce's own words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.market.leads import SALESFORCE, Lead
from pipelines.sandbox.serving.crm_books import modified

Record = dict[str, Any]

_STATUS = {
    "NEW": "Open - Not Contacted",
    "WORKING": "Working - Contacted",
    "QUALIFIED": "Qualified",
    "CONVERTED": "Closed - Converted",
    "DISQUALIFIED": "Closed - Not Converted",
}
_STAGE = {
    "OPEN": "Qualification",
    "PROPOSAL": "Proposal/Price Quote",
    "WON": "Closed Won",
    "LOST": "Closed Lost",
}
_CUSTOM = {
    "GCLID__c": "gclid",
    "FBCLID__c": "fbclid",
    "li_fat_id__c": "li_fat_id",
    "ttclid__c": "ttclid",
}


def leads(known: list[Lead], now: datetime) -> list[Record]:
    """Leads as they are at an instant, deleted ones too, oldest first.

    Name and Company are there for nobody to take.
    """
    return [_lead(lead, now) for lead in known]


def opportunities(known: list[Lead], now: datetime) -> list[Record]:
    """Opportunities as they are at an instant, deleted ones too."""
    return [
        _opportunity(lead, now)
        for lead in known
        if lead.opportunity and lead.opportunity.created_at < now
    ]


def _lead(lead: Lead, now: datetime) -> Record:
    deal = lead.opportunity
    converted = lead.step(now) == "CONVERTED"
    return {
        "Id": SALESFORCE.lead_id(lead.number),
        "IsDeleted": lead.is_deleted(now),
        "CreatedDate": _stamp(lead.created_at),
        "SystemModstamp": _stamp(modified(lead, now, deal)),
        "Name": f"Firstname{lead.number} Lastname",
        "Company": f"Buyer {lead.number} GmbH",
        "Email": lead.email,
        "Phone": lead.phone if lead.number % 4 else None,
        "MobilePhone": None if lead.number % 4 else lead.phone,
        "Status": _STATUS[lead.step(now)],
        "IsConverted": converted,
        "LeadSource": "Advertisement" if lead.channel else "Web",
        "ConvertedOpportunityId": SALESFORCE.opportunity_id(lead.number) if converted else None,
        "utm_source__c": lead.channel,
        "utm_medium__c": "paid" if lead.channel else None,
        "utm_campaign__c": lead.campaign,
        **{name: lead.clicks.get(column) for name, column in _CUSTOM.items()},
    }


def _opportunity(lead: Lead, now: datetime) -> Record:
    deal = lead.opportunity
    assert deal
    step = deal.step(now)
    closed = step in ("WON", "LOST")
    closes = deal.steps[-1][0] if closed else deal.created_at + timedelta(days=30)
    role = {
        "attributes": {"type": "OpportunityContactRole"},
        "Contact": {"attributes": {"type": "Contact"}, "Email": lead.email},
    }
    return {
        "Id": SALESFORCE.opportunity_id(deal.number),
        "IsDeleted": deal.is_deleted(now),
        "CreatedDate": _stamp(deal.created_at),
        "SystemModstamp": _stamp(modified(deal, now, lead)),
        "Name": f"Firstname{lead.number}'s opportunity",
        "CloseDate": SALESFORCE.day(closes).isoformat(),
        "StageName": _STAGE[step],
        "IsWon": step == "WON",
        "IsClosed": closed,
        "Amount": deal.amount_cents / 100,
        "OpportunityContactRoles": {"totalSize": 1, "done": True, "records": [role]},
    }


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
