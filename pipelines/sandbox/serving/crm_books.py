"""What a client must end with of a CRM, exactly, and which faults strike which call."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from pipelines.privacy.hashing import hash_email, hash_phone
from pipelines.sandbox.market.leads import Lead, LeadBook, Record
from pipelines.sandbox.serving.faults import Faults

Row = dict[str, Any]


def visible(book: LeadBook, now: datetime, *, purge: bool) -> list[Lead]:
    """Leads created so far; with ``purge`` every seventh lead and opportunity was just deleted."""
    leads = book.known(now)
    return [_purged(lead, now) for lead in leads] if purge else leads


def _purged(lead: Lead, now: datetime) -> Lead:
    gone_at = now - timedelta(hours=1)
    deal = lead.opportunity
    if deal and deal.number % 7 == 3 and deal.created_at < gone_at and not deal.is_deleted(now):
        lead = replace(lead, opportunity=replace(deal, deleted_at=gone_at))
    if lead.number % 7 == 0 and lead.created_at < gone_at and not lead.is_deleted(now):
        lead = replace(lead, deleted_at=gone_at)
    return lead


def modified(record: Record, now: datetime, partner: Record | None) -> datetime:
    """Last change; what a record is linked to being deleted is a change of it, too."""
    deleted = [partner.deleted_at] if partner and partner.deleted_at else []
    return max(*record.changes(now), *(at for at in deleted if at < now), record.created_at)


def lead_rows(book: LeadBook, leads: list[Lead], now: datetime, salt: str) -> list[Row]:
    """Rows of raw.crm_leads without raw_status and lead_source, which are the CRM's own words."""
    crm = book.crm
    rows = []
    for lead in leads:
        if lead.is_deleted(now):
            continue
        deal = lead.opportunity
        linked = deal is not None and deal.created_at < now
        if crm.name == "hubspot" and deal and deal.is_deleted(now):
            linked = False
        rows.append(
            {
                "lead_id": crm.lead_id(lead.number),
                "created_date": crm.day(lead.created_at),
                "created_at": lead.created_at,
                "updated_at": modified(lead, now, deal),
                "email_hash": hash_email(lead.email, salt),
                "phone_hash": hash_phone(lead.phone, salt),
                "status": lead.step(now),
                "utm_source": lead.channel,
                "utm_medium": "paid" if lead.channel else None,
                "utm_campaign": lead.campaign,
                **{c: lead.clicks.get(c) for c in ("gclid", "fbclid", "li_fat_id", "ttclid")},
                "opportunity_id": crm.opportunity_id(lead.number) if linked else None,
            }
        )
    return rows


def opportunity_rows(book: LeadBook, leads: list[Lead], now: datetime, salt: str) -> list[Row]:
    """Rows of raw.crm_opportunities without stage, which is the CRM's own word."""
    crm = book.crm
    rows = []
    for lead in leads:
        deal = lead.opportunity
        if deal is None or deal.created_at >= now or deal.is_deleted(now):
            continue
        step = deal.step(now)
        closed_at = deal.steps[-1][0] if step in ("WON", "LOST") else None
        unlinked = crm.name == "hubspot" and lead.is_deleted(now)
        if closed_at and crm.name == "salesforce":
            closed_at = crm.midnight(crm.day(closed_at))
        rows.append(
            {
                "opportunity_id": crm.opportunity_id(deal.number),
                "created_date": crm.day(deal.created_at),
                "created_at": deal.created_at,
                "updated_at": modified(deal, now, lead),
                "closed_at": closed_at,
                "is_won": step == "WON",
                "is_closed": closed_at is not None,
                "amount_micros": deal.amount_cents * 10_000,
                "currency_code": crm.currency,
                "lead_id": None if unlinked else crm.lead_id(lead.number),
                "email_hash": None if unlinked else hash_email(lead.email, salt),
            }
        )
    return rows


def created_between(rows: list[Row], start: date, end: date) -> list[Row]:
    """Rows of the account's days from ``start`` to ``end``, both inclusive."""
    return [row for row in rows if start <= row["created_date"] <= end]


class Gate:
    """Lets passing faults strike every call once, until it gets through.

    So a client that tries again ends with every row, also while all faults are on.
    """

    def __init__(self, faults: Faults, account_id: str) -> None:
        self._faults, self._account_id = faults, account_id
        self._struck: set[tuple[str, str]] = set()

    def strikes(self, name: str, call: str) -> bool:
        """Whether a fault strikes this call now."""
        if (name, call) in self._struck or not self._faults.strikes(name, self._account_id):
            return False
        self._struck.add((name, call))
        return True

    def is_on(self, name: str) -> bool:
        """Whether a fault that lasts is on."""
        return self._faults.strikes(name, self._account_id)

    def passed(self, call: str) -> None:
        """The call got its answer; the next one like it is struck anew."""
        self._struck = {struck for struck in self._struck if struck[1] != call}
