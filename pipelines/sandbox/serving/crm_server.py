"""What the simulated CRMs share: leads up to the clock's day, their books, and one way in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fastapi import Request, Response

from pipelines.sandbox.market.leads import Crm, Lead, LeadBook
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serving import crm_books
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.crm_books import Gate
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback, every_call

Json = dict[str, Any]


class CrmServer(Loopback):
    """One CRM at ``url``; a context manager. Data is there up to ``clock.today - 1``.

    Attributes:
        mutations: every call that was not a read; each was answered 403.
        faults: those that pass strike each call once.
    """

    def __init__(self, crm: Crm, market: Market, clock: Clock, faults: Faults) -> None:
        self.clock, self.faults = clock, faults
        self.mutations: list[str] = []
        self._crm, self._book = crm, LeadBook(market, crm)
        self._gate = Gate(faults, crm.account_id)
        super().__init__(every_call(self._handle), crm.name)

    def lead_rows(self, start: date, end: date, salt: str) -> list[Json]:
        """The books: what raw.crm_leads must hold of these days; see crm_books.lead_rows."""
        rows = crm_books.lead_rows(self._book, self._leads(), self._now, salt)
        return crm_books.created_between(rows, start, end)

    def opportunity_rows(self, start: date, end: date, salt: str) -> list[Json]:
        """The books: what raw.crm_opportunities must hold of these days."""
        rows = crm_books.opportunity_rows(self._book, self._leads(), self._now, salt)
        return crm_books.created_between(rows, start, end)

    @property
    def _now(self) -> datetime:
        return self._crm.midnight(self.clock.today)

    def _leads(self) -> list[Lead]:
        purge = self._gate.is_on("deleted_rows")
        return crm_books.visible(self._book, self._now, purge=purge)

    async def _handle(self, request: Request) -> Response:
        return self._respond(request, request.url.path.lstrip("/"), await request.body())

    def _respond(self, request: Request, path: str, body: bytes) -> Response:
        raise NotImplementedError
